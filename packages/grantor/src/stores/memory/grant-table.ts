import type { Grant } from '../../models/grant.ts'

/** Grants by id, and a person's by age: every authorization asks what its person granted. */
export class GrantTable extends Map<string, Grant> {
  /** Oldest first. */
  readonly #ofSubject = new Map<string, Grant[]>()

  /** A grant that is replaced keeps its subject and its age. */
  override set(id: string, grant: Grant): this {
    const own = this.#ofSubject.get(grant.subject) ?? []
    this.#ofSubject.set(grant.subject, own)
    // From the end, where it nearly always belongs.
    let place = own.length
    while (place > 0 && byAge(own[place - 1] as Grant, grant) > 0) place--
    const replaced = own[place - 1]?.id === id ? 1 : 0
    own.splice(place - replaced, replaced, grant)
    return super.set(id, grant)
  }

  override delete(id: string): boolean {
    const subject = this.get(id)?.subject ?? ''
    const rest = this.#ofSubject.get(subject)?.filter((grant) => grant.id !== id) ?? []
    if (rest.length === 0) this.#ofSubject.delete(subject)
    else this.#ofSubject.set(subject, rest)
    return super.delete(id)
  }

  *newestOf(subject: string): Iterable<Grant> {
    const own = this.#ofSubject.get(subject) ?? []
    for (let index = own.length - 1; index >= 0; index--) yield own[index] as Grant
  }
}

/** Below zero where `a` is the older. */
export function byAge(a: Grant, b: Grant): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
