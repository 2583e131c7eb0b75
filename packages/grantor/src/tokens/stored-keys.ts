import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { ServerContext } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import { ConfigurationError } from '../errors.ts'
import type { KeyStatus } from '../keyrings.ts'
import { type Kind, NEVER } from '../models/artifacts.ts'

/** Seconds after which a node looks again which keys there are; an emergency rotation reaches every node within this time. */
const RELOAD_INTERVAL = 5
const ID = 'current'

/** A key as stored. It is the one to use from `activeFrom` until its successor is. Times in seconds since the epoch. */
export interface StoredKey {
  kid: string
  alg: string
  publicJwk: JsonWebKey
  /** The private key, encrypted; deleted when nothing needs it any more. */
  sealed?: string
  activeFrom: number
  /** Since when the settings no longer name its algorithm. */
  droppedAt?: number
}

export interface KeySet {
  version: number
  keys: readonly StoredKey[]
}

/** Which keys are kept, and for how long after another took a key's place. */
export interface Custody {
  kind: Kind<KeySet>
  use: 'sig' | 'enc'
  /** What the private keys are encrypted for. */
  purpose: string
  /** Those of extensions are known only after all have contributed. */
  algorithms(): readonly string[]
  /** Seconds for which the public half is still listed. */
  listed: number
  /** Seconds for which the private half is still there. */
  usable: number
}

/**
 * The keys of all nodes, in one record that changes by compare-and-set: made `signingKeyLead` before they are used, replaced after
 * `signingKeyLifetime`.
 */
export class StoredKeys {
  readonly #server: ServerContext
  readonly #custody: Custody
  #set: KeySet = { version: -1, keys: [] }
  #listed: readonly JsonWebKey[] = []
  #loadedAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | undefined

  constructor(server: ServerContext, custody: Custody) {
    this.#server = server
    this.#custody = custody
  }

  /** All there are, oldest first. */
  all(): Awaitable<readonly StoredKey[]> {
    return this.#isStale() ? this.#refresh().then(() => this.#set.keys) : this.#set.keys
  }

  /** The public halves to be shown; the same array until something changes. */
  async listed(): Promise<readonly JsonWebKey[]> {
    if (this.#isStale()) await this.#refresh()
    return this.#listed
  }

  /** As they are in the store now. */
  async list(): Promise<readonly KeyStatus[]> {
    await this.#refresh()
    return this.#set.keys.map((key, _, keys) => this.#status(key, keys))
  }

  /** Makes the next key of each algorithm that has none. `compromised`: it is used at once and the others are gone. */
  async rotate({ compromised = false }: { compromised?: boolean } = {}): Promise<void> {
    await this.#change(async (keys) => {
      const now = this.#server.now()
      const named = this.#custody.algorithms()
      if (named.length === 0) throw new ConfigurationError('there are no keys in the store to rotate')
      if (compromised) return Promise.all(named.map((alg) => this.#create(alg, now)))
      const next = keys.filter(({ activeFrom }) => now < activeFrom)
      const wanting = named.filter((alg) => !next.some((key) => key.alg === alg))
      if (wanting.length === 0)
        throw new ConfigurationError(`the next keys are published already: ${next.map(({ kid }) => kid).join(', ')}`)
      // The first key of an algorithm has nobody to wait for.
      const activeFrom = (alg: string) => now + (keys.some((key) => key.alg === alg) ? this.#server.settings.signingKeyLead : 0)
      return [...keys, ...(await Promise.all(wanting.map((alg) => this.#create(alg, activeFrom(alg)))))]
    })
  }

  /** Takes a key away before its time. @throws ConfigurationError if it is not there, or in use. */
  async retire(kid: string): Promise<void> {
    await this.#change(async (keys) => {
      const key = keys.find((one) => one.kid === kid)
      if (!key) throw new ConfigurationError(`there is no key ${kid} in the store`)
      if (this.#status(key, keys).state === 'current')
        throw new ConfigurationError(`the key ${kid} is in use; rotate first, and retire it when its successor is in use`)
      return keys.filter((one) => one !== key)
    })
  }

  /** Encrypts the private keys anew under the first root secret. @returns how many were under another. */
  async reseal(): Promise<number> {
    let resealed = 0
    await this.#change(async (keys) => {
      const next = await Promise.all(keys.map((key) => this.#reseal(key)))
      resealed = next.filter((key) => !keys.includes(key)).length
      return resealed === 0 ? keys : next
    })
    return resealed
  }

  /** The private key. @throws ConfigurationError if the secret of this server is not the one it was sealed with. */
  async open({ kid, alg, sealed }: StoredKey): Promise<JsonWebKey> {
    const text = sealed && (await this.#server.secrets.decrypt(this.#custody.purpose, sealed, this.#context(kid, alg)))
    if (text) return JSON.parse(text)
    throw sealedOtherwise()
  }

  async #reseal(key: StoredKey): Promise<StoredKey> {
    if (key.sealed === undefined) return key
    const sealed = await this.#server.secrets.reseal(this.#custody.purpose, key.sealed, this.#context(key.kid, key.alg))
    if (sealed === undefined) throw sealedOtherwise()
    return sealed === key.sealed ? key : { ...key, sealed }
  }

  #status(key: StoredKey, keys: readonly StoredKey[]): KeyStatus {
    const { listed, usable, use } = this.#custody
    const { kid, alg, activeFrom } = key
    const [now, end] = [this.#server.now(), endOf(key, keys)]
    const state = now < activeFrom ? 'next' : now < end ? 'current' : 'retired'
    return { kid, alg, use, state, activeFrom, ...(end < Number.POSITIVE_INFINITY && { keptUntil: end + Math.max(listed, usable) }) }
  }

  #isStale(): boolean {
    return this.#server.now() - this.#loadedAt >= RELOAD_INTERVAL
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
    const { kind } = this.#custody
    for (;;) {
      const now = this.#server.now()
      const found = await artifacts.find(kind, ID, now)
      const { version, keys } = found?.value ?? { version: 0, keys: [] }
      const changed = await step(keys)
      if (changed === keys) return this.#use({ version, keys })
      const next = { version: version + 1, keys: changed }
      const stored = found
        ? await artifacts.update(kind, ID, next, { version }, now)
        : await artifacts.insert({ kind, id: ID, value: next, expiresAt: NEVER })
      if (stored) return this.#use(next, keys)
    }
  }

  async #due(keys: readonly StoredKey[]): Promise<readonly StoredKey[]> {
    const { signingKeyLifetime, signingKeyLead } = this.#server.settings
    const { listed, usable } = this.#custody
    const now = this.#server.now()
    const named = this.#custody.algorithms()
    const marked = keys.map((key) => withMark(key, named, now))
    const kept = marked.filter((key) => now < endOf(key, marked) + Math.max(listed, usable))
    // A dropped key keeps its private half till it goes: a node that still has the old settings may need it.
    const retired = kept.map((key) => (key.sealed !== undefined && replacedAt(key, marked) + usable <= now ? withoutPrivate(key) : key))
    const due = named.flatMap((alg) => {
      const newest = keys.filter((key) => key.alg === alg).at(-1)
      if (!newest) return [{ alg, activeFrom: now }]
      const end = newest.activeFrom + signingKeyLifetime
      return end - signingKeyLead <= now ? [{ alg, activeFrom: Math.max(end, now + signingKeyLead) }] : []
    })
    const changed = due.length > 0 || retired.length < keys.length || retired.some((key) => !keys.includes(key))
    return changed ? [...retired, ...(await Promise.all(due.map(({ alg, activeFrom }) => this.#create(alg, activeFrom))))] : keys
  }

  async #create(alg: string, activeFrom: number): Promise<StoredKey> {
    const { purpose, use } = this.#custody
    const pair = await generateKeyPair(alg, { extractable: true })
    const publicJwk = await exportJWK(pair.publicKey)
    const kid = await calculateJwkThumbprint(publicJwk)
    const sealed = await this.#server.secrets.encrypt(purpose, JSON.stringify(await exportJWK(pair.privateKey)), this.#context(kid, alg))
    return { kid, alg, publicJwk: { ...publicJwk, kid, use, alg } as JsonWebKey, sealed, activeFrom }
  }

  /** What the ciphertext is bound to, so that one key's cannot be put in the place of another's. */
  #context(kid: string, alg: string): string {
    return JSON.stringify([this.#server.settings.issuer, kid, alg])
  }

  #use(set: KeySet, before: readonly StoredKey[] = set.keys): void {
    const now = this.#server.now()
    const isNew = set.version !== this.#set.version
    // A record stays the same object while nothing changes, so that whoever opened its key need not do it again.
    if (isNew) this.#set = set
    const shown = set.keys.filter((key) => now < endOf(key, set.keys) + this.#custody.listed)
    if (isNew || shown.length !== this.#listed.length) this.#listed = shown.map(({ publicJwk }) => publicJwk)
    this.#loadedAt = now
    const missingIn = (keys: readonly StoredKey[]) => (key: StoredKey) => !keys.some(({ kid }) => kid === key.kid)
    for (const { kid, alg, activeFrom } of set.keys.filter(missingIn(before))) this.#server.emit('keys.rotated', { kid, alg, activeFrom })
    for (const { kid, alg } of before.filter(missingIn(set.keys))) this.#server.emit('keys.retired', { kid, alg })
  }
}

function sealedOtherwise(): ConfigurationError {
  return new ConfigurationError('the keys in the store cannot be opened with this secret; start with the secret they were made with')
}

/** When a key is no longer the one to use: when the next one of its algorithm is, or when none is wanted. */
function endOf(key: StoredKey, keys: readonly StoredKey[]): number {
  return Math.min(replacedAt(key, keys), key.droppedAt ?? Number.POSITIVE_INFINITY)
}

function replacedAt(key: StoredKey, keys: readonly StoredKey[]): number {
  return keys.slice(keys.indexOf(key) + 1).find(({ alg }) => alg === key.alg)?.activeFrom ?? Number.POSITIVE_INFINITY
}

/** Remembers since when no setting names the algorithm; forgets it where one does. */
function withMark(key: StoredKey, named: readonly string[], now: number): StoredKey {
  if (!named.includes(key.alg)) return key.droppedAt === undefined ? { ...key, droppedAt: now } : key
  if (key.droppedAt === undefined) return key
  const { droppedAt: _droppedAt, ...rest } = key
  return rest
}

function withoutPrivate({ sealed: _sealed, ...key }: StoredKey): StoredKey {
  return key
}
