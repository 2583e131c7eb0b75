import type { JWTHeaderParameters } from 'jose'
import type { Client } from '../models/client.ts'
import { AssertionAuthentication, type VerificationKey } from './assertion.ts'

/** The assertion is signed with a key whose public half is in the client's JWK set (OpenID Connect Core §9). */
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

  protected async keys(client: Client, { kid, alg }: JWTHeaderParameters): Promise<readonly VerificationKey[]> {
    const { clientKeys } = this.server
    const candidates = await clientKeys.find(client, { alg, use: 'sig', ...(kid !== undefined && { kid }) })
    return candidates.map((jwk) => () => clientKeys.import(jwk, alg))
  }
}
