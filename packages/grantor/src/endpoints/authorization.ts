import type { ServerContext } from '../context.ts'
import { InvalidRequestError, InvalidRequestUriError, OAuthError, ServerError } from '../errors.ts'
import type { Endpoint, Registry } from '../extension.ts'
import { type HttpResponse, withCookies } from '../http.ts'
import type { Interactions, Session } from '../interactions/base.ts'
import { type InteractionCheck, type Situation, scopeOf } from '../interactions/checks.ts'
import type { FoundInteraction, InteractionService } from '../interactions/service.ts'
import type { Grant } from '../models/grant.ts'
import { Params } from '../params.ts'
import type { OAuthRequest, UnfoldedRequest } from '../requests.ts'
import type { Reference } from '../stores/store.ts'
import { AuthorizationRequests, type Judged } from './authorization-requests.ts'
import { DeniedError } from './denied-error.ts'
import { answer, type Redirection, refuse } from './redirection.ts'
import { RefusalLimit } from './refusal-limit.ts'
import { rememberedGrants } from './remembered-grants.ts'

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
  readonly #requests: AuthorizationRequests
  readonly #refusals: RefusalLimit
  /** In their order; known when every extension has contributed. */
  #checks: readonly InteractionCheck[] | undefined

  constructor(server: ServerContext, registry: Registry, interactions: Interactions, service: InteractionService) {
    this.#server = server
    this.#registry = registry
    this.#interactions = interactions
    this.#service = service
    this.#requests = new AuthorizationRequests(server, registry)
    this.#refusals = new RefusalLimit(server)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const begunId = http.params.get('interaction')
    const begun = begunId === undefined ? undefined : await this.#service.load(http, begunId)
    let unfolded: UnfoldedRequest
    try {
      unfolded = begun ? requestOf(begun) : await this.#requests.unfold(http.params, http)
    } catch (error) {
      return this.#refuseFolded(error, http)
    }
    let redirection: Redirection
    try {
      redirection = await this.#requests.prove(unfolded.params)
    } catch (error) {
      return this.#abandon(error, begun)
    }
    // Errors before this line are shown here; after it they are redirected.
    try {
      return await this.#answer(redirection, unfolded, http, begun)
    } catch (error) {
      return this.#refuse(redirection, error, http)
    }
  }

  /** RFC 9101 §6: the error goes "to the client in response to the authorization request", if the URL itself proves the way to it. */
  async #refuseFolded(error: unknown, http: OAuthRequest): Promise<HttpResponse> {
    const redirection = await this.#requests.prove(http.params).catch(() => {
      throw error
    })
    return this.#refuse(redirection, error, http)
  }

  async #answer(
    redirection: Redirection,
    unfolded: UnfoldedRequest,
    http: OAuthRequest,
    begun: FoundInteraction | undefined
  ): Promise<HttpResponse> {
    const judged = await this.#requests.judge(redirection, unfolded, http)
    const session = await this.#interactions.session(http)
    if (begun?.value.denied) {
      if (judged.request.spends) await this.#spend(judged.request.spends)
      throw new DeniedError(await this.#finish(begun, 'denied', http))
    }
    const situation = this.#situation(judged, session, begun)
    const check = await this.#needed(situation)
    if (!check) return await this.#grant(redirection, judged, session as Session, begun)
    // OpenID Connect Core §3.1.2.1: none: "The Authorization Server MUST NOT display any authentication or consent user interface pages."
    if (situation.prompts.includes('none')) throw new check.error()
    return this.#prompt(check, situation, begun)
  }

  /** A client or redirect URI that is not registered any more: whatever the person decides, nobody can be told. */
  async #abandon(error: unknown, begun: FoundInteraction | undefined): Promise<never> {
    if (begun && error instanceof InvalidRequestError) await this.#service.finish(begun)
    throw error
  }

  #situation({ request, details, prompts, maxAge }: Judged, session: Session | undefined, begun: FoundInteraction | undefined): Situation {
    const { client } = request
    const now = this.#server.now()
    const { recentlyGranted, granted } = rememberedGrants({ store: this.#server.store, now }, client, session)
    const freshLogin = isFresh(session, begun)
    const result = begun?.value ?? {}
    return { request, details, prompts, maxAge, session, freshLogin, result, recentlyGranted, granted, now }
  }

  async #needed(situation: Situation): Promise<InteractionCheck | undefined> {
    this.#checks ??= inOrder([...this.#registry.interactionChecks.values()])
    for (const check of this.#checks) {
      // Most answer at once, and what answers at once is not awaited.
      const answered = check.isNeeded(situation)
      if (answered === true || (answered !== false && (await answered))) return check
    }
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
    if (request.spends) await this.#spend(request.spends)
    const cookies = begun ? [await this.#finish(begun, 'granted', http, session.subject)] : []
    const now = this.#server.now()
    const grant: Grant = {
      id: this.#server.identifier(),
      clientId: client.client_id,
      subject: session.subject,
      scope: consentedScope(request.scope, session, begun),
      authTime: session.authTime,
      sessionId: session.sid ?? session.id,
      createdAt: now,
      expiresAt: now + this.#server.policy(client).grantLifetime
    }
    if (session.acr !== undefined) grant.acr = session.acr
    if (session.amr) grant.amr = session.amr
    if (Object.keys(details).length > 0) grant.details = details
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
    return withCookies(await answer(redirection, params, this.#server.settings.issuer), cookies)
  }

  /** RFC 9126 §7.3: one answer for one pushed request, however often and wherever it was opened. @throws InvalidRequestUriError */
  async #spend(spends: Reference): Promise<void> {
    const spent = await this.#server.store.artifacts.consume(spends, { now: this.#server.now() })
    if (!spent?.first) throw new InvalidRequestUriError('this request was answered before; start again at the application')
  }

  /** @returns the cookie that forgets it. @throws InvalidRequestError if it ended before. */
  async #finish({ id, value }: FoundInteraction, outcome: 'granted' | 'denied', http: OAuthRequest, subject?: string): Promise<string> {
    const cookie = await this.#service.finish({ id })
    const event = { clientId: value.client_id, interactionId: id, outcome, ...(subject !== undefined && { subject }) }
    this.#server.emit('interaction.finished', event, http.id)
    return cookie
  }

  async #refuse(redirection: Redirection, error: unknown, http: OAuthRequest): Promise<HttpResponse> {
    const refusal = error instanceof OAuthError ? error : new ServerError(undefined, { cause: error })
    const cookies = [...this.#refusals.count(refusal, http, redirection.client.client_id)]
    if (error instanceof DeniedError) cookies.push(error.cookie)
    this.#server.report(refusal, { endpoint: this.name, requestId: http.id, clientId: redirection.client.client_id })
    return withCookies(await refuse(redirection, refusal, this.#server.settings), cookies)
  }
}

function inOrder(checks: readonly InteractionCheck[]): readonly InteractionCheck[] {
  return [...checks.filter(({ comesFirst }) => comesFirst), ...checks.filter(({ comesFirst }) => !comesFirst)]
}

/** What the person was asked about, as it was when they were. */
function requestOf({ value: { request, spends } }: FoundInteraction): UnfoldedRequest {
  return { params: Params.parse(request), ...(spends && { spends }) }
}

/** What the person allowed in this interaction of what the client may still ask for; without one, all that it asks for. */
function consentedScope(asked: readonly string[], { subject }: Session, begun: FoundInteraction | undefined): readonly string[] {
  const consent = begun?.value.consent
  return consent?.subject === subject ? consent.scope.filter((token) => asked.includes(token)) : asked
}

/** Whether the person signed in after this request began: a newer session than the one it began with, if it began with one. */
function isFresh(session: Session | undefined, begun: FoundInteraction | undefined): boolean {
  if (!session || !begun) return false
  const { startedAt, session: before } = begun.value
  return session.authTime >= startedAt && (before === undefined || session.id !== before.id || session.authTime > before.authTime)
}
