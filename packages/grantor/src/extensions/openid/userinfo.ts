import type { PresentedToken, ServerContext } from '../../context.ts'
import { InsufficientScopeError, InvalidTokenError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import { type HttpResponse, json, NO_STORE } from '../../http.ts'
import type { Client } from '../../models/client.ts'
import { parseScope } from '../../models/scope.ts'
import type { OAuthRequest } from '../../requests.ts'
import { encryptTo } from '../../tokens/encrypt-to.ts'
import { signJwt } from '../../tokens/sign-jwt.ts'
import { detailsIn } from './details.ts'
import type { PersonClaimsSource } from './person-claims.ts'
import type { Subjects } from './subjects.ts'

/** The userinfo endpoint (OpenID Connect Core §5.3): what the bearer of an access token may know of the person. */
export class UserinfoEndpoint implements Endpoint {
  readonly name = 'userinfo'
  readonly path = '/userinfo'
  readonly methods: readonly string[] = ['GET', 'POST']
  readonly cors = 'client'
  readonly body = 'own'
  readonly #server: ServerContext
  readonly #subjects: Subjects
  readonly #claims: PersonClaimsSource

  constructor(server: ServerContext, parts: { subjects: Subjects; claims: PersonClaimsSource }) {
    this.#server = server
    this.#subjects = parts.subjects
    this.#claims = parts.claims
  }

  handle(request: OAuthRequest): Promise<HttpResponse> {
    return this.#server.protect(request, (presented) => this.#answer(presented))
  }

  async #answer({ token, grant }: PresentedToken): Promise<HttpResponse> {
    const client = await this.#server.clients.find(token.client_id)
    if (!client) throw new InvalidTokenError()
    if (!grant) throw new InsufficientScopeError('the token is not about a person')
    const scope = parseScope(token.scope) ?? []
    // OpenID Connect Core §5.3: "an OAuth 2.0 protected resource"; the token must have come of an OpenID Connect request (§5.3.1).
    if (!scope.includes('openid')) throw new InsufficientScopeError('the token needs the scope openid')
    // What one client asked for by name is not for another that exchanged its token for one of its own (RFC 8693).
    const details = grant.clientId === client.client_id ? detailsIn(grant.details) : undefined
    const { claims: asked, locales } = details ?? {}
    const purpose = { client, scope, target: 'userinfo', ...(locales && { locales }) } as const
    const claims = await this.#claims.select(grant.subject, purpose, asked?.userinfo)
    if (!claims) throw new InvalidTokenError()
    // §5.3.2: "The sub (subject) Claim MUST always be returned in the UserInfo Response."
    claims.sub = await this.#subjects.of(client, grant.subject)
    const { userinfo_signed_response_alg: signing, userinfo_encrypted_response_alg: encryption } = client
    return signing === undefined && encryption === undefined ? json(200, claims) : this.#jwt(claims, client)
  }

  async #jwt(claims: Record<string, unknown>, client: Client): Promise<HttpResponse> {
    const { userinfo_signed_response_alg: signing, userinfo_encrypted_response_alg: alg, userinfo_encrypted_response_enc: enc } = client
    // §5.3.2: "the UserInfo Response SHOULD contain the Claims iss (issuer) and aud (audience) as members".
    const payload = { ...claims, iss: this.#server.settings.issuer, aud: client.client_id }
    const signed = signing === undefined ? undefined : await signJwt(await this.#server.keys.signer(signing), 'JWT', payload)
    const body =
      alg === undefined
        ? signed
        : await encryptTo(this.#server, client, signed ?? JSON.stringify(claims), { alg, enc, ...(signed !== undefined && { cty: 'JWT' }) })
    return { status: 200, headers: { 'content-type': 'application/jwt', ...NO_STORE }, body: body ?? '' }
  }
}
