import { InvalidRequestError, RegistrationNotSupportedError } from '../../errors.ts'
import type { AuthorizationRequest } from '../../requests.ts'
import { parseClaims } from './claims.ts'
import type { OpenIdDetails } from './details.ts'
import type { IdTokenHints } from './id-token-hints.ts'

const MAX_NONCE = 2048
const DISPLAYS = ['page', 'popup', 'touch', 'wap']

/**
 * What OpenID Connect adds to an authorization request (Core §3.1.2.1).
 * @throws InvalidRequestError if a parameter is not what it must be, or `id_token_hint` is no ID token of ours;
 * RegistrationNotSupportedError.
 */
export async function readAuthenticationRequest(
  { params, scope, responseType }: AuthorizationRequest,
  hints: IdTokenHints
): Promise<OpenIdDetails | undefined> {
  const returnsIdToken = responseType.split(' ').includes('id_token')
  if (!scope.includes('openid')) {
    if (returnsIdToken) throw new InvalidRequestError('this response_type needs the scope openid')
    return undefined
  }
  // §3.1.2.6: "The OP does not support use of the registration parameter defined in Section 7.2.1."
  if (params.has('registration')) throw new RegistrationNotSupportedError()
  const nonce = params.get('nonce')
  // §3.2.2.1, §3.3.2.1: "nonce: REQUIRED" where the ID token comes through the browser.
  if (nonce === undefined && returnsIdToken) throw new InvalidRequestError('nonce is missing; this response_type requires it')
  if ((nonce?.length ?? 0) > MAX_NONCE) throw new InvalidRequestError(`nonce is longer than ${MAX_NONCE} characters`)
  const display = params.get('display')
  if (display !== undefined && !DISPLAYS.includes(display)) throw new InvalidRequestError('display has a value that is not supported here')
  const hint = params.get('id_token_hint')
  if (hint !== undefined && !(await hints.recognise(hint))) throw new InvalidRequestError('id_token_hint is not an ID token of this server')
  const claims = parseClaims(params.get('claims'))
  return { ...(nonce !== undefined && { nonce }), ...(claims && { claims }) }
}
