import type { ServerContext, TokenIssuance } from '../context.ts'
import { InvalidRequestError, UnauthorizedClientError, UnsupportedGrantTypeError } from '../errors.ts'
import type { Endpoint, Hook, Registry } from '../extension.ts'
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
    const confirmations = this.#registry.hooks('confirm')
    const confirmation = confirmations.length > 0 ? await confirmedBy(confirmations, http, client) : undefined
    const request: TokenRequest = { ...http, client, grantType, scope, confirmation }
    let issuance = await grant.validateRequest(request)
    for (const limitTokenRequest of this.#registry.hooks('limitTokenRequest')) issuance = await limitTokenRequest(request, issuance)
    const validations = this.#registry.hooks('validateTokenRequest')
    if (validations.length > 0) issuance = await extendedBy(validations, request, issuance)
    const response = await grant.createTokenResponse(request, issuance)
    for (const tokenResponse of this.#registry.hooks('tokenResponse'))
      Object.assign(response, await tokenResponse(response, request, issuance))
    return json(200, response)
  }
}

async function confirmedBy(hooks: readonly Hook<'confirm'>[], http: OAuthRequest, client: Client): Promise<Confirmation | undefined> {
  let proven: Confirmation | undefined
  // Each is asked, since each may refuse.
  for (const confirm of hooks) {
    const confirmation = await confirm(http, client)
    if (proven && confirmation) throw new InvalidRequestError('a token is bound to one key, and this request is to bind it to two')
    proven ??= confirmation
  }
  return proven
}

async function extendedBy(
  hooks: readonly Hook<'validateTokenRequest'>[],
  request: TokenRequest,
  issuance: TokenIssuance
): Promise<TokenIssuance> {
  let extended = issuance
  for (const validateTokenRequest of hooks) {
    const claims = await validateTokenRequest(request, issuance)
    if (claims) extended = { ...extended, claims: { ...extended.claims, ...claims } }
  }
  return extended
}
