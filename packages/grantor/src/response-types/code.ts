import { InvalidRequestError } from '../errors.ts'
import { AUTHORIZATION_CODE, type AuthorizationCode } from '../models/artifacts.ts'
import { isPublic } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { AuthorizationRequest } from '../requests.ts'
import { type AuthorizationIssuance, ResponseTypeBase } from './base.ts'

// RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(…)) of 32 bytes; for plain, the verifier itself.
const CHALLENGE = { S256: /^[A-Za-z0-9_-]{43}$/, plain: /^[A-Za-z0-9._~-]{43,128}$/ }

/** An authorization code, with PKCE (RFC 6749 §4.1, RFC 7636, RFC 9700 §2.1.1). */
export class CodeResponseType extends ResponseTypeBase {
  readonly responseType: string = 'code'
  override readonly grantTypes: readonly string[] = ['authorization_code']

  validateRequest({ params, client }: AuthorizationRequest): void {
    const challenge = params.get('code_challenge')
    if (challenge === undefined) {
      if (isPublic(client) || this.server.policy(client).requirePkce || params.has('code_challenge_method'))
        throw new InvalidRequestError('code_challenge is missing; PKCE is required (RFC 9700 section 2.1.1)')
      return
    }
    // RFC 7636 §4.3 makes plain the default; here an absent method never means less than what was asked for.
    const method = params.get('code_challenge_method') ?? 'plain'
    if (method !== 'S256' && !(method === 'plain' && client.code_challenge_method === 'plain')) {
      throw new InvalidRequestError('code_challenge_method must be S256')
    }
    if (!CHALLENGE[method].test(challenge))
      throw new InvalidRequestError('code_challenge is not a challenge of that method (RFC 7636 section 4.2)')
  }

  async createAuthorizationResponse({ client, params, confirmation }: AuthorizationRequest, grant: Grant): Promise<AuthorizationIssuance> {
    const { token, id, secretHash } = await this.server.opaque.mint(AUTHORIZATION_CODE)
    const redirectUri = params.get('redirect_uri')
    const challenge = params.get('code_challenge')
    const value: AuthorizationCode = {
      client_id: client.client_id,
      failures: 0
    }
    if (redirectUri !== undefined) value.redirect_uri = redirectUri
    if (challenge !== undefined) {
      value.code_challenge = challenge
      value.code_challenge_method = params.get('code_challenge_method') === 'S256' ? 'S256' : 'plain'
    }
    if (confirmation) value.confirmation = confirmation
    const expiresAt = this.server.now() + this.server.policy(client).authorizationCodeLifetime
    return { params: { code: token }, yields: [{ kind: AUTHORIZATION_CODE, id, secretHash, value, grantId: grant.id, expiresAt }] }
  }
}
