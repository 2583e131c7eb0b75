import { type CryptoKey, errors, importJWK, type JWK, type JWTClaimVerificationOptions, type JWTPayload, jwtVerify } from 'jose'
import type { ServerContext } from '../context.ts'
import { namesOf } from '../crypto/algorithms.ts'
import type { ClientKeyQuery, ClientKeyring, OwnedKeyQuery, WrongClaim } from '../keyrings.ts'
import type { Client, JsonWebKeySet } from '../models/client.ts'
import { fetchJson } from '../outbound/json.ts'
import { keySetFault } from './key-set.ts'

/** Seconds for which a fetched set is used; a key that a client took back is dead here within this time. */
const LIFETIME = 60
/**
 * Seconds before an unknown `kid` makes the set be fetched again: whoever invents names makes us ask the client twelve times a minute at most,
 * for all who wait at once together. Since a set is never used for longer than LIFETIME, no more often than that would be not at all: a client
 * that signs with a key as soon as it is published would be refused for up to a minute.
 */
const MIN_AGE = 5
/** Seconds for which the keys that were had last still count while the client's server does not answer with any. */
const MAX_STALE = 86_400
const MAX_SETS = 1000
const MAX_BYTES = 524_288

interface FetchedSet {
  set: Promise<KnownKeys>
  askedAt: number
}

interface KnownKeys {
  keys: readonly JWK[]
  hadAt: number
}

/** The public keys of clients: registered by value, or fetched from where the client publishes them (RFC 7591 §2 `jwks_uri`). */
export class ClientKeys implements ClientKeyring {
  readonly #server: ServerContext
  readonly #sets = new Map<string, FetchedSet>()
  // A client record is replaced, never changed, and so is a fetched set: each key is imported once for an algorithm.
  readonly #imported = new WeakMap<object, Map<string, CryptoKey | Uint8Array>>()

  constructor(server: ServerContext) {
    this.#server = server
  }

  async find({ jwks, jwks_uri }: Pick<Client, 'jwks' | 'jwks_uri'>, query: ClientKeyQuery): Promise<readonly JWK[]> {
    if (jwks_uri === undefined) return matching((jwks?.keys ?? []) as JWK[], query)
    const keys = matching(await this.#fetched(jwks_uri, LIFETIME), query)
    // OpenID Connect Core §10.1.1: "keys … can be rotated by periodically adding new keys to the JWK Set": an unknown name is a new key.
    return keys.length > 0 || query.kid === undefined ? keys : matching(await this.#fetched(jwks_uri, MIN_AGE), query)
  }

  async some(client: Client, isSuch: (key: JWK) => Promise<boolean>): Promise<boolean> {
    const { jwks, jwks_uri } = client
    if (jwks_uri === undefined) return hasSome((jwks?.keys ?? []) as JWK[], isSuch)
    return (await hasSome(await this.#fetched(jwks_uri, LIFETIME), isSuch)) || hasSome(await this.#fetched(jwks_uri, MIN_AGE), isSuch)
  }

  async import(jwk: JWK, alg: string): Promise<CryptoKey | Uint8Array> {
    const known = this.#imported.get(jwk) ?? new Map<string, CryptoKey | Uint8Array>()
    const key = known.get(alg) ?? (await importJWK(jwk, alg))
    known.set(alg, key)
    this.#imported.set(jwk, known)
    return key
  }

  async verify(
    jwt: string,
    { owner, alg, kid }: OwnedKeyQuery,
    options: JWTClaimVerificationOptions,
    wrong: WrongClaim
  ): Promise<JWTPayload | undefined> {
    const time = { clockTolerance: this.#server.settings.clockSkew, currentDate: new Date(this.#server.now() * 1000) }
    for (const jwk of await this.find(owner, { alg, use: 'sig', ...(kid !== undefined && { kid }) })) {
      try {
        return (await jwtVerify(jwt, () => this.import(jwk, alg), { ...options, ...time, algorithms: [alg] })).payload
      } catch (cause) {
        // Thrown after the signature proved to be right; anything else may be another key's.
        if (cause instanceof errors.JWTExpired || cause instanceof errors.JWTClaimValidationFailed) throw wrong(cause.claim, cause)
      }
    }
    return undefined
  }

  /** The set, no older than so many seconds. Many who need it at once share one request. */
  #fetched(uri: string, maxAge: number): Promise<readonly JWK[]> {
    const now = this.#server.now()
    const known = this.#sets.get(uri)
    // The clock may have been set back.
    const age = known ? now - known.askedAt : -1
    const isRecent = age >= 0 && age < maxAge
    const set = known && isRecent ? known.set : this.#fetch(uri, now, known?.set)
    if (!isRecent) this.#keep(uri, { set, askedAt: now })
    return set.then(({ keys }) => keys)
  }

  #keep(uri: string, set: FetchedSet): void {
    if (this.#sets.size >= MAX_SETS) this.#sets.clear()
    this.#sets.set(uri, set)
  }

  /** No keys, if those that came are no keys of a client, or none can be had for long: whoever signed with one is then not proven. */
  async #fetch(url: string, now: number, before: Promise<KnownKeys> | undefined): Promise<KnownKeys> {
    try {
      const request = { url, accept: 'application/jwk-set+json, application/json', maxBytes: MAX_BYTES }
      const set = (await fetchJson(this.#server.outbound, request)) as JsonWebKeySet
      return { keys: keySetFault(set) === undefined ? (set.keys as JWK[]) : [], hadAt: now }
    } catch {
      const last = await before
      return last && now - last.hadAt <= MAX_STALE ? last : { keys: [], hadAt: now }
    }
  }
}

async function hasSome(keys: readonly JWK[], isSuch: (key: JWK) => Promise<boolean>): Promise<boolean> {
  for (const key of keys) if (await isSuch(key)) return true
  return false
}

/** A `kid` is only ever compared within the client's own set; several keys may bear the same one, so each that fits is tried. */
function matching(keys: readonly JWK[], { kid, alg, use }: ClientKeyQuery): readonly JWK[] {
  return keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      (key.alg === undefined || namesOf(alg).includes(key.alg)) &&
      (key.use === undefined || key.use === use) &&
      isTypeFor(alg, key)
  )
}

/** RFC 7518 §3.1, §4.1; RFC 8037 §3: keys on other curves agree on a key, too. */
function isTypeFor(alg: string, { kty, crv }: JWK): boolean {
  if (alg.startsWith('ECDH-ES')) return kty === 'EC' || crv === 'X25519'
  if (alg.startsWith('Ed')) return crv === 'Ed25519'
  return kty === (alg.startsWith('ES') ? 'EC' : 'RSA')
}
