import type { ServerContext } from '../context.ts'
import {
  InvalidRequestError,
  InvalidScopeError,
  OAuthError,
  RequestNotSupportedError,
  RequestUriNotSupportedError,
  ServerError,
  UnauthorizedClientError,
  UnsupportedResponseTypeError
} from '../errors.ts'
import type { Endpoint, Registry } from '../extension.ts'
import { type HttpResponse, withCookies } from '../http.ts'
import type { Interactions, Session } from '../interactions/base.ts'
import { type InteractionCheck, type Situation, scopeOf } from '../interactions/checks.ts'
import type { FoundInteraction, InteractionService } from '../interactions/service.ts'
import type { Grant } from '../models/grant.ts'
import { responseTypeName } from '../models/response-type.ts'
import { isWithin } from '../models/scope.ts'
import { encodeForm, Params } from '../params.ts'
import type { AuthorizationRequest, OAuthRequest } from '../requests.ts'
import type { ResponseTypeBase } from '../response-types/base.ts'
import { DeniedError } from './denied-error.ts'
import { answer, provenRedirectUri, type Redirection, refuse, safeResponseMode, single } from './redirection.ts'
import { RefusalLimit } from './refusal-limit.ts'
import { requestedScope } from './scope.ts'

// Characters as they travel: a redirect URI, an answer and this together stay below 8 KiB, which is what servers read of a URL.
const MAX_STATE = 4096

/** A request that could be answered, if the person is there and agrees. */
interface Judged {
  request: AuthorizationRequest
  type: ResponseTypeBase
  details: Record<string, unknown>
}

/** The authorization endpoint (RFC 6749 §3.1): prove where the answer goes, judge the request, involve the person, answer. */
export class AuthorizationEndpoint implements Endpoint {
  readonly name = 'authorization'
  readonly path = '/authorize'
  readonly methods: readonly string[] = ['GET', 'POST']
  readonly cors = 'none'
  readonly forPeople = true
  readonly #server: ServerContext
  readonly #registry: Registry
  readonly #interactions: Interactions
  readonly #service: InteractionService
  readonly #refusals: RefusalLimit

  constructor(server: ServerContext, registry: Registry, interactions: Interactions, service: InteractionService) {
    this.#server = server
    this.#registry = registry
    this.#interactions = interactions
    this.#service = service
    this.#refusals = new RefusalLimit(server)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const begunId = http.params.get('interaction')
    const begun = begunId === undefined ? undefined : await this.#service.load(http, begunId)
    let params: Params
    try {
      params = begun ? Params.parse(begun.value.request) : await this.#unfold(http)
    } catch (error) {
      return this.#refuseFolded(error, http)
    }
    const redirection = await this.#prove(params).catch((error: unknown) => this.#abandon(error, begun))
    // Errors before this line are shown here; after it they are redirected.
    return this.#answer(redirection, params, http, begun).catch((error: unknown) => this.#refuse(redirection, error, http))
  }

  /** RFC 9126 §4, RFC 9101 §6.1: what was pushed or signed takes the place of what is in the URL. */
  async #unfold(http: OAuthRequest): Promise<Params> {
    let { params } = http
    for (const { resolveAuthorizationParams } of this.#registry.contributions)
      if (resolveAuthorizationParams) params = await resolveAuthorizationParams(params, http)
    return params
  }

  /** RFC 9101 §6: the error goes "to the client in response to the authorization request", if the URL itself proves the way to it. */
  async #refuseFolded(error: unknown, http: OAuthRequest): Promise<HttpResponse> {
    const redirection = await this.#prove(http.params).catch(() => {
      throw error
    })
    return this.#refuse(redirection, error, http)
  }

  async #prove(params: Params): Promise<Redirection> {
    const client = await this.#server.clients.find(params.require('client_id'))
    if (!client)
      throw new InvalidRequestError('client_id is not registered here; if the application was removed, connect it again', {
        detail: { client_id: params.get('client_id') }
      })
    if (!params.has('redirect_uri')) checkUnfolded(params)
    const redirectUri = provenRedirectUri(params, client, this.#server.settings.allowOmittedRedirectUri)
    const state = single(params, 'state')
    return {
      client,
      redirectUri,
      mode: safeResponseMode(params, client, this.#registry),
      ...(state !== undefined && isShort(state) && { state })
    }
  }

  async #answer(redirection: Redirection, params: Params, http: OAuthRequest, begun: FoundInteraction | undefined): Promise<HttpResponse> {
    const judged = await this.#judge(redirection, params, http)
    const session = await this.#interactions.session(http)
    if (begun?.value.denied) throw new DeniedError(await this.#finish(begun, 'denied', http))
    const situation = this.#situation(judged, session, begun)
    const check = await this.#needed(situation)
    if (!check) return this.#grant(redirection, judged, session as Session, begun)
    // OpenID Connect Core §3.1.2.1: none: "The Authorization Server MUST NOT display any authentication or consent user interface pages."
    if (situation.prompts.includes('none')) throw new check.error()
    return this.#prompt(check, situation, begun)
  }

  /** A client or redirect URI that is not registered any more: whatever the person decides, nobody can be told. */
  async #abandon(error: unknown, begun: FoundInteraction | undefined): Promise<never> {
    if (begun && error instanceof InvalidRequestError) await this.#service.finish(begun)
    throw error
  }

  /** Everything that can be said of the request itself. */
  async #judge({ client, redirectUri, mode, state }: Redirection, params: Params, http: OAuthRequest): Promise<Judged> {
    // RFC 8707 §2: "Multiple resource parameters MAY be used"; no other may be repeated here.
    const repeated = params.repeated(['resource'])
    if (repeated !== undefined) params.get(repeated)
    checkUnfolded(params)
    if (!isShort(params.get('state') ?? '')) throw new InvalidRequestError(`state is longer than ${MAX_STATE} characters when encoded`)
    const responseType = responseTypeName(params.require('response_type'))
    const type = this.#registry.responseTypes.get(responseType)
    if (!type) throw new UnsupportedResponseTypeError()
    const registered = client.response_types.map(responseTypeName).includes(responseType)
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
    const scope = requestedScope(params, client, this.#server.settings.defaultScope)
    if (!scope)
      throw new InvalidScopeError('the scope is malformed or not registered for this client', { detail: { registered: client.scope } })
    const request: AuthorizationRequest = {
      client,
      redirectUri,
      responseType,
      responseMode,
      scope,
      params,
      http,
      ...(state !== undefined && { state })
    }
    for (const { limitScope } of this.#registry.contributions) if (limitScope) request.scope = limitScope(request)
    await type.validateRequest(request)
    for (const { bindCode } of this.#registry.contributions) {
      const confirmation = bindCode?.(request)
      if (confirmation) request.confirmation = confirmation
    }
    const details: Record<string, unknown> = {}
    for (const { validateAuthorizationRequest } of this.#registry.contributions) {
      if (validateAuthorizationRequest) Object.assign(details, await validateAuthorizationRequest(request))
    }
    return { request, type, details }
  }

  #situation({ request, details }: Judged, session: Session | undefined, begun: FoundInteraction | undefined): Situation {
    const { params, client } = request
    const now = this.#server.now()
    let granted: Promise<readonly Grant[]> | undefined
    return {
      ...{ request, details, session, now },
      prompts: this.#prompts(params),
      maxAge: maxAgeOf(params) ?? client.default_max_age,
      freshLogin: isFresh(session, begun),
      result: begun?.value ?? {},
      granted: () => {
        granted ??= session
          ? this.#server.store.grants.list({ clientId: client.client_id, subject: session.subject }, now)
          : Promise.resolve([])
        return granted
      }
    }
  }

  async #needed(situation: Situation): Promise<InteractionCheck | undefined> {
    const checks = [...this.#registry.interactionChecks.values()]
    for (const check of checks.filter(({ comesFirst }) => comesFirst)) if (await check.isNeeded(situation)) return check
    for (const check of checks) if (!check.comesFirst && (await check.isNeeded(situation))) return check
    return undefined
  }

  async #prompt({ prompt, reason }: InteractionCheck, situation: Situation, begun: FoundInteraction | undefined): Promise<HttpResponse> {
    const { request, details, session } = situation
    const granted = scopeOf(await situation.granted())
    const newScope = request.scope.filter((token) => !granted.includes(token))
    const { interaction, cookies } = await this.#service.require(request, { prompt, reason, newScope, details, session }, begun)
    this.#server.emit(
      'interaction.started',
      { clientId: request.client.client_id, interactionId: interaction.id, prompt, reason },
      request.http.id
    )
    return withCookies(await this.#interactions.prompt(interaction, request.http), cookies)
  }

  async #grant(
    redirection: Redirection,
    { request, type, details }: Judged,
    session: Session,
    begun: FoundInteraction | undefined
  ): Promise<HttpResponse> {
    const { client, http } = request
    const cookies = begun ? [await this.#finish(begun, 'granted', http, session.subject)] : []
    const now = this.#server.now()
    const grant: Grant = {
      id: this.#server.identifier(),
      clientId: client.client_id,
      subject: session.subject,
      scope: consentedScope(request.scope, session, begun),
      authTime: session.authTime,
      ...(session.acr !== undefined && { acr: session.acr }),
      ...(session.amr && { amr: session.amr }),
      sessionId: session.sid ?? session.id,
      createdAt: now,
      expiresAt: now + this.#server.policy(client).grantLifetime,
      ...(Object.keys(details).length > 0 && { details })
    }
    const { params, yields } = await type.createAuthorizationResponse(request, grant)
    await this.#server.store.grants.insert(grant, yields)
    const event = {
      clientId: client.client_id,
      subject: grant.subject,
      scope: grant.scope.join(' '),
      grantId: grant.id,
      responseType: type.responseType
    }
    this.#server.emit('authorization.granted', event, http.id)
    return withCookies(answer(redirection, params, this.#server.settings.issuer), cookies)
  }

  /** @returns the cookie that forgets it. @throws InvalidRequestError if it ended before. */
  async #finish({ id, value }: FoundInteraction, outcome: 'granted' | 'denied', http: OAuthRequest, subject?: string): Promise<string> {
    const cookie = await this.#service.finish({ id })
    const event = { clientId: value.client_id, interactionId: id, outcome, ...(subject !== undefined && { subject }) }
    this.#server.emit('interaction.finished', event, http.id)
    return cookie
  }

  #prompts(params: Params): readonly string[] {
    const prompts = params.get('prompt')?.split(' ') ?? []
    const known = [...this.#registry.interactionChecks.values()].map(({ prompt }) => prompt)
    // OpenID Connect Core §3.1.2.1: "If this parameter contains none with any other value, an error is returned."
    if (prompts.includes('none') && prompts.length > 1) throw new InvalidRequestError('prompt none stands alone')
    if (!prompts.every((prompt) => prompt === 'none' || known.includes(prompt)))
      throw new InvalidRequestError('prompt has a value that is not supported here')
    return prompts
  }

  #refuse(redirection: Redirection, error: unknown, http: OAuthRequest): HttpResponse {
    const refusal = error instanceof OAuthError ? error : new ServerError(undefined, { cause: error })
    const cookies = [...this.#refusals.count(refusal, http, redirection.client.client_id)]
    if (error instanceof DeniedError) cookies.push(error.cookie)
    this.#server.report(refusal, { endpoint: this.name, requestId: http.id, clientId: redirection.client.client_id })
    return withCookies(refuse(redirection, refusal, this.#server.settings), cookies)
  }
}

/** OpenID Connect Core §6.1: "Should an OP not support this parameter and an RP uses it, the OP MUST return the request_not_supported error"; §6.2 likewise. */
function checkUnfolded(params: Params): void {
  if (params.has('request')) throw new RequestNotSupportedError()
  if (params.has('request_uri')) throw new RequestUriNotSupportedError()
}

/** What the person allowed in this interaction of what the client may still ask for; without one, all that it asks for. */
function consentedScope(asked: readonly string[], { subject }: Session, begun: FoundInteraction | undefined): readonly string[] {
  const consent = begun?.value.consent
  return consent?.subject === subject ? consent.scope.filter((token) => asked.includes(token)) : asked
}

function isShort(state: string): boolean {
  return state.length <= MAX_STATE && encodeForm(state).length <= MAX_STATE
}

function maxAgeOf(params: Params): number | undefined {
  const value = params.get('max_age')
  if (value !== undefined && !/^\d{1,10}$/.test(value)) throw new InvalidRequestError('max_age is a number of seconds')
  return value === undefined ? undefined : Number(value)
}

/** Whether the person signed in after this request began: a newer session than the one it began with, if it began with one. */
function isFresh(session: Session | undefined, begun: FoundInteraction | undefined): boolean {
  if (!session || !begun) return false
  const { startedAt, session: before } = begun.value
  return session.authTime >= startedAt && (before === undefined || session.id !== before.id || session.authTime > before.authTime)
}
