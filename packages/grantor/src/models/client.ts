import type { AuthorizationDetail } from './authorization-detail.ts'
import type { OpenIdClientMetadata } from './openid-client-metadata.ts'
import type { PolicyOverrides } from './policy.ts'

/** One of a client's secrets. Two may live at once, so that one can be rotated without an outage. Times in seconds since the epoch. */
export interface ClientSecret {
  /** Keyed HMAC-SHA-256 of the secret, base64url. */
  hash: string
  /** The secret itself, encrypted: kept only for `client_secret_jwt`, whose HMAC key it is (OpenID Connect Core §9). */
  encrypted?: string
  createdAt: number
  expiresAt?: number
}

/** A JSON Web Key Set with public keys (RFC 7517 §5). */
export interface JsonWebKeySet {
  keys: readonly JsonWebKey[]
}

/** What a client says of itself, in the words of RFC 7591 §2. */
export interface ClientMetadata extends OpenIdClientMetadata {
  client_name?: string
  client_uri?: string
  logo_uri?: string
  policy_uri?: string
  tos_uri?: string
  redirect_uris?: readonly string[]
  grant_types?: readonly string[]
  response_types?: readonly string[]
  /** The only values of `response_mode` that this client uses, the default of its response types included; absent: any. */
  response_modes?: readonly string[]
  /** Absent: `client_secret_basic` or `client_secret_post`, whichever the client uses. Present: that one only. */
  token_endpoint_auth_method?: string
  /** The JWS algorithm this client signs its assertions with; absent: any that fits its method. */
  token_endpoint_auth_signing_alg?: string
  /** Space-separated. Nothing beyond it is ever granted. */
  scope?: string
  /** `native` opens loopback ports and private-use schemes (RFC 8252). */
  application_type?: 'web' | 'native'
  jwks?: JsonWebKeySet
  /** Where the keys are, in place of `jwks`. */
  jwks_uri?: string
  contacts?: readonly string[]
  software_id?: string
  software_version?: string
  /** Browser origins that may read the token, revocation and introspection responses, besides those of `redirect_uris`. */
  allowed_origins?: readonly string[]
  /** `plain` for a client that cannot compute SHA-256 (RFC 7636 §4.2). */
  code_challenge_method?: 'S256' | 'plain'
  /** The JWS algorithm this client signs its request objects with (OpenID Connect Registration §2); absent: any. */
  request_object_signing_alg?: string
  /** The JWE algorithms this client may encrypt its request objects with (OpenID Connect Registration §2); absent: any. */
  request_object_encryption_alg?: string
  request_object_encryption_enc?: string
  /** Where its request objects are, with fragments that name versions: the only values of `request_uri` (OpenID Connect Registration §2). */
  request_uris?: readonly string[]
  /** True: an authorization request of this client that is no signed request object is refused (RFC 9101 §10.5). */
  require_signed_request_object?: boolean
  /** The JWS algorithm of introspection responses in JWTs (RFC 9701 §6). Default `RS256`. */
  introspection_signed_response_alg?: string
  /** The JWE algorithms they are encrypted to it with; absent: they are not encrypted. */
  introspection_encrypted_response_alg?: string
  /** Default `A128CBC-HS256`. */
  introspection_encrypted_response_enc?: string
  /** True: it gets no access token that is not bound to a key by a DPoP proof (RFC 9449 §5.2). */
  dpop_bound_access_tokens?: boolean
  /** True: it gets no access token that is not bound to a certificate of its own (RFC 8705 §3.4). */
  tls_client_certificate_bound_access_tokens?: boolean
  /** The subject of its certificate for `tls_client_auth`, as RFC 4514 writes it; one of these five (RFC 8705 §2.1.2). */
  tls_client_auth_subject_dn?: string
  tls_client_auth_san_dns?: string
  tls_client_auth_san_uri?: string
  /** Of IP version 4 or 6. */
  tls_client_auth_san_ip?: string
  tls_client_auth_san_email?: string
  /** The JWS algorithm of its authorization responses in JWTs (JWT Secured Authorization Response Mode §3). Default `RS256`. */
  authorization_signed_response_alg?: string
  /** The JWE algorithms they are encrypted to it with; absent: they are not encrypted. */
  authorization_encrypted_response_alg?: string
  /** Default `A128CBC-HS256`. */
  authorization_encrypted_response_enc?: string
  /** True: an authorization request of this client that it did not push first is refused (RFC 9126 §6). */
  require_pushed_authorization_requests?: boolean
  /** False for software of the operator's own: the person is not asked for consent. Only an operator may set it. */
  require_consent?: boolean
  /** False: it registered itself, and nobody vouches for what it says. Only an operator may set it. */
  verified?: boolean
  /** The resources that this client may ask for (RFC 8707 §2), by identifier; absent: any. Only an operator may set it. */
  resources?: readonly string[]
  /** The types of `authorization_details` that it will use (RFC 9396 §10); absent: any. */
  authorization_details_types?: readonly string[]
  /** What it may have for itself, with no person to ask, by the policy of RFC 9396 §6; absent: nothing. Only an operator may set it. */
  authorization_details?: readonly AuthorizationDetail[]
  /** Lifetimes and policies of this client, where they differ from the server's. */
  settings?: PolicyOverrides
}

/** A registered client, as stored. */
export interface Client extends ClientMetadata {
  client_id: string
  redirect_uris: readonly string[]
  grant_types: readonly string[]
  response_types: readonly string[]
  scope: string
  secrets?: readonly ClientSecret[]
  /** True: the client is refused everywhere, as if it did not exist. */
  disabled?: boolean
  /** Seconds since the epoch. */
  client_id_issued_at?: number
}

/** The purpose that client secrets are hashed and encrypted for. */
export const CLIENT_SECRET = 'client_secret'

/** A client without credentials cannot authenticate (RFC 6749 §2.1). */
export function isPublic(client: Client): boolean {
  return client.token_endpoint_auth_method === 'none'
}
