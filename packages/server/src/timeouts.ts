import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http'
import type { Config } from './config.ts'

const CHECKING_INTERVAL = 1_000

/** For `http.createServer`: who sends slowly, or nothing, holds no connection. */
export function timeoutOptions({ headers, request, idle }: Config['timeouts']): ServerOptions {
  return {
    headersTimeout: headers,
    requestTimeout: request,
    connectionsCheckingInterval: Math.min(CHECKING_INTERVAL, headers),
    keepAliveTimeout: idle
  }
}

/** Node has no limit for who takes an answer slowly, or not at all: such a connection, with all that waits for it, ends here. */
export function limitAnswer(request: IncomingMessage, response: ServerResponse, { answer }: Config['timeouts']): void {
  const deadline = setTimeout(() => request.socket.destroy(), answer).unref()
  response.once('close', () => clearTimeout(deadline))
}
