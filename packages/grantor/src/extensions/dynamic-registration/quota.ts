import { TemporarilyUnavailableError } from '../../errors.ts'
import type { HttpRequest } from '../../http.ts'
import type { RegistrationQuota } from './options.ts'

const MAX_NETWORKS = 10_000

/** How often one network may try to register, so that nobody fills the store alone. */
export class Quota {
  readonly #now: () => number
  readonly #limit: number
  readonly #window: number
  readonly #address: (request: HttpRequest) => string | undefined
  // In the order of their windows' ends, since all windows are as long.
  readonly #counts = new Map<string, { attempts: number; until: number }>()

  constructor(now: () => number, { limit = 100, window = 3600, address = ({ remote }) => remote?.address }: RegistrationQuota) {
    this.#now = now
    this.#limit = limit
    this.#window = window
    this.#address = address
  }

  /** @throws TemporarilyUnavailableError (429) with the seconds to wait */
  take(request: HttpRequest): void {
    const address = this.#address(request)
    if (address === undefined) return
    const network = networkOf(address)
    const now = this.#now()
    this.#forget(now)
    const count = this.#counts.get(network) ?? { attempts: 0, until: now + this.#window }
    if (count.attempts >= this.#limit)
      throw new TemporarilyUnavailableError('too many registrations from this network', { status: 429, retryAfter: count.until - now })
    count.attempts++
    this.#counts.set(network, count)
  }

  /** Those whose window is over, and the oldest when there are too many. */
  #forget(now: number): void {
    for (const [network, { until }] of this.#counts) {
      if (until > now && this.#counts.size < MAX_NETWORKS) return
      this.#counts.delete(network)
    }
  }
}

/** One household or machine: an IPv4 address, or the first half of an IPv6 one. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [head = '', tail] = address.toLowerCase().split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
