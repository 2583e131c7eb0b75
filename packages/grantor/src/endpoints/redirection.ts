import type { Awaitable } from '../crypto/port.ts'
import { InvalidRequestError, type OAuthError } from '../errors.ts'
import type { Registry } from '../extension.ts'
import type { HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import { isRegisteredRedirectUri } from '../models/redirect-uri.ts'
import { responseTypeName } from '../models/response-type.ts'
import { asksForOpenId, Params } from '../params.ts'
import type { ResponseModeBase } from '../response-modes/base.ts'
import { describe } from './error-members.ts'

/** The way back to a client whose redirect URI is proven. Who holds one may answer there; who does not, answers on a page. */
export interface Redirection {
  client: Client
  redirectUri: string
  mode: ResponseModeBase
  /** The mode of the response type itself. */
  usual: ResponseModeBase
  state?: string
}

/** RFC 6749 §4.1.2, RFC 9207 §2: every response, success or error, carries `state` as it came and `iss`. */
export function answer(
  { client, redirectUri, mode, usual, state }: Redirection,
  params: Record<string, string>,
  issuer: string
): Awaitable<HttpResponse> {
  const members = Params.from(state === undefined ? { ...params, iss: issuer } : { ...params, state, iss: issuer })
  return mode.respond(redirectUri, members, { client, usual })
}

/** RFC 6749 §4.1.2.1 */
export function refuse(
  redirection: Redirection,
  error: OAuthError,
  { issuer, errorUri }: { issuer: string; errorUri: string | undefined }
): Awaitable<HttpResponse> {
  return answer(redirection, describe(error, errorUri), issuer)
}

/**
 * The redirect URI that the response may go to.
 * @throws InvalidRequestError if it is not this client's: "the authorization server … MUST NOT automatically redirect the user-agent to
 * the invalid redirection URI" (RFC 6749 §4.1.2.1).
 */
export function provenRedirectUri(params: Params, client: Client, allowOmitted: boolean): string {
  const named = params.get('redirect_uri')
  if (named !== undefined) {
    if (isRegisteredRedirectUri(client, named)) return named
    throw new InvalidRequestError('redirect_uri is not registered for this client', {
      detail: { received: named, registered: client.redirect_uris }
    })
  }
  const [only, ...more] = client.redirect_uris
  // OpenID Connect Core §3.1.2.1 requires it in every case.
  if (allowOmitted && !asksForOpenId(params) && only !== undefined && more.length === 0 && isRegisteredRedirectUri(client, only))
    return only
  throw new InvalidRequestError('redirect_uri is missing')
}

/** The mode in which even an error about the mode can be told: a token response never falls back to the query. */
export function safeResponseMode(
  params: Params,
  client: Client,
  { responseTypes, responseModes }: Registry
): Pick<Redirection, 'mode' | 'usual'> {
  const name = responseTypeName(single(params, 'response_type') ?? '')
  const usualName = responseTypes.get(name)?.defaultResponseMode ?? (isForTokens(name) ? 'fragment' : 'query')
  const usual = responseModes.get(usualName)
  if (!usual) throw new InvalidRequestError(`the response mode ${usualName} is not served here`)
  const named = responseModes.get(single(params, 'response_mode') ?? usualName)
  const isSafe = named && (named.mayCarryTokens || usualName === 'query') && client.response_modes?.includes(named.responseMode) !== false
  return { mode: isSafe ? named : usual, usual }
}

/** RFC 6749 §4.2.2.1: who asks for a token is told in the fragment that it is not served here; it looks nowhere else. */
function isForTokens(responseType: string): boolean {
  return responseType.split(' ').some((word) => word === 'token' || word === 'id_token')
}

/** The value of a parameter that came exactly once. */
export function single(params: Params, name: string): string | undefined {
  const values = params.all(name)
  return values.length === 1 ? values[0] : undefined
}
