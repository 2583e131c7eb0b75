import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'

/** One line for each request, when it is over: the path without its query, which may hold a code. */
export function logRequests(log: Logger, request: IncomingMessage, response: ServerResponse): void {
  const start = performance.now()
  response.once('close', () => {
    const requestId = response.getHeader('x-request-id')
    const line = {
      ...(requestId !== undefined && { requestId }),
      method: request.method,
      path: request.url?.split('?')[0]?.slice(0, 200),
      status: response.statusCode,
      ms: Math.round((performance.now() - start) * 10) / 10,
      ip: request.socket.remoteAddress,
      ...(!response.writableFinished && { aborted: true })
    }
    log.info(line, 'request')
  })
}
