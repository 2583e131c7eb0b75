import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { Keys, ServerContext } from '../context.ts'
import type { Signer } from '../crypto/port.ts'
import { ConfigurationError } from '../errors.ts'
import type { Kind } from '../models/artifacts.ts'

/** Seconds after which a node looks again which keys there are; an emergency rotation reaches every node within this time. */
const RELOAD_INTERVAL = 5
const NEVER = 253_402_300_799
const ID = 'current'
const PURPOSE = 'signing-key'

/** A signing key as stored. It signs from `activeFrom` until its successor does. Times in seconds since the epoch. */
interface StoredKey {
  kid: string
  alg: string
  publicJwk: JsonWebKey
  /** The private key, encrypted; deleted when its successor signs. */
  sealed?: string
  activeFrom: number
}

interface KeySet {
  version: number
  keys: readonly StoredKey[]
}

const SIGNING_KEYS: Kind<KeySet> = 'signing_keys'

/**
 * The signing keys of all nodes, in one record that changes by compare-and-set: published `signingKeyLead` before they sign, listed for
 * another `signingKeyLifetime` after their last signature, which no token outlives.
 */
export class KeyRing implements Keys {
  readonly #server: ServerContext
  readonly #external: readonly Signer[]
  readonly #contributed: ReadonlySet<string>
  readonly #signers = new Map<string, Signer>()
  #set: KeySet = { version: -1, keys: [] }
  #loadedAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | undefined
  #public: readonly JsonWebKey[] = []

  /**
   * @param external signers of a KMS or HSM: used instead of stored keys for their algorithms.
   * @param contributed algorithms that extensions need, besides those of the settings.
   */
  constructor(server: ServerContext, external: readonly Signer[] = [], contributed: ReadonlySet<string> = new Set()) {
    this.#server = server
    this.#external = external
    this.#contributed = contributed
  }

  algorithms(): readonly string[] {
    return [...new Set([...this.#server.settings.signingAlgorithms, ...this.#contributed, ...this.#external.map(({ alg }) => alg)])]
  }

  async signer(alg: string = this.algorithms()[0] ?? ''): Promise<Signer> {
    const external = this.#external.find((signer) => signer.alg === alg)
    if (external) return external
    if (this.#isStale()) await this.#refresh()
    const now = this.#server.now()
    const key = this.#set.keys.filter((candidate) => candidate.alg === alg && candidate.activeFrom <= now).at(-1)
    if (!key) throw new ConfigurationError(`no signing key for ${alg}; signingAlgorithms has ${this.algorithms().join(', ')}`)
    return this.#signers.get(key.kid) ?? this.#open(key)
  }

  async publicKeys(): Promise<readonly JsonWebKey[]> {
    if (this.#isStale()) await this.#refresh()
    return this.#public
  }

  async rotate({ compromised = false }: { compromised?: boolean } = {}): Promise<void> {
    await this.#change(async (keys) => {
      const activeFrom = this.#server.now() + (compromised ? 0 : this.#server.settings.signingKeyLead)
      const next = await Promise.all(this.#storedAlgorithms().map((alg) => this.#create(alg, activeFrom)))
      return compromised ? next : [...keys, ...next]
    })
  }

  #isStale(): boolean {
    return this.#server.now() - this.#loadedAt >= RELOAD_INTERVAL
  }

  #storedAlgorithms(): readonly string[] {
    return this.algorithms().filter((alg) => !this.#external.some((signer) => signer.alg === alg))
  }

  /** Loads the keys and does what is due: the first, the next, the end of a retired one. */
  #refresh(): Promise<void> {
    this.#loading ??= this.#change((keys) => this.#due(keys)).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Compare-and-set until it holds; whoever loses the race takes what the winner stored. */
  async #change(step: (keys: readonly StoredKey[]) => Promise<readonly StoredKey[]>): Promise<void> {
    const { artifacts } = this.#server.store
    for (;;) {
      const now = this.#server.now()
      const found = await artifacts.find(SIGNING_KEYS, ID, now)
      const { version, keys } = found?.value ?? { version: 0, keys: [] }
      const changed = await step(keys)
      if (changed === keys) return this.#use({ version, keys })
      const next = { version: version + 1, keys: changed }
      const stored = found
        ? await artifacts.update(SIGNING_KEYS, ID, next, { version }, now)
        : await artifacts.insert({ kind: SIGNING_KEYS, id: ID, value: next, expiresAt: NEVER })
      if (stored) return this.#use(next, keys)
    }
  }

  async #due(keys: readonly StoredKey[]): Promise<readonly StoredKey[]> {
    const { signingKeyLifetime, signingKeyLead } = this.#server.settings
    const now = this.#server.now()
    const kept = keys.filter((key) => now < endOf(key, keys) + signingKeyLifetime)
    const retired = kept.map((key) => (key.sealed !== undefined && endOf(key, keys) <= now ? withoutPrivate(key) : key))
    const due = this.#storedAlgorithms().flatMap((alg) => {
      const newest = keys.filter((key) => key.alg === alg).at(-1)
      if (!newest) return [{ alg, activeFrom: now }]
      const end = newest.activeFrom + signingKeyLifetime
      return end - signingKeyLead <= now ? [{ alg, activeFrom: Math.max(end, now + signingKeyLead) }] : []
    })
    const changed = due.length > 0 || kept.length < keys.length || retired.some((key, i) => key !== kept[i])
    return changed ? [...retired, ...(await Promise.all(due.map(({ alg, activeFrom }) => this.#create(alg, activeFrom))))] : keys
  }

  async #create(alg: string, activeFrom: number): Promise<StoredKey> {
    const pair = await generateKeyPair(alg, { extractable: true })
    const publicJwk = await exportJWK(pair.publicKey)
    const kid = await calculateJwkThumbprint(publicJwk)
    const sealed = await this.#server.secrets.encrypt(PURPOSE, JSON.stringify(await exportJWK(pair.privateKey)), this.#context(kid, alg))
    return { kid, alg, publicJwk: { ...publicJwk, kid, use: 'sig', alg } as JsonWebKey, sealed, activeFrom }
  }

  async #open({ kid, alg, publicJwk, sealed }: StoredKey): Promise<Signer> {
    const text = sealed && (await this.#server.secrets.decrypt(PURPOSE, sealed, this.#context(kid, alg)))
    if (!text)
      throw new ConfigurationError(
        'the signing keys in the store cannot be opened with this secret; start with the secret they were made with'
      )
    const sign = await this.#server.crypto.signer(JSON.parse(text), alg)
    const signer = { kid, alg, publicJwk, sign }
    this.#signers.set(kid, signer)
    return signer
  }

  /** What the ciphertext is bound to, so that one key's cannot be put in the place of another's. */
  #context(kid: string, alg: string): string {
    return JSON.stringify([this.#server.settings.issuer, kid, alg])
  }

  #use(set: KeySet, before: readonly StoredKey[] = set.keys): void {
    if (set.version !== this.#set.version) {
      this.#public = [
        ...this.#external.map(({ publicJwk, kid, alg }) => ({ ...publicJwk, kid, alg, use: 'sig' }) as JsonWebKey),
        ...set.keys.map((key) => key.publicJwk)
      ]
      for (const kid of this.#signers.keys()) if (!set.keys.some((key) => key.kid === kid)) this.#signers.delete(kid)
    }
    this.#set = set
    this.#loadedAt = this.#server.now()
    for (const { kid, alg, activeFrom } of set.keys.filter((key) => !before.some(({ kid }) => kid === key.kid))) {
      this.#server.emit('keys.rotated', { kid, alg, activeFrom })
    }
  }
}

/** When a key stops signing: when the next one of its algorithm starts. */
function endOf(key: StoredKey, keys: readonly StoredKey[]): number {
  return keys.slice(keys.indexOf(key) + 1).find(({ alg }) => alg === key.alg)?.activeFrom ?? Number.POSITIVE_INFINITY
}

function withoutPrivate({ sealed: _sealed, ...key }: StoredKey): StoredKey {
  return key
}
