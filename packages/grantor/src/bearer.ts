import type { Awaitable } from './crypto/port.ts'
import { InvalidRequestError, InvalidTokenError, OAuthError } from './errors.ts'
import { readForm } from './form.ts'
import { type HttpRequest, plainText } from './http.ts'
import type { OAuthRequest } from './requests.ts'

// RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="; RFC 9449 §7.1 has the same.
const AUTHORIZATION = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)$/
const FORM = /^application\/x-www-form-urlencoded\b/i

/** An access token and the authentication scheme that it came by, in lower case. */
export interface SentToken {
  scheme: string
  token: string
}

/** The token in the `Authorization` header; undefined: there is none, or not exactly one. */
export function tokenInHeader({ headers }: Pick<HttpRequest, 'headers'>): SentToken | undefined {
  const [, scheme, token] = AUTHORIZATION.exec(headers.get('authorization') ?? '') ?? []
  return scheme === undefined || token === undefined ? undefined : { scheme: scheme.toLowerCase(), token }
}

/**
 * The access token that a request to a protected resource carries, in the header or in a form; undefined: there is none.
 * @throws InvalidRequestError if there are two, or one in the URL (RFC 6750 §2.3 is not supported).
 */
export function sentToken(request: OAuthRequest): Awaitable<SentToken | undefined> {
  if (request.params.has('access_token')) throw new InvalidRequestError('an access token must not be in the URL')
  const isForm = request.method === 'POST' && FORM.test(request.headers.get('content-type') ?? '')
  return isForm ? tokenInForm(request) : tokenInHeader(request)
}

async function tokenInForm(request: OAuthRequest): Promise<SentToken | undefined> {
  const token = (await readForm(request)).get('access_token')
  if (token === undefined) return tokenInHeader(request)
  // RFC 6750 §2: "Clients MUST NOT use more than one method to transmit the token in each request."
  if (request.headers.get('authorization') !== null) throw new InvalidRequestError('an access token came in two ways')
  return { scheme: 'bearer', token }
}

/**
 * The bearer token that a request carries.
 * @throws InvalidTokenError (401) if there is none; InvalidRequestError as `sentToken`.
 */
export async function bearerToken(request: OAuthRequest): Promise<string> {
  const sent = await sentToken(request)
  if (sent?.scheme !== 'bearer') throw new InvalidTokenError('an access token is required', { headers: { 'www-authenticate': 'Bearer' } })
  return sent.token
}

/** A challenge (RFC 9110 §11.3): `Bearer error="invalid_token"`. */
export function challenge(scheme: string, parameters: Readonly<Record<string, string>> = {}): string {
  const listed = Object.entries(parameters).map(([name, value]) => `${name}="${plainText(value)}"`)
  return listed.length === 0 ? scheme : `${scheme} ${listed.join(', ')}`
}

/**
 * The same error with the challenge that a protected resource answers with (RFC 6750 §3); one that names none has it already.
 * @param of makes the challenge of the parameters that say what is wrong
 */
export function challenged(error: unknown, of: (fault: Record<string, string>) => string = (fault) => challenge('Bearer', fault)): unknown {
  if (!(error instanceof OAuthError) || error.status >= 500 || 'www-authenticate' in error.headers) return error
  return new OAuthError(error.error, error.status, error.message, {
    headers: { ...error.headers, 'www-authenticate': of({ error: error.error, error_description: error.message }) },
    cause: error
  })
}
