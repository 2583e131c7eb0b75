import type { Awaitable, CryptoPort } from './crypto/port.ts'
import type { Secrets } from './crypto/secrets.ts'
import type { OAuthError } from './errors.ts'
import type { EventDetails, EventName } from './events.ts'
import type { HttpResponse } from './http.ts'
import type { ClientKeyring, EncryptionKeys, Keys } from './keyrings.ts'
import type { AccessToken, AccessTokenTrace, Artifact, Kind, RefreshToken, SourceToken } from './models/artifacts.ts'
import type { Client, ClientMetadata } from './models/client.ts'
import type { Confirmation } from './models/confirmation.ts'
import type { Grant } from './models/grant.ts'
import type { Policy } from './models/policy.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { Params } from './params.ts'
import type { OAuthRequest, UnfoldedRequest } from './requests.ts'
import type { Settings } from './settings.ts'
import type { Found, Reference, Store } from './stores/store.ts'

/** What may be issued, and what pays for it: the answer of every grant type's `validateRequest`. */
export interface TokenIssuance {
  /** The grant the tokens belong to. Absent with a `subject`: one is made. */
  grant?: Grant
  /** Whose tokens. Absent: the client's own. */
  subject?: string
  scope: readonly string[]
  /** The audience. Default: what the grant is for, and for one that names nothing the configured default resource. */
  resource?: readonly string[]
  /** The single-use artifact that pays. It is spent in the same atomic step that stores the tokens. */
  spends?: Reference
  /** Whether a refresh token may come with it, if the client may use one. Default false. */
  refreshToken?: boolean
  /** The token that is spent for it: the secrets of the new ones are made of it, so that a retry gets the same. Absent: they are random. */
  predecessor?: string | undefined
  /** The access token is not a new one but this, which was issued for the same request before. */
  repeats?: AccessTokenTrace
  /** Nothing of it lives longer, nor does a grant that is made for it. Seconds since the epoch. */
  expiresAt?: number
  /**
   * It is exchanged for another token (RFC 8693): the access tokens of this server that it is made of, and ends with. Absent: it is no
   * exchange.
   */
  madeOf?: readonly SourceToken[]
  /** False: the subject is a client, and no grant is made for it. */
  makesGrant?: false
  /** False: nobody signed in for it, so that no ID token comes with it. */
  idToken?: false
  /** Claims of the access token. They never replace those of the protocol. */
  claims?: Record<string, unknown>
  /** What extensions must remember of it, if a grant is made. */
  details?: Record<string, unknown>
}

/** RFC 6749 §5.1 */
export interface TokenResponse {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token?: string
  scope?: string
  [member: string]: unknown
}

/** A token, and what must be stored for it; nothing, if it is self-contained. */
export interface Minted {
  token: string
  artifact?: Artifact<unknown> | undefined
}

/** An access token that was issued, with what must be stored for it. */
export interface IssuedAccessToken extends Minted, AccessTokenTrace {
  /** Seconds that are left of it. */
  expiresIn: number
}

/** A refresh token that was issued, with its record. */
export interface IssuedRefreshToken extends Minted {
  artifact: Artifact<RefreshToken>
}

/** What a format writes besides what the token says. */
export interface IssueOptions {
  id: string
  expiresAt: number
  grant?: Grant | undefined
  /** Issued again with the same one and the same `id`, the token must be as good as the first: a secret in it is made of it (`opaque.mint`). */
  predecessor?: string | undefined
}

/** An access token that was presented and is genuine; whether it is live is for `isLive` to say. */
export interface PresentedToken {
  id: string
  format: string
  token: AccessToken
  expiresAt: number
  grant?: Grant
  revoked: boolean
}

/** A way to write access tokens: `opaque`, `jwt`. */
export interface TokenFormat {
  readonly format: string
  issue(token: AccessToken, options: IssueOptions): Awaitable<Minted>
  /** Undefined: not this format, not ours, or expired. */
  read(token: string): Promise<PresentedToken | undefined>
  revoke(token: PresentedToken): Promise<void>
  /** Whether neither the token with this id nor its grant was revoked. An expired one may be said to be dead. */
  isAlive(id: string): Promise<boolean>
}

/** An authentication scheme for access tokens (RFC 6750 §2.1, RFC 9449 §7.1). */
export interface TokenScheme {
  /** Its name in the `Authorization` header, which is compared without case. */
  readonly scheme: string
  /** Parameters of its challenge, such as `algs`. */
  readonly challenge: Readonly<Record<string, string>>
  /**
   * Refuses a sender that does not prove to hold the key which the token is bound to, and a token that this scheme is not for.
   * @throws InvalidTokenError, and others that the scheme has
   */
  prove(request: OAuthRequest, token: string, presented: PresentedToken): Promise<void>
}

/** Whom a token is for, and what it is bound to. */
export interface TokenReceiver {
  client: Client
  confirmation?: Confirmation | undefined
}

/** Mints and recognises tokens. */
export interface TokenService {
  accessToken(request: TokenReceiver, issuance: TokenIssuance, grant?: Grant): Awaitable<IssuedAccessToken>
  refreshToken(request: TokenReceiver, issuance: TokenIssuance, grant: Grant): Awaitable<IssuedRefreshToken>
  /** The access token in any of the server's formats; undefined if none recognises it. */
  find(token: string): Promise<PresentedToken | undefined>
  revoke(token: PresentedToken): Promise<void>
}

/** A new token, its id and the keyed hash that is stored of it. */
export interface MintedSecret {
  token: string
  id: string
  secretHash: string
}

/** Strings of `prefix_` + public id + 256-bit secret + checksum, of which only the id and a keyed hash are stored. */
export interface OpaqueTokens {
  /**
   * `id`: where the caller has one already. With the token that is spent for it, `predecessor`, the secret is no chance but made of the two of
   * them and the root secret: the same again, for whoever presents the same again.
   */
  mint(kind: Kind<unknown>, id?: string, predecessor?: string): Awaitable<MintedSecret>
  /** The record of a presented token, with its grant, spent or not. Undefined: malformed, unknown, expired or with a wrong secret. */
  find<T>(kind: Kind<T>, token: string): Promise<Found<T> | undefined>
}

/** The registered clients. */
export interface Clients {
  /** Through a cache of at most one second. A disabled client is not found. */
  find(clientId: string): Promise<Client | undefined>
  /** Whether this server understands a member of client metadata. */
  understands(member: string): boolean
  /**
   * Registers a client; a confidential one gets a secret of 256 bits unless one is given.
   * @throws InvalidClientMetadataError, InvalidRedirectUriError
   */
  create(client: NewClient, beforeStoring?: BeforeStoring): Promise<CreatedClient>
  /** Replaces what is given and keeps the rest; `undefined` removes. @throws InvalidClientMetadataError, InvalidRedirectUriError */
  update(clientId: string, changes: ClientMetadata & { disabled?: boolean }, beforeStoring?: BeforeStoring): Promise<Client>
  /** Gives the client another secret beside the newest it has. @throws InvalidClientMetadataError if it needs none */
  addSecret(clientId: string, options?: { previousExpiresAt?: number }): Promise<string>
  /** Deletes the client; its grants and all that came of them are dead. False: there was none. */
  delete(clientId: string): Promise<boolean>
}

/** Called when a client was judged and found right, and nothing is stored yet: spends what pays for it. What it throws stops it. */
export type BeforeStoring = (client: Client) => Promise<void>

/** What may be chosen when a client is created; both are generated by default. */
export interface NewClient extends ClientMetadata {
  client_id?: string
  client_secret?: string
}

/** A client and, this once, its secret. */
export interface CreatedClient extends Client {
  client_secret?: string
}

/** A browser session that ends, and what was authorized in it. */
export interface EndedSession {
  /** What clients know it by: `sid`. */
  id: string
  subject: string
  /** Revoked ones, too: whose grant is gone may still have somebody signed in. */
  grants: readonly Grant[]
}

/** What a client asks a person for, judged. */
export interface JudgedRequest {
  scope: readonly string[]
  /** What extensions must remember of it. */
  details: Readonly<Record<string, unknown>>
}

/** Somebody must be signed in before a page of an extension goes on. */
export interface SignInRequest {
  /** What the person is about to answer. */
  client: Client
  scope: readonly string[]
  /** A URL of this server. Who reads the store does not learn it. */
  returnTo: string
  http: OAuthRequest
}

/** All that grant types, response types, token formats and extensions may know of the server they work for. */
export interface ServerContext {
  readonly settings: Settings
  readonly store: Store
  readonly clients: Clients
  readonly clientKeys: ClientKeyring
  readonly crypto: CryptoPort
  readonly secrets: Secrets
  readonly tokens: TokenService
  readonly opaque: OpaqueTokens
  readonly keys: Keys
  readonly encryptionKeys: EncryptionKeys
  /** Fetches a URL that somebody else wrote; there is no other way out. */
  readonly outbound: Outbound
  /** Seconds since the epoch. */
  now(): number
  /** A time-ordered public identifier. */
  identifier(): string
  /** The lifetimes and policies for this client and resource; a resource's word counts most. */
  policy(client: Client, resource?: string): Policy
  /** The URL of an endpoint by its name. */
  endpoint(name: string): string
  /** The URLs by which clients may know what is at this path: by the issuer first. */
  urlsOf(path: string): readonly string[]
  /** @throws InvalidClientError if the client is unknown or does not prove itself (RFC 6749 §3.2.1). */
  authenticateClient(request: OAuthRequest): Promise<Client>
  /**
   * Answers a request to what this server protects with its own access tokens: if it carries one that is live, for this server, and sent
   * by whoever holds its key. A refusal gets the challenge of its scheme (RFC 6750 §3, RFC 9449 §7.1).
   * @throws InvalidTokenError (401), InvalidRequestError, or what `answer` throws
   */
  protect<T>(request: OAuthRequest, answer: (token: PresentedToken) => Promise<T>): Promise<T>
  /**
   * Unfolds an authorization request that is pushed, and judges it as the authorization endpoint will, up to where a person is involved.
   * @throws OAuthError for everything that is wrong with it
   */
  judgeAuthorizationRequest(params: Params, request: OAuthRequest): Promise<UnfoldedRequest>
  /**
   * Judges what a client asks a person for who is not at the authorization endpoint (RFC 8628 §3.1): the scope, and what the grant must remember.
   * What rules a sign-in there, such as `max_age`, is ignored.
   * @throws OAuthError for everything that is wrong with it
   */
  judgePolledRequest(client: Client, params: Params, request: OAuthRequest): Promise<JudgedRequest>
  /** Has the person sign in on the integrator's page, for a client, and then go on at `returnTo`. @throws ConfigurationError without interactions */
  signIn(request: SignInRequest): Promise<HttpResponse>
  /** Tells the operator of a refusal or failure that the endpoint answers itself. */
  report(error: OAuthError, about: { endpoint: string; requestId: string; clientId?: string }): void
  /** Whether this grant type is served here. */
  hasGrantType(name: string): boolean
  /** What the server says of itself (RFC 8414). */
  metadata(): Record<string, unknown>
  /** The name by which a client knows a person: its own, if an extension says so (OpenID Connect Core §8). */
  subjectFor(client: Client, subject: string): Promise<string>
  /**
   * Ends what depends on a browser session, and tells who must know; the session itself is the integrator's to end, after this. Twice is
   * as good as once. Returns the URLs that the browser must load in frames, so that applications there learn of it.
   */
  endSession(session: { id: string; subject: string }): Promise<readonly string[]>
  emit<N extends EventName>(type: N, details: EventDetails[N], requestId?: string): void
}
