import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { canonicalLogin } from './users.ts'

const WINDOW = 15 * 60

/** An attempt that is counted before it is judged, so that many at once count too. */
export interface LoginAttempt {
  /** Seconds to wait before another; 0: go on. */
  wait: number
  /** The attempt was the right one and counts no longer. */
  succeeded(): Promise<void>
}

/** Limits guesses: by account, whoever guesses; and by address, whatever is guessed. */
export class LoginLimiter {
  readonly #accounts = new RateLimiterMemory({ points: 10, duration: WINDOW })
  readonly #addresses = new RateLimiterMemory({ points: 100, duration: WINDOW })

  async reserve(login: string, address = ''): Promise<LoginAttempt> {
    const account = canonicalLogin(login)
    const network = networkOf(address)
    try {
      await this.#addresses.consume(network)
      await this.#accounts.consume(account)
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      return { wait: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)), succeeded: async () => {} }
    }
    return {
      wait: 0,
      succeeded: async () => {
        await this.#accounts.delete(account)
        await this.#addresses.reward(network)
      }
    }
  }
}

/** One household or machine: an IPv4 address, or the first half of an IPv6 one. */
function networkOf(address: string): string {
  return address.includes(':') && !address.startsWith('::ffff:') ? address.split(':').slice(0, 4).join(':') : address
}
