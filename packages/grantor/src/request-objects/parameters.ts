import { InvalidRequestObjectError } from '../errors.ts'
import { isDeeper } from '../models/nesting.ts'
import { encodeForm, Params } from '../params.ts'

/** What a JWT says of itself (RFC 7519 §4.1) is no parameter of the request. */
const REGISTERED_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']
/** RFC 8707 §2, RFC 8693 §2.1: an array of them is what a repeated parameter is in a URL. */
const REPEATABLE = ['resource', 'audience']
const MAX_DEPTH = 20

/**
 * The claims as parameters, under the same rules as those of a form. JSON becomes its text, as `claims` and `authorization_details` would
 * have it in a URL.
 * @throws InvalidRequestObjectError
 */
export function paramsOf(claims: Readonly<Record<string, unknown>>): Params {
  const pairs = Object.entries(claims)
    .filter(([name]) => !REGISTERED_CLAIMS.includes(name))
    .flatMap(([name, claim]) => textsOf(name, claim).map((text) => `${encodeForm(name)}=${encodeForm(text)}`))
  try {
    return Params.parse(pairs.join('&'))
  } catch (cause) {
    throw unusable(cause)
  }
}

function textsOf(name: string, claim: unknown): readonly string[] {
  if (claim === null) return []
  if (Array.isArray(claim) && REPEATABLE.includes(name)) return claim.map(textOf)
  return [textOf(claim)]
}

function textOf(claim: unknown): string {
  if (typeof claim === 'string') return claim.isWellFormed() ? claim : refuse()
  return isDeeper(claim, MAX_DEPTH) ? refuse() : JSON.stringify(claim)
}

function refuse(): never {
  throw unusable()
}

function unusable(cause?: unknown): InvalidRequestObjectError {
  return new InvalidRequestObjectError('the request object holds what no parameter can', { cause })
}
