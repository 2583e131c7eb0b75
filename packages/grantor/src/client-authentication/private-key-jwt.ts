import { type CryptoKey, importJWK, type JWK, type JWTHeaderParameters } from 'jose'
import type { Client } from '../models/client.ts'
import { AssertionAuthentication, type VerificationKey } from './assertion.ts'

/** The assertion is signed with a key whose public half is in the client's JWKS (OpenID Connect Core §9). */
export class PrivateKeyJwt extends AssertionAuthentication {
  readonly method: string = 'private_key_jwt'
  override readonly algorithms: readonly string[] = [
    'ES256',
    'ES384',
    'ES512',
    'PS256',
    'PS384',
    'PS512',
    'RS256',
    'RS384',
    'RS512',
    'EdDSA',
    'Ed25519'
  ]
  // A client record is replaced, never changed, so its keys are imported once.
  readonly #imported = new WeakMap<object, Promise<CryptoKey | Uint8Array>>()

  /** A `kid` is only ever compared within the client's own set; several keys may bear the same one, so each that fits is tried. */
  protected async keys({ jwks }: Client, { kid, alg }: JWTHeaderParameters): Promise<readonly VerificationKey[]> {
    const candidates = ((jwks?.keys ?? []) as JWK[]).filter(
      (key) =>
        (kid === undefined || key.kid === kid) && (key.alg === undefined || key.alg === alg) && (key.use === undefined || key.use === 'sig')
    )
    return candidates.map((jwk) => () => {
      const key = this.#imported.get(jwk) ?? importJWK(jwk, alg)
      this.#imported.set(jwk, key)
      return key
    })
  }
}
