import { type CryptoKey, importJWK, type JWK } from 'jose'
import type { ClientKeyQuery, ClientKeyring } from '../context.ts'
import type { Client } from '../models/client.ts'

/** The public keys of clients (RFC 7591 §2). */
export class ClientKeys implements ClientKeyring {
  // A client record is replaced, never changed, so each key is imported once.
  readonly #imported = new WeakMap<object, Promise<CryptoKey | Uint8Array>>()

  async find(client: Client, query: ClientKeyQuery): Promise<readonly JWK[]> {
    return matching((client.jwks?.keys ?? []) as JWK[], query)
  }

  import(jwk: JWK, alg: string): Promise<CryptoKey | Uint8Array> {
    const key = this.#imported.get(jwk) ?? importJWK(jwk, alg)
    this.#imported.set(jwk, key)
    return key
  }
}

/** A `kid` is only ever compared within the client's own set; several keys may bear the same one, so each that fits is tried. */
function matching(keys: readonly JWK[], { kid, alg, use }: ClientKeyQuery): readonly JWK[] {
  const kty = keyTypeOf(alg)
  return keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      (key.alg === undefined || key.alg === alg) &&
      (key.use === undefined || key.use === use) &&
      key.kty === kty
  )
}

/** RFC 7518 §3.1, §4.1; RFC 8037 §3. */
function keyTypeOf(alg: string): string {
  if (alg.startsWith('ES') || alg.startsWith('ECDH-ES')) return 'EC'
  return alg.startsWith('Ed') ? 'OKP' : 'RSA'
}
