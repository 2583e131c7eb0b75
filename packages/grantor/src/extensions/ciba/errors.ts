import { type ErrorDetail, OAuthError } from '../../errors.ts'

/** The hint leads to nobody here (CIBA Core §13). */
export class UnknownUserIdError extends OAuthError {
  constructor(message = 'the hint leads to nobody here', detail?: ErrorDetail) {
    super('unknown_user_id', 400, message, detail)
  }
}

/** The `login_hint_token` has expired (CIBA Core §13); for an integrator who reads such tokens. */
export class ExpiredLoginHintTokenError extends OAuthError {
  constructor(message = 'the login_hint_token has expired', detail?: ErrorDetail) {
    super('expired_login_hint_token', 400, message, detail)
  }
}

/** The person has a code against requests that they did not ask for, and the request has none (CIBA Core §13). */
export class MissingUserCodeError extends OAuthError {
  constructor(message = 'user_code is missing; this person requires one', detail?: ErrorDetail) {
    super('missing_user_code', 400, message, detail)
  }
}

/** It is not the code of the person (CIBA Core §13). */
export class InvalidUserCodeError extends OAuthError {
  constructor(message = 'user_code is wrong', detail?: ErrorDetail) {
    super('invalid_user_code', 400, message, detail)
  }
}

/** The message cannot be shown to a person as it is (CIBA Core §13). */
export class InvalidBindingMessageError extends OAuthError {
  constructor(message: string, detail?: ErrorDetail) {
    super('invalid_binding_message', 400, message, detail)
  }
}
