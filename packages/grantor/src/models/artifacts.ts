import type { Confirmation } from './confirmation.ts'

/** The name of a kind of record, carrying the type of its value. */
export type Kind<T> = string & { readonly __record?: T }

/**
 * Something that lives for a while: a code, a token, an interaction, a `jti`. `id` is public and time-ordered; the secret part is
 * stored as its keyed hash only. Times in seconds since the epoch.
 */
export interface Artifact<T> {
  kind: Kind<T>
  id: string
  secretHash?: string
  value: T
  grantId?: string
  expiresAt: number
}

/** The `expiresAt` of what ends otherwise than by itself: 9999-12-31. */
export const NEVER = 253_402_300_799

/** RFC 6749 §4.1.2 */
export interface AuthorizationCode {
  client_id: string
  /** As sent in the authorization request; absent if it was not sent (RFC 6749 §4.1.3). */
  redirect_uri?: string
  /** Absent only for a client that need not use PKCE. */
  code_challenge?: string
  code_challenge_method?: 'S256' | 'plain'
  confirmation?: Confirmation
  /** Failed redemptions by the right client. */
  failures: number
  /** Spent by its failures, not by a redemption. */
  burned?: true
}

/** RFC 6749 §1.4 */
export interface AccessToken {
  client_id: string
  /** Absent for a token that the client got for itself (RFC 6749 §4.4). */
  sub?: string
  scope: string
  aud: readonly string[]
  iat: number
  cnf?: Confirmation
  /** It was exchanged (RFC 8693), for these tokens of this server: it is dead as soon as one of them is. */
  made_of?: readonly SourceToken[]
  /** What extensions added. */
  claims?: Record<string, unknown>
}

/** An access token that others were made of: its format, its id in that format, and the client that it was issued to. */
export interface SourceToken {
  format: string
  jti: string
  client_id: string
}

/** RFC 6749 §1.5 */
export interface RefreshToken {
  client_id: string
  iat: number
  /** The key that a public client must prove to hold. */
  cnf?: Confirmation
  /** How the access tokens of its family are bound, by the member of `cnf`: those that follow are never bound to nothing. */
  bound?: string
  /** After its rotation, for a retry. */
  successor?: Successor
}

/** The tokens that a refresh token was spent for: what their secrets are made of, besides that token and the root secret. */
export interface Successor {
  /** What a retry must have in common with the request. */
  asked: string
  /** The id of the next refresh token, if there was one. */
  id?: string
  accessToken: AccessTokenTrace
}

/** By what an access token is issued again: none of it opens anything. */
export interface AccessTokenTrace {
  format: string
  id: string
  aud: readonly string[]
  scope: string
  iat: number
  expiresAt: number
}

/** The consumed `jti` of an assertion, or a revoked one of a JWT access token: existing is all it says. */
export type Mark = Record<string, never>

export const AUTHORIZATION_CODE: Kind<AuthorizationCode> = 'authorization_code'
export const ACCESS_TOKEN: Kind<AccessToken> = 'access_token'
export const REFRESH_TOKEN: Kind<RefreshToken> = 'refresh_token'
export const ASSERTION_JTI: Kind<Mark> = 'assertion_jti'
export const REVOKED_JTI: Kind<Mark> = 'revoked_jti'
