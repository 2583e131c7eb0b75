import { Counts, clientAtAddress } from '../counts.ts'

/** Seconds. */
const WINDOW = 60

/**
 * Counts failed authentications of a client from an address, in this process. Never of a client alone: whoever fails on purpose must
 * not lock it out elsewhere.
 */
export class FailureLimit {
  readonly #failures: Counts

  /** @param limit failures within a minute; 0: no limit */
  constructor(limit: number) {
    this.#failures = new Counts(limit, WINDOW)
  }

  /** Seconds until the next attempt is judged; 0: now. Without an address nobody can be told apart, and nobody waits. */
  wait(clientId: string, address: string | undefined, now: number): number {
    return address === undefined ? 0 : this.#failures.wait(clientAtAddress(clientId, address), now)
  }

  count(clientId: string, address: string | undefined, now: number): void {
    if (address !== undefined) this.#failures.count(clientAtAddress(clientId, address), now)
  }
}
