import { TemporarilyUnavailableError } from './errors.ts'

const MAX_NAMES = 10_000

/** Counts what happens under a name within a window of time, in this process. It holds a bounded number of names. */
export class Counts {
  readonly #limit: number
  readonly #window: number
  readonly #entries = new Map<string, { count: number; until: number }>()

  /** @param limit so many within the window; 0: no limit @param window seconds from the first that is counted */
  constructor(limit: number, window: number) {
    this.#limit = limit
    this.#window = window
  }

  /** Seconds until the next is within the limit; 0: it is now. */
  wait(name: string, now: number): number {
    const entry = this.#entries.get(name)
    return this.#limit > 0 && entry && entry.count >= this.#limit ? Math.max(0, entry.until - now) : 0
  }

  /** @returns how many that makes in this window; with no limit nothing is counted */
  count(name: string, now: number): number {
    if (this.#limit === 0) return 0
    const entry = this.#entries.get(name)
    const next = entry !== undefined && now < entry.until ? { ...entry, count: entry.count + 1 } : { count: 1, until: now + this.#window }
    this.#entries.delete(name)
    this.#entries.set(name, next)
    // The one that was counted longest ago gives way.
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_NAMES && oldest !== undefined) this.#entries.delete(oldest)
    return next.count
  }

  /** Takes one back that was counted before it was judged, so that many at once count too. */
  uncount(name: string): void {
    const entry = this.#entries.get(name)
    if (entry && entry.count > 0) this.#entries.set(name, { ...entry, count: entry.count - 1 })
  }

  /** Counts one that is within the limit. @throws TemporarilyUnavailableError (429) with the seconds to wait, and this message, if it is not */
  take(name: string, now: number, message: string): void {
    const wait = this.wait(name, now)
    if (wait > 0) throw new TemporarilyUnavailableError(message, { status: 429, retryAfter: wait })
    this.count(name, now)
  }
}

/** The name of a client in one network. */
export function clientAtAddress(clientId: string, address: string): string {
  return `${networkOf(address)} ${clientId.slice(0, 200)}`
}

/** One household or machine: an IPv4 address, or the first half of an IPv6 one. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.toLowerCase().split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
