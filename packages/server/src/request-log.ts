import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'

/** Names the request, and logs one line when it is over: the path without its query, which may hold a code. `ip`: who sent it. */
export function logRequests(
  log: Logger,
  request: IncomingMessage & { id?: string },
  response: ServerResponse,
  ip: string | undefined
): void {
  const requestId = randomBytes(9).toString('base64url')
  request.id = requestId
  const start = performance.now()
  response.once('close', () => {
    const line = {
      requestId,
      method: request.method,
      path: request.url?.split('?')[0]?.slice(0, 200),
      status: response.statusCode,
      ms: Math.round((performance.now() - start) * 10) / 10,
      ip,
      ...(!response.writableFinished && { aborted: true })
    }
    log.info(line, 'request')
  })
}
