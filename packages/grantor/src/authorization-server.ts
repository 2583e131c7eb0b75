import { ClientAuthenticator } from './client-authentication/authenticator.ts'
import { ClientDirectory } from './clients/directory.ts'
import { ClientKeys } from './clients/keys.ts'
import type { JudgedRequest, PresentedToken, ServerContext, SignInRequest } from './context.ts'
import { core } from './core.ts'
import { createIdentifier } from './crypto/identifier.ts'
import type { CryptoPort, Signer } from './crypto/port.ts'
import { runtimeCrypto } from './crypto/runtime.ts'
import { Secrets } from './crypto/secrets.ts'
import { AuthorizationRequests } from './endpoints/authorization-requests.ts'
import { metadataOf } from './endpoints/metadata.ts'
import { Router } from './endpoints/router.ts'
import { ConfigurationError, type OAuthError } from './errors.ts'
import type { Event, EventDetails, EventName } from './events.ts'
import { type Extension, Registry } from './extension.ts'
import { type HttpRequest, type HttpResponse, NO_STORE, withCookies } from './http.ts'
import type { Interactions } from './interactions/base.ts'
import { InteractionService } from './interactions/service.ts'
import type { Client } from './models/client.ts'
import type { Policy } from './models/policy.ts'
import { createOutbound, OUTBOUND_NAMES, type Outbound, type OutboundOptions, type OutboundRefusal } from './outbound/outbound.ts'
import { Params } from './params.ts'
import { Policies } from './policies.ts'
import type { OAuthRequest, UnfoldedRequest } from './requests.ts'
import { refuseUnknown } from './setting-rules.ts'
import { checkChoices, resolveSettings, SETTING_NAMES, type Settings, type SettingsInput } from './settings.ts'
import type { Store } from './stores/store.ts'
import { EncryptionKeyRing } from './tokens/encryption-keys.ts'
import { TokenIssuer } from './tokens/issuer.ts'
import { KeyRing } from './tokens/keys.ts'
import { OpaqueTokenService } from './tokens/opaque.ts'
import { ResourceGuard } from './tokens/resource-guard.ts'
import { fromWebRequest, toWebResponse } from './web.ts'

/** What a server is made of. */
export interface AuthorizationServerOptions extends SettingsInput {
  store: Store
  /**
   * What the stored hashes and keys are protected with: at least 32 random characters, kept apart from the database. The first of several
   * is used, the others are still recognised. May be left out with a store that is not durable.
   */
  secret?: string | readonly string[]
  /** Sessions and pages. Without them there is no authorization endpoint. */
  interactions?: Interactions
  /** Optional specifications and custom grant types. What is not here is neither served nor advertised. */
  extensions?: readonly Extension[]
  /** The profile that an extension must hold this server to; presets say it, so that it cannot get lost with their extensions. */
  profile?: string
  /** Signers of a KMS or HSM, in place of stored keys of their algorithms. */
  signers?: readonly Signer[]
  /** Told everything that happens. What it throws is ignored. */
  onEvent?: (event: Event) => void
  /** Milliseconds since the epoch. Default: `Date.now`. */
  clock?: () => number
  /** Where URLs of clients may lead, or a function in place of the guard, for a runtime or a test that has its own. */
  outbound?: OutboundOptions | Outbound
  /** Default: node:crypto where there is one, WebCrypto elsewhere. */
  crypto?: CryptoPort
}

const OPTION_NAMES = ['store', 'secret', 'interactions', 'extensions', 'profile', 'signers', 'onEvent', 'clock', 'outbound', 'crypto']
const MIN_SECRET_LENGTH = 32
// An application that renews silently every minute has 720 grants in a session of twelve hours.
const MAX_GRANTS = 10_000

/** An OAuth 2.x authorization server: from request to response, in any JavaScript runtime. */
export class AuthorizationServer implements ServerContext {
  readonly settings: Settings
  readonly store: Store
  /** Registered clients: create, update, rotate a secret, delete. */
  readonly clients: ClientDirectory
  /** Authorization requests that wait for a person; for the integrator's pages. */
  readonly interactions: InteractionService
  readonly keys: KeyRing
  readonly encryptionKeys: EncryptionKeyRing
  readonly clientKeys: ClientKeys
  readonly tokens: TokenIssuer
  readonly opaque: OpaqueTokenService
  readonly crypto: CryptoPort
  readonly secrets: Secrets
  readonly outbound: Outbound
  readonly #clock: () => number
  readonly #onEvent: ((event: Event) => void) | undefined
  readonly #pages: Interactions | undefined
  readonly #registry = new Registry()
  readonly #policies = new Policies()
  readonly #authenticator: ClientAuthenticator
  readonly #guard: ResourceGuard
  readonly #requests: AuthorizationRequests
  readonly #router: Router

  /** @throws ConfigurationError if the options cannot work, two extensions contribute the same name, or one refuses the rest. */
  constructor(options: AuthorizationServerOptions) {
    refuseUnknown(Object.keys(options), [...SETTING_NAMES, ...OPTION_NAMES], 'options')
    const { store, secret, interactions, extensions = [], profile, signers = [], onEvent, clock, outbound, crypto, ...settings } = options
    this.settings = resolveSettings(settings)
    this.store = store
    this.crypto = crypto ?? runtimeCrypto()
    this.secrets = new Secrets(this.crypto, rootSecrets(secret, store, this.crypto))
    this.outbound = guard(outbound, (refusal) => this.emit('outbound.refused', refusal))
    this.#clock = clock ?? Date.now
    this.#onEvent = onEvent
    this.#pages = interactions
    this.opaque = new OpaqueTokenService(this)
    this.keys = new KeyRing(this, signers, this.#registry.signingAlgorithms)
    this.encryptionKeys = new EncryptionKeyRing(this, this.#registry.encryptionAlgorithms)
    this.clientKeys = new ClientKeys(this)
    this.interactions = new InteractionService(this)
    this.#registry.add(core(this, this.#registry, interactions), 'core')
    for (const extension of extensions) this.#registry.add(extension(this, interactions))
    this.#registry.complete(profile)
    checkChoices(this.settings, { tokenFormats: [...this.#registry.tokenFormats.keys()], signers: signers.map(({ alg }) => alg) })
    this.clients = new ClientDirectory(this, this.#registry)
    this.tokens = new TokenIssuer(this, this.#registry.tokenFormats)
    this.#authenticator = new ClientAuthenticator(this, this.#registry.clientAuthentications.values())
    this.#guard = new ResourceGuard(this, this.#registry.tokenSchemes)
    this.#requests = new AuthorizationRequests(this, this.#registry)
    this.#router = new Router(this, this.#registry, interactions)
  }

  /** Answers a web `Request`; 404 for what is not an endpoint. For Deno, Bun, Workers, Hono: `{ fetch: server.handle }`. */
  readonly handle = async (request: Request): Promise<Response> => {
    const response = await this.respond(fromWebRequest(request))
    return response
      ? toWebResponse(response, request.method)
      : new Response('Not found\n', { status: 404, headers: { 'content-type': 'text/plain', ...NO_STORE } })
  }

  /** Answers a request as plain data. Undefined: it is not for this server. Never rejects for what a request contains. */
  respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    return this.#router.respond(request)
  }

  /** Loads the keys, or makes the first. @throws ConfigurationError if the secret does not open what is stored. */
  async ready(): Promise<void> {
    for (const algorithm of this.keys.algorithms()) await this.keys.signer(algorithm)
    await this.encryptionKeys.publicKeys()
  }

  /** Seconds since the epoch. */
  now(): number {
    return Math.floor(this.#clock() / 1000)
  }

  identifier(): string {
    return createIdentifier(this.crypto, this.#clock())
  }

  policy({ settings: own }: Client, resource?: string): Policy {
    const special = resource === undefined ? undefined : this.settings.resources.find(({ identifier }) => identifier === resource)?.settings
    const base = own ? this.#policies.merged(this.settings, own) : this.settings
    return special ? this.#policies.merged(base, special) : base
  }

  endpoint(name: string): string {
    return this.#router.url(name)
  }

  urlsOf(path: string): readonly string[] {
    return [new URL(this.settings.issuer).origin, ...this.#registry.origins].map((origin) => origin + path)
  }

  hasGrantType(name: string): boolean {
    return this.#registry.grantTypes.has(name)
  }

  metadata(): Record<string, unknown> {
    return metadataOf(this, this.#registry)
  }

  async subjectFor(client: Client, subject: string): Promise<string> {
    let name = subject
    for (const subjectFor of this.#registry.hooks('subjectFor')) name = await subjectFor(client, name)
    return name
  }

  async endSession({ id, subject }: { id: string; subject: string }): Promise<readonly string[]> {
    const grants = await this.store.grants.list({ sessionId: id }, this.now(), MAX_GRANTS, { revoked: true })
    const frames = await Promise.all(this.#registry.hooks('sessionEnded').map((ended) => ended({ id, subject, grants })))
    this.emit('session.ended', { sessionId: id, subject })
    return frames.flatMap((urls) => urls ?? [])
  }

  /** Signs a person out everywhere: every session ends in which something was authorized that is still alive. */
  async endSessions(subject: string): Promise<void> {
    const grants = await this.store.grants.list({ subject }, this.now(), MAX_GRANTS)
    const ids = new Set(grants.flatMap(({ sessionId }) => sessionId ?? []))
    for (const id of ids) await this.endSession({ id, subject })
  }

  /** Does what is due without a request, such as telling applications of a sign-out again. Call it every few seconds. */
  async maintain(): Promise<void> {
    for (const maintain of this.#registry.hooks('maintain')) await maintain()
  }

  authenticateClient(request: OAuthRequest): Promise<Client> {
    return this.#authenticator.authenticate(request)
  }

  protect<T>(request: OAuthRequest, answer: (token: PresentedToken) => Promise<T>): Promise<T> {
    return this.#guard.protect(request, answer)
  }

  async judgeAuthorizationRequest(params: Params, request: OAuthRequest): Promise<UnfoldedRequest> {
    const unfolded = await this.#requests.unfold(params, request)
    const judged = await this.#requests.judge(await this.#requests.prove(unfolded.params), unfolded, request)
    return { ...unfolded, params: await this.#requests.complete(judged) }
  }

  judgePolledRequest(client: Client, params: Params, request: OAuthRequest): Promise<JudgedRequest> {
    return this.#requests.judgePolled(client, params, request)
  }

  async signIn({ client, scope, returnTo, http }: SignInRequest): Promise<HttpResponse> {
    if (!this.#pages) throw new ConfigurationError('without interactions nobody can sign in')
    const need = { prompt: 'login', reason: 'no_session', newScope: [], details: {}, session: undefined }
    const acrValues = client.default_acr_values ?? []
    const waiting = { client, scope, acrValues, returnTo, http, redirectUri: this.settings.issuer, params: Params.NONE }
    const { interaction, cookies } = await this.interactions.require(waiting, need)
    const { id, prompt, reason } = interaction
    this.emit('interaction.started', { clientId: client.client_id, interactionId: id, prompt, reason }, http.id)
    return withCookies(await this.#pages.prompt(interaction, http), cookies)
  }

  emit<N extends EventName>(type: N, details: EventDetails[N], requestId?: string): void {
    try {
      this.#onEvent?.({ type, time: this.now(), ...(requestId !== undefined && { requestId }), ...details } as Event)
    } catch {
      // A listener that fails must not fail the request it is told of.
    }
  }

  report(error: OAuthError, { requestId, ...about }: { endpoint: string; requestId: string; clientId?: string }): void {
    if (error.repeated) return
    const facts = { ...about, error: error.error, status: error.status, reason: error.message }
    if (error.status >= 500) this.emit('request.failed', { ...facts, cause: error.cause }, requestId)
    else this.emit('request.refused', { ...facts, ...(error.detail && { detail: error.detail }) }, requestId)
  }
}

/** @throws ConfigurationError if a durable store would be read with a secret that dies with the process. */
function rootSecrets(secret: string | readonly string[] | undefined, store: Store, crypto: CryptoPort): readonly string[] {
  if (secret === undefined) {
    if (!store.durable) return [crypto.random(32)]
    throw new ConfigurationError(
      'secret is missing: a durable store needs one that survives a restart; make it with `openssl rand -base64 32`'
    )
  }
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (secrets.length === 0 || secrets.some((one) => one.length < MIN_SECRET_LENGTH)) {
    throw new ConfigurationError(`secret has at least ${MIN_SECRET_LENGTH} characters; make it with \`openssl rand -base64 32\``)
  }
  return secrets
}

/** @throws ConfigurationError if an option is unknown or cannot work. */
function guard(outbound: OutboundOptions | Outbound = {}, refused: (refusal: OutboundRefusal) => void): Outbound {
  if (typeof outbound === 'function') return outbound
  refuseUnknown(Object.keys(outbound), OUTBOUND_NAMES, 'outbound')
  return createOutbound(outbound, refused)
}
