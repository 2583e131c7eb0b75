import type { PresentedToken, ServerContext } from '../context.ts'
import { InvalidClientError } from '../errors.ts'
import type { Endpoint, Registry } from '../extension.ts'
import { type HttpResponse, json } from '../http.ts'
import { type AccessToken, REFRESH_TOKEN } from '../models/artifacts.ts'
import { AUTHORIZATION_DETAILS, detailsAt } from '../models/authorization-detail.ts'
import { type Client, isPublic } from '../models/client.ts'
import { isLive } from '../models/grant.ts'
import { scopeAt } from '../models/resource.ts'
import { parseScope } from '../models/scope.ts'
import type { OAuthRequest } from '../requests.ts'

/** RFC 7662 §2.2 */
interface IntrospectionResponse {
  active: boolean
  [member: string]: unknown
}

const INACTIVE: IntrospectionResponse = { active: false }

/** The introspection endpoint (RFC 7662): whether a token is live and what it allows, for its owner or the API it is for. */
export class IntrospectionEndpoint implements Endpoint {
  readonly name = 'introspection'
  readonly path = '/introspect'
  readonly methods: readonly string[] = ['POST']
  readonly cors = 'client'
  readonly #server: ServerContext
  readonly #registry: Registry

  constructor(server: ServerContext, registry: Registry) {
    this.#server = server
    this.#registry = registry
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const client = await this.#server.authenticateClient(http)
    // RFC 7662 §2.1: "the endpoint MUST also require some form of authorization to access this endpoint"
    if (isPublic(client)) throw new InvalidClientError('introspection is for clients that authenticate')
    const value = http.params.require('token')
    // RFC 7662 §2.1: a hint that does not help must not hinder: "it MUST extend its search across all of its supported token types".
    const body = (await this.#accessToken(value, client, http.id)) ?? (await this.#refreshToken(value, client)) ?? INACTIVE
    this.#server.emit('token.introspected', { clientId: client.client_id, active: body.active }, http.id)
    for (const introspectionResponse of this.#registry.hooks('introspectionResponse')) {
      const response = await introspectionResponse(body, client, http)
      if (response) return response
    }
    return json(200, body)
  }

  async #accessToken(value: string, client: Client, requestId: string): Promise<IntrospectionResponse | undefined> {
    const presented = await this.#server.tokens.find(value)
    if (!presented) return undefined
    const { token, grant, revoked, expiresAt, id } = presented
    if (revoked || (grant && !isLive(grant, this.#server.now()))) return INACTIVE
    if (!this.#maySee(presented, client)) {
      this.#server.emit('token.foreign', { clientId: client.client_id, owner: token.client_id, endpoint: this.name }, requestId)
      return INACTIVE
    }
    const { client_id, claims, aud, sub: subject, iat, cnf } = token
    // By the name that whoever asks knows the person by: a pairwise client must not learn another (OpenID Connect Core §8.1).
    const sub = grant && subject !== undefined ? await this.#server.subjectFor(client, subject) : (subject ?? client_id)
    const response: IntrospectionResponse = {
      ...(claims && this.#claimsFor(claims, token, client)),
      active: true,
      iss: this.#server.settings.issuer,
      sub,
      aud: aud.length === 1 ? aud[0] : aud,
      client_id,
      scope: this.#scopeFor(token, client),
      token_type: cnf && 'jkt' in cnf ? 'DPoP' : 'Bearer',
      iat,
      exp: expiresAt,
      jti: id
    }
    if (cnf) response.cnf = cnf
    // RFC 9470 §6.2
    if (grant?.authTime !== undefined) response.auth_time = grant.authTime
    if (grant?.acr !== undefined) response.acr = grant.acr
    return response
  }

  async #refreshToken(value: string, client: Client): Promise<IntrospectionResponse | undefined> {
    const found = await this.#server.opaque.find(REFRESH_TOKEN, value)
    if (!found || found.value.client_id !== client.client_id || found.consumedAt !== undefined || !isLive(found.grant, this.#server.now()))
      return undefined
    const { grant, expiresAt } = found
    const { client_id, iat, cnf } = found.value
    const sub = await this.#server.subjectFor(client, grant.subject)
    return {
      active: true,
      iss: this.#server.settings.issuer,
      sub,
      client_id,
      scope: grant.scope.join(' '),
      ...(cnf && { cnf }),
      iat,
      exp: expiresAt
    }
  }

  /** RFC 7662 §4: only whom the token concerns: the client it was issued to, and the API it is for. */
  #maySee({ token }: PresentedToken, { client_id }: Client): boolean {
    if (token.client_id === client_id || token.aud.includes(client_id)) return true
    return this.#resourcesOf(token, client_id).length > 0
  }

  /** RFC 7662 §4: the server "MAY respond differently to different protected resources …. For instance, limit which scopes from a given token are returned". */
  #scopeFor(token: AccessToken, { client_id }: Client): string {
    if (token.client_id === client_id) return token.scope
    const own = this.#resourcesOf(token, client_id)
    return own.length === 0 ? token.scope : scopeAt(parseScope(token.scope) ?? [], own, this.#server.settings).join(' ')
  }

  /** RFC 9396 §9.2: authorization details are "potentially filtered … for the RS making the introspection request". */
  #claimsFor(claims: Record<string, unknown>, token: AccessToken, { client_id }: Client): Record<string, unknown> {
    const details = claims[AUTHORIZATION_DETAILS]
    if (!Array.isArray(details) || token.client_id === client_id) return claims
    const own = this.#resourcesOf(token, client_id)
    return own.length > 0 ? { ...claims, [AUTHORIZATION_DETAILS]: detailsAt(details, own, this.#server.settings.resources) } : claims
  }

  #resourcesOf({ aud }: AccessToken, introspector: string): readonly string[] {
    const own = this.#server.settings.resources.filter(({ identifier, clientId }) => clientId === introspector && aud.includes(identifier))
    return own.map(({ identifier }) => identifier)
  }
}
