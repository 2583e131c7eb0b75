import type { ServerContext } from '../context.ts'
import { InvalidRequestError } from '../errors.ts'
import type { Endpoint } from '../extension.ts'
import type { HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import { originOf } from '../models/redirect-uri.ts'
import type { OAuthRequest } from '../requests.ts'
import { single } from './redirection.ts'

const EXPOSED = 'WWW-Authenticate, DPoP-Nonce, X-Request-Id, Retry-After'
const ALLOWED = 'Authorization, Content-Type, DPoP, MCP-Protocol-Version'

/**
 * What a browser may read (Fetch §3.2). Never with credentials: no endpoint that answers other origins looks at a cookie.
 * A preflight does not say which client asks, so it lets the request through; the answer is then readable for that client's origins only.
 */
export async function corsHeaders(
  server: ServerContext,
  endpoint: Endpoint,
  request: OAuthRequest,
  origin: string
): Promise<Record<string, string> | undefined> {
  if (endpoint.cors === 'none') return undefined
  if (endpoint.cors === 'any') return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED }
  if (request.method === 'OPTIONS') return undefined
  const clientId = request.clientId ?? single(request.params, 'client_id')
  const client = clientId === undefined ? undefined : await server.clients.find(clientId).catch(() => undefined)
  const headers = { vary: 'Origin', 'access-control-expose-headers': EXPOSED }
  if (client && mayRead(client, origin)) return { ...headers, 'access-control-allow-origin': origin }
  server.emit(
    'cors.refused',
    { endpoint: endpoint.name, origin: origin.slice(0, 200), ...(client && { clientId: client.client_id }) },
    request.id
  )
  return { vary: 'Origin' }
}

/** The answer to a preflight. @throws InvalidRequestError (405) if it is none. */
export function preflight({ cors, methods }: Endpoint, origin: string | null): HttpResponse {
  if (origin === null)
    throw new InvalidRequestError('OPTIONS is for CORS preflights', { status: 405, headers: { allow: methods.join(', ') } })
  const isPublic = cors === 'any'
  return {
    status: 204,
    headers: {
      ...((isPublic || isReadableOrigin(origin)) && { 'access-control-allow-origin': isPublic ? '*' : origin }),
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': ALLOWED,
      'access-control-max-age': '3600',
      ...(!isPublic && { vary: 'Origin' })
    }
  }
}

function mayRead(client: Client, origin: string): boolean {
  return (
    isReadableOrigin(origin) && (client.allowed_origins?.includes(origin) || client.redirect_uris.some((uri) => originOf(uri) === origin))
  )
}

/** `null` is the origin of anybody: sandboxed frames, files, redirects. */
function isReadableOrigin(origin: string): boolean {
  return /^https?:\/\/[^/]+$/.test(origin)
}
