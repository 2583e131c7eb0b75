/** What a client says of itself to an OpenID Provider (OpenID Connect Dynamic Client Registration §2, the logout specifications, CIBA). */
export interface OpenIdClientMetadata {
  /** Whether its users have the same `sub` everywhere, or one of their own for this client's sector. Default `public`. */
  subject_type?: 'public' | 'pairwise'
  /** An https URL with a JSON list of all its redirect URIs; its host is the sector (§5). */
  sector_identifier_uri?: string
  /** Default `RS256`. */
  id_token_signed_response_alg?: string
  id_token_encrypted_response_alg?: string
  /** Default `A128CBC-HS256`, as for userinfo. */
  id_token_encrypted_response_enc?: string
  /** Absent: userinfo is plain JSON. */
  userinfo_signed_response_alg?: string
  userinfo_encrypted_response_alg?: string
  userinfo_encrypted_response_enc?: string
  /** Seconds; the `max_age` of requests that name none. */
  default_max_age?: number
  require_auth_time?: boolean
  default_acr_values?: readonly string[]
  /** An https URL that starts a sign-in (OpenID Connect Core §4). */
  initiate_login_uri?: string
  /** True: the claims of the scope are in ID tokens too, for applications that do not ask userinfo. */
  scope_claims_in_id_token?: boolean
  post_logout_redirect_uris?: readonly string[]
  backchannel_logout_uri?: string
  backchannel_logout_session_required?: boolean
  frontchannel_logout_uri?: string
  frontchannel_logout_session_required?: boolean
  /** How it learns that a person decided (CIBA Core §4); required with the grant type of CIBA. */
  backchannel_token_delivery_mode?: 'poll' | 'ping'
  /** Where it is told of a decision; required for `ping`. */
  backchannel_client_notification_endpoint?: string
  /** The JWS algorithm of its authentication requests; absent: it does not sign them, and present: it signs all. */
  backchannel_authentication_request_signing_alg?: string
  /** True: it asks people for their `user_code`. */
  backchannel_user_code_parameter?: boolean
}
