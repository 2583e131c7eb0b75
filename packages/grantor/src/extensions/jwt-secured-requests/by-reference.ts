import { httpsUrl, type MetadataRule } from '../../clients/rules.ts'
import type { ServerContext } from '../../context.ts'
import { InvalidRequestUriError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'

/** OpenID Connect Core §6.2: "The entire Request URI MUST NOT exceed 512 ASCII characters." */
const MAX_URI = 512
const MAX_BYTES = 65_536

export const requestUri: MetadataRule = (value) =>
  httpsUrl(value) === undefined && String(value).length <= MAX_URI ? undefined : `an https URL of at most ${MAX_URI} characters`

/**
 * The request object at an address that the client registered. RFC 9101 §10.4.1: a server that fetched what any request names would be a
 * tool of whoever sends it.
 * @throws InvalidRequestUriError
 */
export async function fetchRequestObject(server: ServerContext, uri: string, client: Client): Promise<string> {
  if (!client.request_uris?.includes(uri))
    throw new InvalidRequestUriError('request_uri is not registered for this client', {
      detail: { received: uri, registered: client.request_uris }
    })
  try {
    // OpenID Connect Core §6.2: the fragment says which version of the contents is meant. Nothing is cached here, so each is the newest.
    const [url = ''] = uri.split('#', 1)
    const { status, body } = await server.outbound({ url, accept: 'application/oauth-authz-req+jwt, application/jwt', maxBytes: MAX_BYTES })
    if (status === 200) return body.trim()
  } catch (cause) {
    throw unavailable(cause)
  }
  throw unavailable()
}

/** One sentence for every reason: what is behind an address is not for the browser to learn. */
function unavailable(cause?: unknown): InvalidRequestUriError {
  return new InvalidRequestUriError('what request_uri names cannot be fetched', { cause })
}
