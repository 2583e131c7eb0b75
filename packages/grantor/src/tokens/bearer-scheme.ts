import type { PresentedToken, TokenScheme } from '../context.ts'
import { InvalidTokenError } from '../errors.ts'
import type { OAuthRequest } from '../requests.ts'

/** Whoever has the token may use it (RFC 6750). */
export class BearerScheme implements TokenScheme {
  readonly scheme = 'Bearer'
  readonly challenge = {}

  async prove(_request: OAuthRequest, _token: string, { token }: PresentedToken): Promise<void> {
    // RFC 9449 §7.2: "MUST reject a DPoP-bound access token received as a bearer token".
    if (token.cnf) throw new InvalidTokenError('the token is bound to a key; it is no bearer token')
  }
}
