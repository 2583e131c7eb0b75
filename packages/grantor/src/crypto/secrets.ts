import { constantTimeEqual } from './constant-time.ts'
import { type Awaitable, type CryptoPort, whenAll } from './port.ts'

/**
 * The server's root secrets and what is derived from them: one key per purpose, so that nothing made for one is valid for another.
 * The first root makes everything new; the others only recognise what they made before a rotation.
 */
export class Secrets {
  readonly #crypto: CryptoPort
  readonly #roots: readonly string[]
  readonly #hmacs = new Map<string, readonly ((text: string) => Awaitable<string>)[]>()

  /** @param roots at least 32 characters each, never stored beside the data. */
  constructor(crypto: CryptoPort, roots: readonly string[]) {
    this.#crypto = crypto
    this.#roots = roots
  }

  /** The keyed hash under which a secret is stored. */
  hash(purpose: string, secret: string): Awaitable<string> {
    // At once where the key is known, as it is for all but the first: every token pays for what is awaited here.
    const [current] = this.#hmacs.get(purpose) ?? []
    return current ? current(secret) : this.#derive(purpose).then(([first]) => first?.(secret) as Awaitable<string>)
  }

  /** Whether `hash` is the keyed hash of `secret`, compared in constant time. */
  matches(purpose: string, secret: string, hash: string): Awaitable<boolean> {
    const hmacs = this.#hmacs.get(purpose)
    if (!hmacs) return this.#derive(purpose).then(() => this.matches(purpose, secret, hash))
    const own = hmacs.map((hmac) => hmac(secret))
    return whenAll(own, (hashes) => hashes.filter((one) => constantTimeEqual(one, hash)).length > 0)
  }

  async encrypt(purpose: string, text: string, context: string): Promise<string> {
    return this.#crypto.encrypt(await this.hash('encryption-key', purpose), text, context)
  }

  /** Undefined if no root made it, or it was made for another purpose or context. */
  async decrypt(purpose: string, sealed: string, context: string): Promise<string | undefined> {
    for (const hmac of this.#hmacs.get('encryption-key') ?? (await this.#derive('encryption-key'))) {
      const text = await this.#crypto.decrypt(await hmac(purpose), sealed, context)
      if (text !== undefined) return text
    }
    return undefined
  }

  /** The same under the first root; as it is, if it was made with that one. Undefined if no root made it. */
  async reseal(purpose: string, sealed: string, context: string): Promise<string | undefined> {
    const current = await this.hash('encryption-key', purpose)
    if ((await this.#crypto.decrypt(current, sealed, context)) !== undefined) return sealed
    const text = await this.decrypt(purpose, sealed, context)
    return text === undefined ? undefined : this.encrypt(purpose, text, context)
  }

  async #derive(purpose: string): Promise<readonly ((text: string) => Awaitable<string>)[]> {
    const keys = this.#roots.map(async (root) => {
      const extracted = this.#crypto.hmac(await this.#crypto.sha256(root))
      return this.#crypto.hmac(await extracted(`grantor/${purpose}`))
    })
    const hmacs = await Promise.all(keys)
    this.#hmacs.set(purpose, hmacs)
    return hmacs
  }
}
