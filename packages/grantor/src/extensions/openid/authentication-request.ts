import { InvalidRequestError, RegistrationNotSupportedError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { AuthorizationRequest } from '../../requests.ts'
import type { OwnIdTokens } from '../../tokens/own-id-tokens.ts'
import { type ClaimsRequest, parseClaims } from './claims.ts'
import type { OpenIdDetails } from './details.ts'
import { parseLocales } from './languages.ts'
import type { PersonClaimsSource } from './person-claims.ts'

const MAX_NONCE = 2048
/** What may be asked for besides claims of a person (§5.5.1, §5.5.1.1). */
const OF_THE_PROTOCOL = ['sub', 'acr']

/**
 * What OpenID Connect adds to an authorization request (Core §3.1.2.1).
 * @throws InvalidRequestError if a parameter is not what it must be; RegistrationNotSupportedError.
 */
export function readAuthenticationRequest(
  { client, params, scope, responseType }: AuthorizationRequest,
  source: PersonClaimsSource
): OpenIdDetails | undefined {
  const returned = responseType.split(' ')
  const returnsIdToken = returned.includes('id_token')
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
  const asked = parseClaims(params.get('claims'))
  checkUserinfo(asked, returned)
  const locales = parseLocales(params.get('claims_locales'))
  const details: OpenIdDetails = {}
  if (nonce !== undefined) details.nonce = nonce
  if (asked) details.claims = withinReach(asked, client, source)
  if (locales.length > 0) details.locales = locales
  return details
}

/**
 * §3.1.2.1: a hint is about "the End-User's current or past authenticated session with the Client".
 * @throws InvalidRequestError if it is no ID token of this client's
 */
export async function checkHint(hint: string, client: Client, hints: OwnIdTokens): Promise<void> {
  if ((await hints.recognise(hint))?.aud !== client.client_id)
    throw new InvalidRequestError('id_token_hint is not an ID token that this server issued to this client')
}

/**
 * §5.5: "When the userinfo member is used, the request MUST also use a response_type value that results in an Access Token being issued to
 * the Client for use at the UserInfo Endpoint."
 */
function checkUserinfo(claims: ClaimsRequest | undefined, returned: readonly string[]): void {
  if (claims?.userinfo && !returned.includes('code') && !returned.includes('token'))
    throw new InvalidRequestError('claims: userinfo needs a response_type that yields an access token')
}

/** Without what this client is never told (§5.5: "members used that are not understood MUST be ignored"): the person is not asked about it. */
function withinReach(claims: ClaimsRequest, client: Client, source: PersonClaimsSource): ClaimsRequest {
  const limited = Object.entries(claims).map(([part, requests]) => {
    const names = Object.keys(requests)
    const known = [...OF_THE_PROTOCOL, ...source.permitted(client, names)]
    return [part, Object.fromEntries(Object.entries(requests).filter(([name]) => known.includes(name)))]
  })
  return Object.fromEntries(limited)
}
