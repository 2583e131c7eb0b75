import type { JWTHeaderParameters } from 'jose'
import type { ServerContext } from '../context.ts'
import { allowedOf, PUBLIC_KEY_SIGNATURES } from '../crypto/algorithms.ts'
import type { Client } from '../models/client.ts'
import { AssertionAuthentication, type VerificationKey } from './assertion.ts'

/** The assertion is signed with a key whose public half is in the client's JWK set (OpenID Connect Core §9). */
export class PrivateKeyJwt extends AssertionAuthentication {
  readonly method: string = 'private_key_jwt'
  override readonly algorithms: readonly string[]

  constructor(server: ServerContext) {
    super(server)
    this.algorithms = allowedOf(PUBLIC_KEY_SIGNATURES, server.settings.allowedAlgorithms)
  }

  protected async keys(client: Client, { kid, alg }: JWTHeaderParameters): Promise<readonly VerificationKey[]> {
    const { clientKeys } = this.server
    const candidates = await clientKeys.find(client, { alg, use: 'sig', ...(kid !== undefined && { kid }) })
    return candidates.map((jwk) => () => clientKeys.import(jwk, alg))
  }
}
