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
  #round: MapIterator<Expiring>

  constructor(table: Map<string, Expiring>) {
    this.#table = table
    this.#round = table.values()
  }

  step(now: number): void {
    let looked = 0
    // Which goes on where it was left, since the iterator of a Map has no end before its end.
    for (const { id, expiresAt } of this.#round) {
      if (expiresAt !== undefined && expiresAt <= now) this.#table.delete(id)
      if (++looked === STRIDE) return
    }
    this.#round = this.#table.values()
  }
}
