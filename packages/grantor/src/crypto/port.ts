/** A value now, or a promise of it: node:crypto answers at once, WebCrypto later. */
export type Awaitable<T> = T | Promise<T>

/** What becomes of a value: at once, if it is there. An `await` costs each token more than what it waits for, where nothing is waited for. */
export function when<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return isPromise(value) ? value.then(use) : use(value)
}

/** What becomes of values when all are there; at once, where they are. */
export function whenAll<T, R>(values: readonly Awaitable<T>[], use: (values: readonly T[]) => R): Awaitable<R> {
  return values.some(isPromise) ? Promise.all(values).then(use) : use(values as readonly T[])
}

/** By what it can do: the promise of a port may be of another realm. */
function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Signs for one key. A KMS or HSM fits in by implementing this. */
export interface Signer {
  kid: string
  /** JWS algorithm (RFC 7518 §3.1): ES256, RS256, PS256 or EdDSA. */
  alg: string
  /** The public half, as it appears in the JWKS. */
  publicJwk: JsonWebKey
  /** The JWS signature of `data`, base64url. */
  sign(data: string): Awaitable<string>
}

/** The cryptography that the runtime must offer. All text is UTF-8; all binary results are base64url without padding. */
export interface CryptoPort {
  /** `size` random bytes from the system's generator. */
  random(size: number): string
  sha256(data: string | Uint8Array): Awaitable<string>
  /** A function that computes HMAC-SHA-256 under `key` (base64url). */
  hmac(key: string): (text: string) => Awaitable<string>
  /** AES-256-GCM under `key` (base64url, 32 bytes) with a random nonce; `context` is authenticated, not stored. */
  encrypt(key: string, text: string, context: string): Awaitable<string>
  /** Undefined if the key, the context or a bit of `sealed` is not what it was. */
  decrypt(key: string, sealed: string, context: string): Awaitable<string | undefined>
  /** A function that signs under a private JWK. */
  signer(privateJwk: JsonWebKey, alg: string): Awaitable<Signer['sign']>
}
