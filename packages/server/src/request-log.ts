import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'

/** Logs one line when the request is over: the path without its query, which may hold a code. `ip`: who sent it. */
export function logRequest(log: Logger, request: IncomingMessage & { id: string; ip: string | undefined }, response: ServerResponse): void {
  const start = performance.now()
  response.once('close', () => {
    const line = {
      requestId: request.id,
      method: request.method,
      path: request.url?.split('?')[0]?.slice(0, 200),
      status: response.statusCode,
      ms: Math.round((performance.now() - start) * 10) / 10,
      ip: request.ip,
      ...(!response.writableFinished && { aborted: true })
    }
    log.info(line, 'request')
  })
}
