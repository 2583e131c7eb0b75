import { networkOf } from 'grantor'
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

/** How often, in 15 minutes: failed sign-ins to one account and from one address, attempts to create an account from one address. */
export interface Limits {
  signInsPerAccount: number
  signInsPerAddress: number
  signUpsPerAddress: number
}

/** Limits guesses: by account, whoever guesses; and by address, whatever is guessed. */
export class LoginLimiter {
  readonly #accounts: RateLimiterMemory
  readonly #addresses: RateLimiterMemory
  readonly #signUps: RateLimiterMemory

  constructor({ signInsPerAccount, signInsPerAddress, signUpsPerAddress }: Limits) {
    const limit = (points: number) => new RateLimiterMemory({ points, duration: WINDOW })
    this.#accounts = limit(signInsPerAccount)
    this.#addresses = limit(signInsPerAddress)
    this.#signUps = limit(signUpsPerAddress)
  }

  async reserve(login: string, address = ''): Promise<LoginAttempt> {
    const account = canonicalLogin(login)
    const network = networkOf(address)
    const wait = (await consume(this.#addresses, network)) || (await consume(this.#accounts, account))
    return {
      wait,
      succeeded: async () => {
        await this.#accounts.delete(account)
        await this.#addresses.reward(network)
      }
    }
  }

  /** @returns seconds to wait; 0: go on */
  reserveSignUp(address = ''): Promise<number> {
    return consume(this.#signUps, networkOf(address))
  }
}

/** Counts one. @returns seconds to wait; 0: go on */
async function consume(limiter: RateLimiterMemory, key: string): Promise<number> {
  try {
    await limiter.consume(key)
    return 0
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal
    return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000))
  }
}
