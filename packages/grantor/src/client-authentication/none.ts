import type { Client } from '../models/client.ts'
import { isPublic } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'
import { ClientAuthenticationBase, namedClient, type PresentedClient } from './base.ts'

/** A public client only says who it is (RFC 6749 §2.1, §3.2.1). */
export class NoAuthentication extends ClientAuthenticationBase {
  readonly method: string = 'none'

  read(request: OAuthRequest): PresentedClient | undefined {
    return namedClient(request)
  }

  async verify(client: Client): Promise<boolean> {
    return isPublic(client)
  }
}
