import { InvalidRequestError, InvalidTokenError, OAuthError } from './errors.ts'
import { readForm } from './form.ts'
import { plainText } from './http.ts'
import type { OAuthRequest } from './requests.ts'

// RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
const AUTHORIZATION = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const FORM = /^application\/x-www-form-urlencoded\b/i

/**
 * The access token that a request to a protected resource carries, in the header or in a form.
 * @throws InvalidTokenError (401) if there is none; InvalidRequestError if there are two, or one in the URL (RFC 6750 §2.3 is not supported).
 */
export async function bearerToken(request: OAuthRequest): Promise<string> {
  const header = request.headers.get('authorization')
  const inHeader = header === null ? undefined : AUTHORIZATION.exec(header)?.[1]
  const isForm = request.method === 'POST' && FORM.test(request.headers.get('content-type') ?? '')
  const inForm = isForm ? (await readForm(request)).get('access_token') : undefined
  if (request.params.has('access_token')) throw new InvalidRequestError('an access token must not be in the URL')
  // RFC 6750 §2: "Clients MUST NOT use more than one method to transmit the token in each request."
  if (header !== null && inForm !== undefined) throw new InvalidRequestError('an access token came in two ways')
  const token = inHeader ?? inForm
  if (token === undefined) throw new InvalidTokenError('an access token is required', { headers: { 'www-authenticate': 'Bearer' } })
  return token
}

/** The same error with the challenge that a protected resource answers with (RFC 6750 §3); one that names none has it already. */
export function challenged(error: unknown): unknown {
  if (!(error instanceof OAuthError) || error.status >= 500 || 'www-authenticate' in error.headers) return error
  const challenge = `Bearer error="${error.error}", error_description="${plainText(error.message)}"`
  return new OAuthError(error.error, error.status, error.message, {
    headers: { ...error.headers, 'www-authenticate': challenge },
    cause: error
  })
}
