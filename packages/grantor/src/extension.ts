import type { ClientAuthenticationBase } from './client-authentication/base.ts'
import type { MetadataRule } from './clients/rules.ts'
import type { EndedSession, ServerContext, TokenFormat, TokenIssuance, TokenResponse, TokenScheme } from './context.ts'
import type { Awaitable } from './crypto/port.ts'
import { ConfigurationError } from './errors.ts'
import type { GrantTypeBase } from './grant-types/base.ts'
import type { HttpResponse } from './http.ts'
import type { Interactions } from './interactions/base.ts'
import type { InteractionCheck } from './interactions/checks.ts'
import type { Client } from './models/client.ts'
import type { Confirmation } from './models/confirmation.ts'
import type { Params } from './params.ts'
import type { AuthorizationRequest, OAuthRequest, TokenRequest, UnfoldedRequest } from './requests.ts'
import type { ResponseModeBase } from './response-modes/base.ts'
import type { ResponseTypeBase } from './response-types/base.ts'

/** A place that requests go to. */
export interface Endpoint {
  /** Its name; `token` appears in the metadata as `token_endpoint`. */
  readonly name: string
  /** Below the issuer, unless `settings.paths` says another; with `wellKnown`, below the host, before the path of the issuer (RFC 8615). */
  readonly path: string
  readonly wellKnown?: boolean
  readonly methods: readonly string[]
  /** Who may read the answer in a browser: any origin, the origins of the client that asks, or nobody. */
  readonly cors: 'any' | 'client' | 'none'
  /** Errors are shown to a person, not to a program. */
  readonly forPeople?: boolean
  /** What stands above an error that a person sees. Default: `Request rejected`. */
  readonly errorHeading?: string
  /** `own`: the endpoint reads the body itself, whatever it is; `params` are those of the query. */
  readonly body?: 'own'
  /** Not in the metadata, where no member is registered for it. */
  readonly unlisted?: boolean
  /** Served during maintenance, too. */
  readonly always?: boolean
  handle(request: OAuthRequest): Promise<HttpResponse>
}

/**
 * What an extension adds. The same name twice is refused when the server is built; only what every server has gives way to it, and lists in the
 * metadata become one.
 */
export interface Contribution {
  grantTypes?: readonly GrantTypeBase[]
  responseTypes?: readonly ResponseTypeBase[]
  responseModes?: readonly ResponseModeBase[]
  clientAuthentications?: readonly ClientAuthenticationBase[]
  tokenFormats?: readonly TokenFormat[]
  tokenSchemes?: readonly TokenScheme[]
  endpoints?: readonly Endpoint[]
  interactionChecks?: readonly InteractionCheck[]
  /** Other origins than the issuer's at which clients reach the endpoints (RFC 8705 §5). */
  origins?: readonly string[]
  /** Members of the server's metadata, by their registered names (RFC 8414 §2). */
  metadata?: Readonly<Record<string, unknown>>
  /** More of them, made of those that are there when everything is. */
  derivedMetadata?(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  /** Names below `/.well-known/` where the metadata is served too (RFC 8414 §3). */
  wellKnown?: readonly string[]
  /** Members of client metadata that are understood, each with its rule (RFC 7591 §2). */
  clientMetadata?: Readonly<Record<string, MetadataRule>>
  /** JWS algorithms to keep signing keys for, besides those of the settings. */
  signingAlgorithms?: readonly string[]
  /** JWE algorithms (RFC 7518 §4.1) to keep keys for that others encrypt to. */
  encryptionAlgorithms?: readonly string[]
  /** The member of `cnf` by which every access token is bound to a key. Two extensions that say so refuse each other. */
  bindsTokens?: 'jkt' | 'x5t#S256'
  /** The profile that it holds the server to. */
  profile?: string
  /** Names of what every server has and this one has not. */
  withdraws?: { clientAuthentications?: readonly string[]; responseTypes?: readonly string[] }
  /** Refuses a server that is made of what does not go together. Called once, when everything is there. @throws ConfigurationError */
  validateServer?(registry: Registry): void
  /** Refuses a client that is registered or changed, before its members are judged by what there is here. @throws InvalidClientMetadataError */
  validateMetadata?(client: Omit<Client, 'client_id'>): void
  /** Refuses a client that is registered or changed, when its members are right one by one. @throws InvalidClientMetadataError */
  validateClient?(client: Client): Promise<void>
  /** Unfolds a request that was sent another way (RFC 9126, RFC 9101). Undefined: it was not. */
  resolveAuthorizationParams?(params: Params, request: OAuthRequest): Promise<UnfoldedRequest | undefined>
  /** Parameters that say what is asked for as `scope` does: with one of them, a request without scope asks for none (RFC 9396 §3). */
  insteadOfScope?: readonly string[]
  /** What of the scope that a client asks a person for may be granted to it; the rest is ignored. */
  limitScope?(request: AuthorizationRequest): readonly string[]
  /** Refuses, or returns what the grant must remember. */
  validateAuthorizationRequest?(request: AuthorizationRequest): Awaitable<Record<string, unknown> | undefined>
  /** The key that the code of this request is bound to. */
  bindCode?(request: AuthorizationRequest): Confirmation | undefined
  /**
   * Parameters that a request gets of the one that pushes it, as `dpop_jkt` of a proof (RFC 9449 §10.1).
   * @throws OAuthError if its own say otherwise
   */
  pushedParams?(request: AuthorizationRequest): Promise<Readonly<Record<string, string>> | undefined>
  /** What the sender proved to hold. */
  confirm?(request: OAuthRequest, client: Client): Promise<Confirmation | undefined>
  /** Between the two verbs of a grant type: refuses, or narrows what may be issued. Before all `validateTokenRequest`. */
  limitTokenRequest?(request: TokenRequest, issuance: TokenIssuance): Promise<TokenIssuance>
  /** After that: refuses, or adds claims to the access token. */
  validateTokenRequest?(request: TokenRequest, issuance: TokenIssuance): Promise<Record<string, unknown> | undefined>
  /** The answer to an introspection in another form than JSON (RFC 7662 §2.2); undefined: not of this one. */
  introspectionResponse?(body: Readonly<Record<string, unknown>>, client: Client, request: OAuthRequest): Promise<HttpResponse | undefined>
  /** Members of the token response. */
  tokenResponse?(response: TokenResponse, request: TokenRequest, issuance: TokenIssuance): Awaitable<Record<string, unknown> | undefined>
  /** The name by which a client knows a person, made of the one that it had so far. */
  subjectFor?(client: Client, subject: string): Awaitable<string>
  /**
   * A browser session ends: what depends on it ends, and who must know is told. It may come again for a session that ended before.
   * Returns the URLs that the browser must load in frames for it.
   */
  sessionEnded?(session: EndedSession): Promise<readonly string[]>
  /** Work that is due without a request. The host calls it again and again, on one node at a time or on several. */
  maintain?(): Promise<void>
}

/** One optional specification, or a custom grant type: a function of the server it is added to, and of the integrator's pages. */
export type Extension = (server: ServerContext, interactions: Interactions | undefined) => Contribution

type HookName = {
  [N in keyof Contribution]-?: NonNullable<Contribution[N]> extends (...parameters: never[]) => unknown ? N : never
}[keyof Contribution]
/** What an extension does at that point. */
export type Hook<N extends HookName> = NonNullable<Contribution[N]>

/** Everything that this server can do, by name. Discovery is computed from it, so it cannot promise what is not enforced. */
export class Registry {
  readonly grantTypes = new Map<string, GrantTypeBase>()
  readonly responseTypes = new Map<string, ResponseTypeBase>()
  readonly responseModes = new Map<string, ResponseModeBase>()
  readonly clientAuthentications = new Map<string, ClientAuthenticationBase>()
  readonly tokenFormats = new Map<string, TokenFormat>()
  readonly tokenSchemes = new Map<string, TokenScheme>()
  readonly endpoints = new Map<string, Endpoint>()
  readonly interactionChecks = new Map<string, InteractionCheck>()
  readonly metadata = new Map<string, { name: string; value: unknown }>()
  readonly clientMetadata = new Map<string, { name: string; rule: MetadataRule }>()
  readonly wellKnown = new Set<string>()
  readonly origins = new Set<string>()
  readonly signingAlgorithms = new Set<string>()
  readonly encryptionAlgorithms = new Set<string>()
  readonly insteadOfScope = new Set<string>()
  /** In the order given. */
  readonly #contributions: Contribution[] = []
  readonly #extended = new Set<string>()
  readonly #hooks = new Map<HookName, readonly unknown[]>()

  /** @throws ConfigurationError if a name is taken by another extension. */
  add(contribution: Contribution, origin: 'core' | 'extension' = 'extension'): void {
    const { grantTypes, responseTypes, responseModes, clientAuthentications, tokenFormats, tokenSchemes, endpoints } = contribution
    const { interactionChecks, metadata } = contribution
    this.#put('grant type', this.grantTypes, grantTypes, (entry) => entry.grantType, origin)
    this.#put('response type', this.responseTypes, responseTypes, (entry) => entry.responseType, origin)
    this.#put('response mode', this.responseModes, responseModes, (entry) => entry.responseMode, origin)
    this.#put('client authentication method', this.clientAuthentications, clientAuthentications, (entry) => entry.method, origin)
    this.#put('token format', this.tokenFormats, tokenFormats, (entry) => entry.format, origin)
    this.#put('token scheme', this.tokenSchemes, tokenSchemes, (entry) => entry.scheme.toLowerCase(), origin)
    this.#put('endpoint', this.endpoints, endpoints, (entry) => entry.name, origin)
    this.#put('interaction check', this.interactionChecks, interactionChecks, (entry) => entry.reason, origin)
    for (const [name, value] of Object.entries(metadata ?? {})) this.#putMember({ name, value }, origin)
    const rules = Object.entries(contribution.clientMetadata ?? {}).map(([name, rule]) => ({ name, rule }))
    this.#put('client metadata member', this.clientMetadata, rules, (entry) => entry.name, origin)
    for (const name of contribution.wellKnown ?? []) this.wellKnown.add(name)
    for (const other of contribution.origins ?? []) this.origins.add(other)
    for (const algorithm of contribution.signingAlgorithms ?? []) this.signingAlgorithms.add(algorithm)
    for (const algorithm of contribution.encryptionAlgorithms ?? []) this.encryptionAlgorithms.add(algorithm)
    for (const parameter of contribution.insteadOfScope ?? []) this.insteadOfScope.add(parameter)
    this.#contributions.push(contribution)
    this.#hooks.clear()
  }

  /** What extensions do at that point, in the order given. */
  hooks<N extends HookName>(name: N): readonly Hook<N>[] {
    // Gathered once: each request passes by a dozen points, at most of which nobody does anything.
    const known = this.#hooks.get(name)
    if (known) return known as readonly Hook<N>[]
    const hooks = this.#contributions.flatMap(({ [name]: hook }) => hook ?? [])
    this.#hooks.set(name, hooks)
    return hooks as readonly Hook<N>[]
  }

  /**
   * Takes away what extensions withdraw, unless another contributed it, and has them judge what is left.
   * @param profile that one of them must hold the server to
   * @throws ConfigurationError if none does, or one of them refuses what is there
   */
  complete(profile: string | undefined): void {
    if (profile !== undefined && !this.#contributions.some((contribution) => contribution.profile === profile))
      throw new ConfigurationError(`profile: no extension holds this server to ${profile}; extensions of your own go into the preset`)
    for (const { withdraws = {} } of this.#contributions) {
      this.#withdraw('client authentication method', this.clientAuthentications, withdraws.clientAuthentications)
      this.#withdraw('response type', this.responseTypes, withdraws.responseTypes)
    }
    const kinds = new Set(this.#contributions.flatMap(({ bindsTokens }) => bindsTokens ?? []))
    // RFC 7800 §3.1: one key is what a token is bound to.
    if (kinds.size > 1) throw new ConfigurationError('two extensions are to bind every token, to keys of two kinds: require one of them')
    for (const validateServer of this.hooks('validateServer')) validateServer(this)
  }

  #withdraw(what: string, target: Map<string, unknown>, names: readonly string[] = []): void {
    for (const name of names) if (!this.#extended.has(`${what} ${name}`)) target.delete(name)
  }

  /** Two lists of one name say together what is supported, as `acr_values_supported` of a sign-in and of step-up. */
  #putMember(member: { name: string; value: unknown }, origin: 'core' | 'extension'): void {
    const { name, value } = member
    const known = this.metadata.get(name)?.value
    if (Array.isArray(known) && Array.isArray(value)) this.metadata.set(name, { name, value: [...new Set([...known, ...value])] })
    else this.#put('metadata member', this.metadata, [member], (entry) => entry.name, origin)
  }

  #put<T>(
    what: string,
    target: Map<string, T>,
    entries: readonly T[] = [],
    nameOf: (entry: T) => string,
    origin: 'core' | 'extension'
  ): void {
    for (const entry of entries) {
      const name = nameOf(entry)
      const key = `${what} ${name}`
      if (this.#extended.has(key)) throw new ConfigurationError(`the ${key} is contributed twice`)
      if (origin === 'extension') this.#extended.add(key)
      target.set(name, entry)
    }
  }
}
