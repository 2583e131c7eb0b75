import { TemporarilyUnavailableError } from '../../errors.ts'

const MAX_PROOFS = 100_000

/** The proofs that one process has seen, for an API that runs in one. It holds a bounded number, and takes no more when it is full. */
export class SeenProofs {
  readonly #now: () => number
  // In the order of arrival, which is nearly that of expiry.
  readonly #expiries = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** False: seen before. @throws TemporarilyUnavailableError if it is full */
  add(id: string, expiresAt: number): boolean {
    for (const [known, expiry] of this.#expiries) {
      if (expiry >= this.#now()) break
      this.#expiries.delete(known)
    }
    if (this.#expiries.has(id)) return false
    if (this.#expiries.size >= MAX_PROOFS) throw new TemporarilyUnavailableError('too many proofs')
    this.#expiries.set(id, expiresAt)
    return true
  }
}
