import { CLIENT_SECRET, type Client } from '../models/client.ts'
import { AssertionAuthentication, type VerificationKey } from './assertion.ts'

/** The assertion is authenticated with the client secret as HMAC key, which must be stored readable for that (OpenID Connect Core §9). */
export class ClientSecretJwt extends AssertionAuthentication {
  readonly method: string = 'client_secret_jwt'
  override readonly algorithms: readonly string[] = ['HS256', 'HS384', 'HS512']

  protected async keys({ client_id, secrets = [] }: Client): Promise<readonly VerificationKey[]> {
    const now = this.server.now()
    const keys: VerificationKey[] = []
    for (const { encrypted, expiresAt } of secrets) {
      if (encrypted === undefined || (expiresAt !== undefined && expiresAt <= now)) continue
      const secret = await this.server.secrets.decrypt(CLIENT_SECRET, encrypted, client_id)
      if (secret !== undefined) keys.push(async () => new TextEncoder().encode(secret))
    }
    return keys
  }
}
