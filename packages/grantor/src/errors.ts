/** Everything that may be told about a failure, in three voices: the wire, the log, the cause. */
export interface ErrorDetail {
  /** HTTP status, when it is not the status of the class. */
  status?: number
  headers?: Record<string, string>
  /** What was received against what was registered. For the operator's log, never for the wire; never a token, code or secret. */
  detail?: Record<string, unknown>
  cause?: unknown
  /** The same was refused, and told, a moment ago: this one makes no event. */
  repeated?: boolean
}

/**
 * A refusal in the words of the IANA "OAuth Extensions Error" registry. `message` becomes `error_description` (RFC 6749 §5.2);
 * `detail` and `cause` stay in the log.
 */
export class OAuthError extends Error {
  readonly error: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly detail: Record<string, unknown> | undefined
  readonly repeated: boolean

  constructor(
    error: string,
    status: number,
    message: string,
    { status: override, headers = {}, detail, cause, repeated = false }: ErrorDetail = {}
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.error = error
    this.status = override ?? status
    this.headers = headers
    this.detail = detail
    this.repeated = repeated
  }
}

/** A parameter is missing, repeated, malformed, or more than one way of authenticating was used (RFC 6749 §4.1.2.1, §5.2). */
export class InvalidRequestError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_request', 400, message, detail)
  }
}

/** Client authentication failed: unknown client, none given, or a method that is not the client's (RFC 6749 §5.2). */
export class InvalidClientError extends OAuthError {
  constructor(message = 'client authentication failed', detail?: ErrorDetail) {
    super('invalid_client', 401, message, detail)
  }
}

/** The code, refresh token or credential is invalid, expired, revoked, or belongs to another client (RFC 6749 §5.2). */
export class InvalidGrantError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_grant', 400, message, detail)
  }
}

/** The client may not use this grant or response type (RFC 6749 §4.1.2.1, §5.2). */
export class UnauthorizedClientError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('unauthorized_client', 400, message, detail)
  }
}

/** This server does not have the grant type (RFC 6749 §5.2). */
export class UnsupportedGrantTypeError extends OAuthError {
  constructor(message = 'this grant type is not supported here', detail?: ErrorDetail) {
    super('unsupported_grant_type', 400, message, detail)
  }
}

/** This server does not have the response type (RFC 6749 §4.1.2.1). */
export class UnsupportedResponseTypeError extends OAuthError {
  constructor(message = 'this response type is not supported here', detail?: ErrorDetail) {
    super('unsupported_response_type', 400, message, detail)
  }
}

/** A scope is malformed, unknown, or exceeds what was granted (RFC 6749 §5.2). */
export class InvalidScopeError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_scope', 400, message, detail)
  }
}

/** The resource is unknown here or was not granted (RFC 8707 §2). */
export class InvalidTargetError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_target', 400, message, detail)
  }
}

/** `authorization_details` has an unknown type, breaks the rules of its type, or exceeds what was granted (RFC 9396 §5, §8). */
export class InvalidAuthorizationDetailsError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_authorization_details', 400, message, detail)
  }
}

/** The person has not decided yet: ask again after the interval (RFC 8628 §3.5). Waiting is no news: it makes no event. */
export class AuthorizationPendingError extends OAuthError {
  constructor(message = 'the person has not decided yet', detail?: ErrorDetail) {
    super('authorization_pending', 400, message, { ...detail, repeated: true })
  }
}

/** The client asks too often; from now on it waits five seconds longer each time (RFC 8628 §3.5). */
export class SlowDownError extends OAuthError {
  constructor(message = 'wait five seconds longer from now on', detail?: ErrorDetail) {
    super('slow_down', 400, message, detail)
  }
}

/** The person did not decide in time (RFC 8628 §3.5). */
export class ExpiredTokenError extends OAuthError {
  constructor(message = 'nobody decided in time; start again', detail?: ErrorDetail) {
    super('expired_token', 400, message, detail)
  }
}

/** The resource owner or the server said no (RFC 6749 §4.1.2.1). */
export class AccessDeniedError extends OAuthError {
  constructor(message = 'the request was denied', detail?: ErrorDetail) {
    super('access_denied', 403, message, detail)
  }
}

/** Something broke here; what, is in the log under the request id (RFC 6749 §4.1.2.1). */
export class ServerError extends OAuthError {
  constructor(message = 'the server could not answer; the request id leads to the reason', detail?: ErrorDetail) {
    super('server_error', 500, message, detail)
  }
}

/** Overload, maintenance, or a store that does not answer (RFC 6749 §4.1.2.1). `retryAfter` in seconds. */
export class TemporarilyUnavailableError extends OAuthError {
  constructor(message = 'temporarily unavailable', { retryAfter = 5, ...detail }: ErrorDetail & { retryAfter?: number } = {}) {
    super('temporarily_unavailable', 503, message, { ...detail, headers: { 'retry-after': String(retryAfter), ...detail.headers } })
  }
}

/** The server cannot revoke this kind of token (RFC 7009 §2.2.1). */
export class UnsupportedTokenTypeError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('unsupported_token_type', 400, message, detail)
  }
}

/** prompt=none, but the person must sign in (OpenID Connect Core §3.1.2.6). */
export class LoginRequiredError extends OAuthError {
  constructor(message = 'the person must sign in', detail?: ErrorDetail) {
    super('login_required', 400, message, detail)
  }
}

/** prompt=none, but the person must be asked for consent (OpenID Connect Core §3.1.2.6). */
export class ConsentRequiredError extends OAuthError {
  constructor(message = 'the person must be asked for consent', detail?: ErrorDetail) {
    super('consent_required', 400, message, detail)
  }
}

/** prompt=none, but the person must choose an account (OpenID Connect Core §3.1.2.6). */
export class AccountSelectionRequiredError extends OAuthError {
  constructor(message = 'the person must choose an account', detail?: ErrorDetail) {
    super('account_selection_required', 400, message, detail)
  }
}

/** prompt=none, but the person must do something else (OpenID Connect Core §3.1.2.6). */
export class InteractionRequiredError extends OAuthError {
  constructor(message = 'the person must act', detail?: ErrorDetail) {
    super('interaction_required', 400, message, detail)
  }
}

/** The person could not be authenticated as the client demands (OpenID Connect Core Unmet Authentication Requirements 1.0 §2). */
export class UnmetAuthenticationRequirementsError extends OAuthError {
  constructor(message = 'the person cannot be authenticated as the request demands', detail?: ErrorDetail) {
    super('unmet_authentication_requirements', 400, message, detail)
  }
}

/** The access token is missing, malformed, expired or revoked (RFC 6750 §3.1). */
export class InvalidTokenError extends OAuthError {
  constructor(message = 'the access token is unknown, expired or revoked', detail?: ErrorDetail) {
    super('invalid_token', 401, message, detail)
  }
}

/** The access token does not allow this (RFC 6750 §3.1). */
export class InsufficientScopeError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('insufficient_scope', 403, message, detail)
  }
}

/** The proof of possession is missing, malformed, replayed, or for another request, key or token (RFC 9449 §5, §7.1). */
export class InvalidDpopProofError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_dpop_proof', 400, message, detail)
  }
}

/** The proof must carry the nonce that comes with this answer (RFC 9449 §8). */
export class UseDpopNonceError extends OAuthError {
  constructor(message = 'the proof must carry the nonce of the DPoP-Nonce header', detail?: ErrorDetail) {
    super('use_dpop_nonce', 400, message, detail)
  }
}

/** The request object is not a JWT of this client with parameters of a request (RFC 9101 §7). */
export class InvalidRequestObjectError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_request_object', 400, message, detail)
  }
}

/** What `request_uri` names cannot be had, or is no request (RFC 9101 §7). */
export class InvalidRequestUriError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_request_uri', 400, message, detail)
  }
}

/** Requests by value in a JWT are not served here (RFC 9101 §7). */
export class RequestNotSupportedError extends OAuthError {
  constructor(message = 'the parameter request is not supported here', detail?: ErrorDetail) {
    super('request_not_supported', 400, message, detail)
  }
}

/** Requests by reference are not served here (RFC 9101 §7). */
export class RequestUriNotSupportedError extends OAuthError {
  constructor(message = 'the parameter request_uri is not supported here', detail?: ErrorDetail) {
    super('request_uri_not_supported', 400, message, detail)
  }
}

/** A provider that is not the person's own takes no client metadata in an authorization request (OpenID Connect Core §3.1.2.6). */
export class RegistrationNotSupportedError extends OAuthError {
  constructor(message = 'the parameter registration is not supported here', detail?: ErrorDetail) {
    super('registration_not_supported', 400, message, detail)
  }
}

/** A software statement is not one that this server trusts or understands (RFC 7591 §3.2.2). */
export class InvalidSoftwareStatementError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_software_statement', 400, message, detail)
  }
}

/** A genuine software statement, but not one for this server (RFC 7591 §3.2.2). */
export class UnapprovedSoftwareStatementError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('unapproved_software_statement', 400, message, detail)
  }
}

/** A redirect URI in client metadata breaks a rule (RFC 7591 §3.2.2). */
export class InvalidRedirectUriError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_redirect_uri', 400, message, detail)
  }
}

/** Client metadata breaks a rule (RFC 7591 §3.2.2). */
export class InvalidClientMetadataError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_client_metadata', 400, message, detail)
  }
}

/** The server was built with settings that cannot work; thrown at start, never during a request. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}
