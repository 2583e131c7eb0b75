/** A record that a sweep can judge. */
export interface Expiring {
  id: string
  expiresAt?: number
}

// Records looked at for expiry with each one that is stored: two for one keeps a table bounded without a pause.
const STRIDE = 2

/** Goes round a table and deletes what has expired. */
export class Sweep {
  readonly #table: Map<string, Expiring>
  #round: MapIterator<Expiring> | undefined

  constructor(table: Map<string, Expiring>) {
    this.#table = table
  }

  step(now: number): void {
    for (let i = 0; i < STRIDE; i++) {
      this.#round ??= this.#table.values()
      const { done, value: record } = this.#round.next()
      if (done) this.#round = undefined
      else if ((record.expiresAt ?? now + 1) <= now) this.#table.delete(record.id)
    }
  }
}
