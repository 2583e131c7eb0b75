import type { TokenIssuance } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import { UnauthorizedClientError } from '../errors.ts'
import { isPublic } from '../models/client.ts'
import type { TokenRequest } from '../requests.ts'
import { GrantTypeBase } from './base.ts'

/** A client gets a token for itself, outside of any user (RFC 6749 §4.4). */
export class ClientCredentialsGrantType extends GrantTypeBase {
  readonly grantType: string = 'client_credentials'

  validateRequest({ client, scope }: TokenRequest): Awaitable<TokenIssuance> {
    // RFC 6749 §4.4: "The client credentials grant type MUST only be used by confidential clients."
    if (isPublic(client)) throw new UnauthorizedClientError('client_credentials is for clients that authenticate')
    // RFC 6749 §4.4.3: "A refresh token SHOULD NOT be included."
    return { scope }
  }
}
