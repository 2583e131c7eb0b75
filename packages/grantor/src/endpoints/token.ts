import type { ServerContext, TokenIssuance } from '../context.ts'
import { InvalidRequestError, UnauthorizedClientError, UnsupportedGrantTypeError } from '../errors.ts'
import type { Endpoint, Registry } from '../extension.ts'
import { type HttpResponse, json } from '../http.ts'
import type { Client } from '../models/client.ts'
import type { Confirmation } from '../models/confirmation.ts'
import type { OAuthRequest, TokenRequest } from '../requests.ts'
import { requestedScope } from './scope.ts'

/** The token endpoint (RFC 6749 §3.2): who asks, what for, may it; then the grant type's two verbs. */
export class TokenEndpoint implements Endpoint {
  readonly name = 'token'
  readonly path = '/token'
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
    const grantType = http.params.require('grant_type')
    const grant = this.#registry.grantTypes.get(grantType)
    if (!grant) throw new UnsupportedGrantTypeError()
    // RFC 6749 §5.2: "The authenticated client is not authorized to use this authorization grant type."
    if (!client.grant_types.includes(grantType)) throw new UnauthorizedClientError('this client is not registered for that grant type')
    const { defaultScope } = this.#server.settings
    const scope = requestedScope(http.params, client, { defaultScope, instead: this.#registry.insteadOfScope })
    const confirmation = await this.#confirm(http, client)
    const request: TokenRequest = { ...http, client, grantType, scope, ...(confirmation && { confirmation }) }
    const issuance = await this.#extend(request, await grant.validateRequest(request))
    const response = await grant.createTokenResponse(request, issuance)
    for (const { tokenResponse } of this.#registry.contributions)
      if (tokenResponse) Object.assign(response, await tokenResponse(response, request, issuance))
    return json(200, response)
  }

  async #confirm(http: OAuthRequest, client: Client): Promise<Confirmation | undefined> {
    let proven: Confirmation | undefined
    // Each is asked, since each may refuse.
    for (const { confirm } of this.#registry.contributions) {
      const confirmation = confirm && (await confirm(http, client))
      if (proven && confirmation) throw new InvalidRequestError('a token is bound to one key, and this request is to bind it to two')
      proven ??= confirmation
    }
    return proven
  }

  async #extend(request: TokenRequest, issuance: TokenIssuance): Promise<TokenIssuance> {
    let limited = issuance
    for (const { limitTokenRequest } of this.#registry.contributions)
      if (limitTokenRequest) limited = await limitTokenRequest(request, limited)
    let extended = limited
    for (const { validateTokenRequest } of this.#registry.contributions) {
      const claims = validateTokenRequest && (await validateTokenRequest(request, limited))
      if (claims) extended = { ...extended, claims: { ...extended.claims, ...claims } }
    }
    return extended
  }
}
