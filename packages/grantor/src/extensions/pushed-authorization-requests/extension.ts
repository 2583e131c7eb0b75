import { flag } from '../../clients/rules.ts'
import type { ServerContext } from '../../context.ts'
import { ConfigurationError, InvalidRequestError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Params } from '../../params.ts'
import { PushedAuthorizationRequestEndpoint } from './endpoint.ts'
import { type PushedAuthorizationRequestOptions, resolveOptions } from './options.ts'
import { PushedRequests } from './pushed-requests.ts'

/**
 * Authorization requests that clients send here before the browser comes (RFC 9126).
 * @throws ConfigurationError if an option cannot work
 */
export function pushedAuthorizationRequests(options: PushedAuthorizationRequestOptions = {}): Extension {
  const { required, lifetime, limit } = resolveOptions(options)
  return (server, interactions) => {
    if (!interactions) throw new ConfigurationError('pushedAuthorizationRequests: without interactions there is no authorization endpoint')
    const requests = new PushedRequests(server, lifetime)
    const endpoint = new PushedAuthorizationRequestEndpoint(server, requests, limit)
    const path = () => new URL(server.endpoint(endpoint.name)).pathname
    return {
      endpoints: [endpoint],
      metadata: { require_pushed_authorization_requests: required },
      clientMetadata: { require_pushed_authorization_requests: flag },
      async resolveAuthorizationParams(params, request) {
        // This is the push itself.
        if (request.path === path()) return undefined
        const pushed = await requests.find(params)
        if (!pushed && (required || (await isRequired(server, params))))
          throw new InvalidRequestError('this client must push its requests first (RFC 9126 section 5)')
        return pushed
      }
    }
  }
}

/** RFC 9126 §6. Who is not a client, is told so by the endpoint. */
async function isRequired({ clients }: ServerContext, params: Params): Promise<boolean> {
  const client = params.has('client_id') ? await clients.find(params.require('client_id')) : undefined
  return client?.require_pushed_authorization_requests === true
}
