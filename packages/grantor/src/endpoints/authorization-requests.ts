import type { JudgedRequest, ServerContext } from '../context.ts'
import {
  InvalidRequestError,
  RequestNotSupportedError,
  RequestUriNotSupportedError,
  UnauthorizedClientError,
  UnsupportedResponseTypeError
} from '../errors.ts'
import type { Registry } from '../extension.ts'
import type { Client } from '../models/client.ts'
import { responseTypeName } from '../models/response-type.ts'
import { isWithin, parseScope } from '../models/scope.ts'
import { encodeForm, type Params } from '../params.ts'
import type { AuthorizationRequest, OAuthRequest, UnfoldedRequest } from '../requests.ts'
import type { ResponseTypeBase } from '../response-types/base.ts'
import { provenRedirectUri, type Redirection, safeResponseMode, single } from './redirection.ts'
import { requestedScope } from './scope.ts'

// Characters as they travel: a redirect URI, an answer and this together stay below 8 KiB, which is what servers read of a URL.
const MAX_STATE = 4096
const MAX_ACR_VALUES = 20
/** What rules a sign-in at the authorization endpoint: what nobody would see to elsewhere must not seem agreed. */
const OF_A_SIGN_IN = ['acr_values', 'claims', 'claims_locales', 'id_token_hint', 'max_age', 'nonce', 'prompt']

/** A request that could be answered, if the person is there and agrees. */
export interface Judged {
  request: AuthorizationRequest
  type: ResponseTypeBase
  details: Record<string, unknown>
  prompts: readonly string[]
  /** Seconds; undefined if the client sets no limit. */
  maxAge: number | undefined
}

/** All that can be said of an authorization request before a person is involved (RFC 6749 §4.1.1). */
export class AuthorizationRequests {
  readonly #server: ServerContext
  readonly #registry: Registry

  constructor(server: ServerContext, registry: Registry) {
    this.#server = server
    this.#registry = registry
  }

  /** RFC 9126 §4, RFC 9101 §6.1: what was pushed or signed takes the place of what came with it. */
  async unfold(params: Params, http: OAuthRequest): Promise<UnfoldedRequest> {
    let unfolded: UnfoldedRequest = { params }
    for (const resolve of this.#registry.hooks('resolveAuthorizationParams'))
      unfolded = { ...unfolded, ...(await resolve(unfolded.params, http)) }
    return unfolded
  }

  /** Where the answer goes. @throws InvalidRequestError if that is not proven, so that nobody may be told but the person. */
  async prove(params: Params): Promise<Redirection> {
    const client = await this.#server.clients.find(params.require('client_id'))
    if (!client)
      throw new InvalidRequestError('client_id is not registered here; if the application was removed, connect it again', {
        detail: { client_id: params.get('client_id') }
      })
    if (!params.has('redirect_uri')) checkUnfolded(params)
    const redirectUri = provenRedirectUri(params, client, this.#server.settings.allowOmittedRedirectUri)
    const { mode, usual } = safeResponseMode(params, client, this.#registry)
    const redirection: Redirection = { client, redirectUri, mode, usual }
    const state = single(params, 'state')
    if (state !== undefined && isShort(state)) redirection.state = state
    return redirection
  }

  /** Everything that can be said of the request itself. @throws OAuthError if it cannot be answered. */
  async judge({ client, redirectUri, mode, state }: Redirection, { params, spends }: UnfoldedRequest, http: OAuthRequest): Promise<Judged> {
    // RFC 8707 §2: "Multiple resource parameters MAY be used"; no other may be repeated here.
    const repeated = params.repeated(['resource'])
    if (repeated !== undefined) params.get(repeated)
    checkUnfolded(params)
    if (state === undefined && params.has('state'))
      throw new InvalidRequestError(`state is longer than ${MAX_STATE} characters when encoded`)
    const responseType = responseTypeName(params.require('response_type'))
    const type = this.#registry.responseTypes.get(responseType)
    if (!type) throw new UnsupportedResponseTypeError()
    const registered = client.response_types.some((one) => responseTypeName(one) === responseType)
    if (!registered || !isWithin(type.grantTypes, client.grant_types)) {
      throw new UnauthorizedClientError('this client is not registered for that response type', {
        detail: { registered: client.response_types }
      })
    }
    const responseMode = params.get('response_mode') ?? type.defaultResponseMode
    if (client.response_modes?.includes(responseMode) === false)
      throw new InvalidRequestError('this client is not registered for that response_mode', {
        detail: { registered: client.response_modes }
      })
    if (responseMode !== mode.responseMode) throw new InvalidRequestError('this response_mode is not served, or not for that response type')
    const request: AuthorizationRequest = {
      client,
      redirectUri,
      responseType,
      responseMode,
      scope: this.#scopeOf(params, client),
      acrValues: acrValuesOf(params, client),
      params,
      http
    }
    if (state !== undefined) request.state = state
    if (spends) request.spends = spends
    this.#limit(request)
    await type.validateRequest(request)
    for (const bindCode of this.#registry.hooks('bindCode')) {
      const confirmation = bindCode(request)
      if (confirmation) request.confirmation = confirmation
    }
    const details = await this.#detailsOf(request)
    return { request, type, details, prompts: this.#prompts(params), maxAge: maxAgeOf(params) ?? client.default_max_age }
  }

  /** What nobody is redirected for. To extensions it is a request for a code: what comes of it is redeemed as one. @throws OAuthError */
  async judgePolled(client: Client, sent: Params, http: OAuthRequest): Promise<JudgedRequest> {
    const params = sent.without(OF_A_SIGN_IN)
    const scope = this.#scopeOf(params, client)
    const acrValues = acrValuesOf(params, client)
    const request: AuthorizationRequest = {
      client,
      redirectUri: '',
      responseType: 'code',
      responseMode: '',
      scope,
      acrValues,
      params,
      http
    }
    this.#limit(request)
    return { details: await this.#detailsOf(request), scope: request.scope }
  }

  /** The parameters, with what a request that was pushed gets of how it was sent. @throws OAuthError if that contradicts it. */
  async complete({ request }: Judged): Promise<Params> {
    let { params } = request
    for (const pushedParams of this.#registry.hooks('pushedParams')) params = params.with((await pushedParams(request)) ?? {})
    return params
  }

  #scopeOf(params: Params, client: Client): readonly string[] {
    const { defaultScope } = this.#server.settings
    return requestedScope(params, client, { defaultScope, instead: this.#registry.insteadOfScope })
  }

  #limit(request: AuthorizationRequest): void {
    for (const limitScope of this.#registry.hooks('limitScope')) request.scope = limitScope(request)
  }

  async #detailsOf(request: AuthorizationRequest): Promise<Record<string, unknown>> {
    const details: Record<string, unknown> = {}
    for (const validate of this.#registry.hooks('validateAuthorizationRequest')) Object.assign(details, await validate(request))
    return details
  }

  #prompts(params: Params): readonly string[] {
    const prompts = params.get('prompt')?.split(' ')
    if (!prompts) return []
    const known = [...this.#registry.interactionChecks.values()].map(({ prompt }) => prompt)
    // OpenID Connect Core §3.1.2.1: "If this parameter contains none with any other value, an error is returned."
    if (prompts.includes('none') && prompts.length > 1) throw new InvalidRequestError('prompt none stands alone')
    if (!prompts.every((prompt) => prompt === 'none' || known.includes(prompt)))
      throw new InvalidRequestError('prompt has a value that is not supported here')
    return prompts
  }
}

/** OpenID Connect Core §6.1: "Should an OP not support this parameter and an RP uses it, the OP MUST return the request_not_supported error"; §6.2 likewise. */
function checkUnfolded(params: Params): void {
  if (params.has('request')) throw new RequestNotSupportedError()
  if (params.has('request_uri')) throw new RequestUriNotSupportedError()
}

function isShort(state: string): boolean {
  // No character takes more than three octets, and no octet more than three characters.
  return state.length * 9 <= MAX_STATE || (state.length <= MAX_STATE && encodeForm(state).length <= MAX_STATE)
}

/** OpenID Connect Core §3.1.2.1: a "space-separated string"; Registration §2: the default of the client stands where the request names none. */
function acrValuesOf(params: Params, client: Client): readonly string[] {
  if (!params.has('acr_values')) return client.default_acr_values ?? []
  const values = parseScope(params.get('acr_values'), MAX_ACR_VALUES)
  if (!values) throw new InvalidRequestError(`acr_values is a list of at most ${MAX_ACR_VALUES} values`)
  return values
}

function maxAgeOf(params: Params): number | undefined {
  const value = params.get('max_age')
  if (value !== undefined && !/^\d{1,10}$/.test(value)) throw new InvalidRequestError('max_age is a number of seconds')
  return value === undefined ? undefined : Number(value)
}
