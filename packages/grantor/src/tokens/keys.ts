import type { ServerContext } from '../context.ts'
import { allowedOf } from '../crypto/algorithms.ts'
import type { Signer } from '../crypto/port.ts'
import { ConfigurationError } from '../errors.ts'
import type { KeyStatus, Keys } from '../keyrings.ts'
import { keyRetention } from '../settings.ts'
import { type StoredKey, StoredKeys } from './stored-keys.ts'

/**
 * The signing keys of all nodes: published `signingKeyLead` before they sign, and listed after their last signature until no token can
 * be left that bears it.
 */
export class KeyRing implements Keys {
  readonly #server: ServerContext
  readonly #external: readonly Signer[]
  readonly #contributed: ReadonlySet<string>
  readonly #stored: StoredKeys
  readonly #signers = new WeakMap<StoredKey, Signer>()
  #listed: readonly JsonWebKey[] = []
  #public: readonly JsonWebKey[] = []

  /**
   * @param external signers of a KMS or HSM: used instead of stored keys for their algorithms.
   * @param contributed algorithms that extensions need, besides those of the settings.
   */
  constructor(server: ServerContext, external: readonly Signer[] = [], contributed: ReadonlySet<string> = new Set()) {
    this.#server = server
    this.#external = external
    this.#contributed = contributed
    this.#stored = new StoredKeys(server, {
      kind: 'signing_keys',
      use: 'sig',
      purpose: 'signing-key',
      algorithms: () => this.algorithms().filter((alg) => !external.some((signer) => signer.alg === alg)),
      listed: keyRetention(server.settings),
      usable: 0
    })
  }

  algorithms(): readonly string[] {
    const { signingAlgorithms, allowedAlgorithms } = this.#server.settings
    const kept = new Set([...signingAlgorithms, ...this.#contributed, ...this.#external.map(({ alg }) => alg)])
    return allowedOf([...kept], allowedAlgorithms)
  }

  async signer(alg?: string): Promise<Signer> {
    const algorithms = this.algorithms()
    const wanted = alg ?? algorithms[0] ?? ''
    const external = this.#external.find((signer) => signer.alg === wanted)
    if (external) return external
    const keys = await this.#stored.all()
    const now = this.#server.now()
    const key = keys.findLast((candidate) => candidate.alg === wanted && candidate.activeFrom <= now)
    // A key of an algorithm that was dropped is there for what it signed before.
    if (!key || !algorithms.includes(wanted))
      throw new ConfigurationError(`no signing key for ${wanted}; signingAlgorithms has ${algorithms.join(', ')}`)
    return this.#signers.get(key) ?? this.#open(key)
  }

  async publicKeys(): Promise<readonly JsonWebKey[]> {
    const listed = await this.#stored.listed()
    if (listed !== this.#listed) {
      const external = this.#external.map(({ publicJwk, kid, alg }) => ({ ...publicJwk, kid, alg, use: 'sig' }) as JsonWebKey)
      this.#public = [...external, ...listed]
    }
    this.#listed = listed
    return this.#public
  }

  async list(): Promise<readonly KeyStatus[]> {
    const external = this.#external.map(({ kid, alg }) => ({ kid, alg, use: 'sig', state: 'external' }) as const)
    return [...external, ...(await this.#stored.list())]
  }

  rotate(options?: { compromised?: boolean }): Promise<void> {
    return this.#stored.rotate(options)
  }

  retire(kid: string): Promise<void> {
    return this.#stored.retire(kid)
  }

  reseal(): Promise<number> {
    return this.#stored.reseal()
  }

  async #open(key: StoredKey): Promise<Signer> {
    const { kid, alg, publicJwk } = key
    const sign = await this.#server.crypto.signer(await this.#stored.open(key), alg)
    const signer = { kid, alg, publicJwk, sign }
    this.#signers.set(key, signer)
    return signer
  }
}
