import type { HttpRequest } from './http.ts'
import type { Client } from './models/client.ts'
import type { Confirmation } from './models/confirmation.ts'
import type { Params } from './params.ts'
import type { Reference } from './stores/store.ts'

/** A request that reached an endpoint. */
export interface OAuthRequest extends HttpRequest {
  path: string
  /** The parameters of the body for POST, of the query for GET. */
  params: Params
  /** Appears in every error, event and log line of this request. */
  id: string
  /** The client that says it sends this, as soon as that is known. */
  clientId?: string
  /** Headers that its answer gets, whatever it is: a refusal, too. */
  answerHeaders?: Readonly<Record<string, string>>
}

/** Having one proves: client authenticated, grant type allowed, scope registered. */
export interface TokenRequest extends OAuthRequest {
  client: Client
  grantType: string
  /** What was asked for; the default scope if nothing was (RFC 6749 §3.3). `params.has('scope')` tells which. */
  scope: readonly string[]
  /** The key that the sender proved to hold. */
  confirmation?: Confirmation | undefined
}

/** Having one proves: client and redirect_uri are genuine, so from here on errors are redirected. */
export interface AuthorizationRequest {
  client: Client
  redirectUri: string
  responseType: string
  /** Empty, as `redirectUri`: nobody is redirected, and the client polls. */
  responseMode: string
  scope: readonly string[]
  state?: string
  /** The ways of signing in that it asks for (`acr_values`), or else the client does; the most wanted first. */
  acrValues: readonly string[]
  params: Params
  /** What its answer spends: it came from a single-use record. */
  spends?: Reference
  /** The HTTP request that carries it. */
  http: OAuthRequest
  /** The key that whoever redeems the code must prove to hold. */
  confirmation?: Confirmation
}

/** An authorization request as it counts, whatever way it was sent (RFC 9126, RFC 9101). */
export interface UnfoldedRequest {
  params: Params
  /** It may not be begun after that. Seconds since the epoch. */
  expiresAt?: number
  /** The name that its client gave to the request object it came in (RFC 7519 §4.1.7). */
  jti?: string
  /** The single-use record that it came from: its answer spends it. */
  spends?: Reference
}
