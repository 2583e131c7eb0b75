import type { Awaitable } from '../crypto/port.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'
import { ClientAuthenticationBase, type PresentedClient } from './base.ts'
import { matchesSecret } from './secret.ts'

/** `client_id` and `client_secret` in the body (RFC 6749 §2.3.1). */
export class ClientSecretPost extends ClientAuthenticationBase {
  readonly method: string = 'client_secret_post'

  read({ params }: OAuthRequest): PresentedClient | undefined {
    const credential = params.get('client_secret')
    return credential === undefined ? undefined : { clientId: params.require('client_id'), credential }
  }

  verify(client: Client, credential = ''): Awaitable<boolean> {
    return matchesSecret(this.server, client, credential)
  }
}
