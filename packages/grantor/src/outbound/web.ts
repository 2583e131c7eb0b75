import { ConfigurationError } from '../errors.ts'
import { OutboundError, type Transport } from './base.ts'

/**
 * The runtime's own `fetch`, where there are no sockets to connect to an address of one's choice. Such runtimes (Workers) resolve names
 * themselves and reach no private network; what the URL says has been judged before.
 * @throws ConfigurationError for `ca`, which `fetch` cannot be told of.
 */
export function webTransport(fetch: typeof globalThis.fetch, ca: readonly string[]): Transport {
  if (ca.length > 0) throw new ConfigurationError('outbound: ca needs a runtime with node:https')
  return async ({ url, method, headers, body }, signal) => {
    const response = await fetch(url, { method, headers, body: body ?? null, redirect: 'manual', signal }).catch((cause) => {
      throw new OutboundError('connection_failed', cause)
    })
    return { status: response.status, headers: response.headers, body: (response.body ?? []) as AsyncIterable<Uint8Array> }
  }
}
