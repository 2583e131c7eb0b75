import type { ServerContext } from '../../../context.ts'
import { InvalidRequestError } from '../../../errors.ts'
import type { Client } from '../../../models/client.ts'
import { parseScope } from '../../../models/scope.ts'
import { encodeForm, type Params } from '../../../params.ts'
import type { OwnIdToken, OwnIdTokens } from '../../../tokens/own-id-tokens.ts'

const MAX_STATE = 4096

/** A request to sign out that was found in order (RP-Initiated Logout §2). */
export interface SignOutRequest {
  /** Who asks; absent if the request does not say. */
  client?: Client
  hint?: OwnIdToken
  /** Where the browser goes afterwards, with `state`. */
  continueTo?: string
  logoutHint?: string
  uiLocales?: readonly string[]
}

/** @throws InvalidRequestError if it does not say the truth about who asks, or where the browser may go. */
export async function readSignOutRequest(server: ServerContext, hints: OwnIdTokens, params: Params): Promise<SignOutRequest> {
  const repeated = params.repeated([])
  if (repeated !== undefined) params.get(repeated)
  const hint = await readHint(hints, params.get('id_token_hint'))
  const clientId = params.get('client_id') ?? hint?.aud
  // §2: "When both client_id and id_token_hint are present, the OP MUST verify that the Client Identifier matches the one used when issuing the ID Token."
  if (hint && hint.aud !== clientId) throw new InvalidRequestError('id_token_hint was issued to another client than client_id')
  const client = clientId === undefined ? undefined : await server.clients.find(clientId)
  if (clientId !== undefined && !client) throw new InvalidRequestError('the client is not registered here')
  const continueTo = readTarget(params, client)
  const logoutHint = params.get('logout_hint')
  const uiLocales = parseScope(params.get('ui_locales'), 20)
  return {
    ...(client && { client }),
    ...(hint && { hint }),
    ...(continueTo !== undefined && { continueTo }),
    ...(logoutHint !== undefined && { logoutHint }),
    ...(uiLocales?.length && { uiLocales })
  }
}

/** §2: "the OP MUST verify that it was the issuer of the ID Token", "even when the exp time has passed" it serves. */
async function readHint(hints: OwnIdTokens, token: string | undefined): Promise<OwnIdToken | undefined> {
  const hint = token === undefined ? undefined : await hints.recognise(token)
  if (token !== undefined && !hint) throw new InvalidRequestError('id_token_hint is not an ID token of this server')
  return hint
}

/** §3: "The OP MUST NOT perform post-logout redirection if the post_logout_redirect_uri value supplied does not exactly match one of the previously registered". */
function readTarget(params: Params, client: Client | undefined): string | undefined {
  const uri = params.get('post_logout_redirect_uri')
  if (uri === undefined) return undefined
  if (!client) throw new InvalidRequestError('post_logout_redirect_uri needs id_token_hint or client_id')
  if (!client.post_logout_redirect_uris?.includes(uri))
    throw new InvalidRequestError('post_logout_redirect_uri is not registered for this client', {
      detail: { received: uri, registered: client.post_logout_redirect_uris ?? [] }
    })
  const state = params.get('state')
  if (state === undefined) return uri
  if (state.length > MAX_STATE) throw new InvalidRequestError(`state is longer than ${MAX_STATE} characters`)
  return `${uri}${uri.includes('?') ? '&' : '?'}state=${encodeForm(state)}`
}
