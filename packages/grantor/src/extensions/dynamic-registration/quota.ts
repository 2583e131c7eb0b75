import { Counts, networkOf } from '../../counts.ts'
import type { HttpRequest } from '../../http.ts'
import type { RegistrationQuota } from './options.ts'

/** How often one network may try to register, so that nobody fills the store alone. */
export class Quota {
  readonly #now: () => number
  readonly #address: (request: HttpRequest) => string | undefined
  readonly #attempts: Counts

  constructor(now: () => number, { limit = 100, window = 3600, address = ({ remote }) => remote?.address }: RegistrationQuota) {
    this.#now = now
    this.#address = address
    this.#attempts = new Counts(limit, window)
  }

  /** @throws TemporarilyUnavailableError (429) with the seconds to wait */
  take(request: HttpRequest): void {
    const address = this.#address(request)
    if (address !== undefined) this.#attempts.take(networkOf(address), this.#now(), 'too many registrations from this network')
  }
}
