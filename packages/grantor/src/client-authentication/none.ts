import type { Client } from '../models/client.ts'
import { isPublic } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'
import { ClientAuthenticationBase, type PresentedClient } from './base.ts'

/** A public client only says who it is (RFC 6749 §2.1, §3.2.1). */
export class NoAuthentication extends ClientAuthenticationBase {
  readonly method: string = 'none'

  read({ params, headers }: OAuthRequest): PresentedClient | undefined {
    if (headers.get('authorization') !== null || params.has('client_secret') || params.has('client_assertion')) return undefined
    const clientId = params.get('client_id')
    return clientId === undefined ? undefined : { clientId }
  }

  async verify(client: Client): Promise<boolean> {
    return isPublic(client)
  }
}
