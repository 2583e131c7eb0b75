/** Seconds. */
const WINDOW = 60
const MAX_ENTRIES = 10_000

/**
 * Counts failed authentications of a client from an address, in this process. Never of a client alone: whoever fails on purpose must
 * not lock it out elsewhere.
 */
export class FailureLimit {
  readonly #limit: number
  readonly #failures = new Map<string, { count: number; until: number }>()

  /** @param limit failures within a minute; 0: no limit */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Seconds until the next attempt is judged; 0: now. Without an address nobody can be told apart, and nobody waits. */
  wait(clientId: string, address: string | undefined, now: number): number {
    if (this.#limit === 0 || address === undefined) return 0
    const entry = this.#failures.get(keyOf(clientId, address))
    return entry && entry.count >= this.#limit ? Math.max(0, entry.until - now) : 0
  }

  count(clientId: string, address: string | undefined, now: number): void {
    if (this.#limit === 0 || address === undefined) return
    const key = keyOf(clientId, address)
    const entry = this.#failures.get(key)
    const isRunning = entry !== undefined && now < entry.until
    this.#failures.delete(key)
    this.#failures.set(key, isRunning ? { ...entry, count: entry.count + 1 } : { count: 1, until: now + WINDOW })
    // The one that failed longest ago gives way.
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > MAX_ENTRIES && oldest !== undefined) this.#failures.delete(oldest)
  }
}

/** One household or machine: an IPv4 address, or the first half of an IPv6 one. */
function keyOf(clientId: string, address: string): string {
  const network = address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address
  return JSON.stringify([clientId.slice(0, 200), network])
}
