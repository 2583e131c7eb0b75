import type { JWTHeaderParameters } from 'jose'
import type { ServerContext } from '../context.ts'
import { allowedOf, HMAC_KEY_SIZES } from '../crypto/algorithms.ts'
import { ConfigurationError } from '../errors.ts'
import { CLIENT_SECRET, type Client } from '../models/client.ts'
import { AssertionAuthentication, type VerificationKey } from './assertion.ts'

/** The assertion is authenticated with the client secret as HMAC key, which must be stored readable for that (OpenID Connect Core §9). */
export class ClientSecretJwt extends AssertionAuthentication {
  readonly method: string = 'client_secret_jwt'
  override readonly algorithms: readonly string[]

  /** @throws ConfigurationError if the settings allow none of its algorithms */
  constructor(server: ServerContext) {
    super(server)
    const algorithms = Object.keys(HMAC_KEY_SIZES)
    this.algorithms = allowedOf(algorithms, server.settings.allowedAlgorithms)
    if (this.algorithms.length === 0)
      throw new ConfigurationError(`client_secret_jwt: allowedAlgorithms has none of ${algorithms.join(', ')}`)
  }

  protected async keys({ client_id, secrets = [] }: Client, { alg }: JWTHeaderParameters): Promise<readonly VerificationKey[]> {
    const now = this.server.now()
    const keys: VerificationKey[] = []
    for (const { encrypted, expiresAt } of secrets) {
      if (encrypted === undefined || (expiresAt !== undefined && expiresAt <= now)) continue
      const secret = await this.server.secrets.decrypt(CLIENT_SECRET, encrypted, client_id)
      const key = new TextEncoder().encode(secret ?? '')
      if (key.length >= (HMAC_KEY_SIZES[alg] ?? Number.POSITIVE_INFINITY)) keys.push(async () => key)
    }
    return keys
  }
}
