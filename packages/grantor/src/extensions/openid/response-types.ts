import type { ServerContext } from '../../context.ts'
import { AccessDeniedError } from '../../errors.ts'
import type { Grant } from '../../models/grant.ts'
import type { AuthorizationRequest } from '../../requests.ts'
import { type AuthorizationIssuance, ResponseTypeBase } from '../../response-types/base.ts'
import { CodeResponseType } from '../../response-types/code.ts'
import { TokenResponseType } from '../../response-types/token.ts'
import type { IdTokens } from './id-tokens.ts'
import type { OpenIdResponseType } from './options.ts'

/**
 * The response types that return an ID token, or several things, through the browser: implicit (OpenID Connect Core §3.2) and hybrid
 * (§3.3; OAuth 2.0 Multiple Response Type Encoding Practices §3, §5). That a nonce is there is the authentication request's to check.
 */
export class FrontChannelResponseType extends ResponseTypeBase {
  readonly responseType: string
  override readonly defaultResponseMode = 'fragment'
  override readonly grantTypes: readonly string[]
  readonly #code: CodeResponseType | undefined
  readonly #token: TokenResponseType | undefined
  readonly #idTokens: IdTokens | undefined

  constructor(server: ServerContext, responseType: OpenIdResponseType, idTokens: IdTokens) {
    super(server)
    const words = responseType.split(' ')
    this.responseType = responseType
    this.#code = words.includes('code') ? new CodeResponseType(server) : undefined
    this.#token = words.includes('token') ? new TokenResponseType(server) : undefined
    this.#idTokens = words.includes('id_token') ? idTokens : undefined
    // OpenID Connect Dynamic Client Registration §2 lists which grant types go with which response type.
    this.grantTypes = [...(this.#code?.grantTypes ?? []), 'implicit']
  }

  async validateRequest(request: AuthorizationRequest): Promise<void> {
    await this.#code?.validateRequest(request)
  }

  async createAuthorizationResponse(request: AuthorizationRequest, grant: Grant): Promise<AuthorizationIssuance> {
    const code = await this.#code?.createAuthorizationResponse(request, grant)
    const token = await this.#token?.createAuthorizationResponse(request, grant)
    const idToken = await this.#idTokens?.issue(request.client, grant, {
      nonce: request.params.get('nonce'),
      code: code?.params.code,
      accessToken: token?.params.access_token,
      scope: grant.scope,
      // OpenID Connect Core §5.4: with response_type id_token the claims of the scope "are returned in the ID Token".
      ...(!code && !token && { scopeClaims: true })
    })
    if (this.#idTokens && idToken === undefined) throw new AccessDeniedError('there is no such person any more')
    return {
      params: { ...token?.params, ...code?.params, ...(idToken !== undefined && { id_token: idToken }) },
      yields: [...(code?.yields ?? []), ...(token?.yields ?? [])]
    }
  }
}
