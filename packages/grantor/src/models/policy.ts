/** The lifetimes (seconds) and policies that a client or a resource may have of its own. */
export interface Policy {
  /** How long an access token lives. Default 3600. */
  accessTokenLifetime: number
  /** How long an authorization code waits for its redemption; at most 600 (RFC 6749 §4.1.2). Default 60. */
  authorizationCodeLifetime: number
  /** A refresh token that nobody used for so long is dead. Default 14 days. */
  refreshTokenLifetime: number
  /** After so long the person must authorize again, however busy the client was; also how long consent is remembered. Default 90 days. */
  grantLifetime: number
  /** For so long after a rotation the same refresh token yields the same successor; 0 = strict. Default 30. */
  refreshTokenReuseWindow: number
  /** `always`, or only for clients that cannot authenticate (RFC 9700 §4.14.2). Default `always`. */
  refreshTokenRotation: 'always' | 'public-clients'
  /**
   * Whether a client that authenticates must use PKCE (RFC 7636); a public one must in any case. One that need not must send and compare a
   * `nonce` of OpenID Connect instead (RFC 9700 §2.1.1); whether it compares, no server can see, so none is demanded here. Default true.
   */
  requirePkce: boolean
  /**
   * Whom the assertion that a client authenticates with is for: `issuer`, and nobody else (draft-ietf-oauth-rfc7523bis §3), or as well
   * `token_endpoint`, and the endpoint that it is sent to, for clients that were written by OpenID Connect Core §9 or RFC 9126 §2. Default `issuer`.
   */
  assertionAudience: 'issuer' | 'token_endpoint'
  /** `opaque` is looked up here; a `jwt` (RFC 9068) is verified where it is used. Default `opaque`. */
  accessTokenFormat: string
}

export type PolicyOverrides = Partial<Policy>

/** An API that access tokens are for. */
export interface ResourceServer {
  /** Absolute URI, the token's `aud` (RFC 8707 §2). */
  identifier: string
  /** What people know it by. */
  name?: string
  /** The scopes that it understands; a token for it carries no other. Absent: all that no resource lists. */
  scopes?: readonly string[]
  /** The client that this API authenticates as when it introspects (RFC 7662 §2.1). */
  clientId?: string
  /** The signature algorithm of its JWT access tokens. Default: the server's first. */
  signingAlgorithm?: string
  settings?: PolicyOverrides
}
