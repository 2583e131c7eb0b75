import type { Grant } from '../models/grant.ts'
import type { AuthorizationRequest } from '../requests.ts'
import { type AuthorizationIssuance, ResponseTypeBase } from './base.ts'

/** The implicit grant (RFC 6749 §4.2). RFC 9700 §2.1.2 advises against it; it is served only where somebody names it. */
export class TokenResponseType extends ResponseTypeBase {
  readonly responseType: string = 'token'
  override readonly defaultResponseMode = 'fragment'
  override readonly grantTypes: readonly string[] = ['implicit']

  validateRequest(_request: AuthorizationRequest): void {}

  async createAuthorizationResponse({ client }: AuthorizationRequest, grant: Grant): Promise<AuthorizationIssuance> {
    const { subject, scope } = grant
    const { token, artifact, expiresIn, scope: carried } = await this.server.tokens.accessToken({ client }, { subject, scope }, grant)
    // RFC 6749 §4.2.2: "The authorization server MUST NOT issue a refresh token."
    const params = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: String(expiresIn),
      ...(carried !== '' && { scope: carried })
    }
    return { params, yields: artifact ? [artifact] : [] }
  }
}
