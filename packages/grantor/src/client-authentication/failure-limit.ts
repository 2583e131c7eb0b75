import { Counts } from '../counts.ts'

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
    return address === undefined ? 0 : this.#failures.wait(keyOf(clientId, address), now)
  }

  count(clientId: string, address: string | undefined, now: number): void {
    if (address !== undefined) this.#failures.count(keyOf(clientId, address), now)
  }
}

/** One household or machine: an IPv4 address, or the first half of an IPv6 one. */
function keyOf(clientId: string, address: string): string {
  const network = address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address
  return JSON.stringify([clientId.slice(0, 200), network])
}
