import { offeredGrantTypes } from '../clients/metadata.ts'
import type { ServerContext } from '../context.ts'
import type { Endpoint, Registry } from '../extension.ts'
import type { HttpResponse } from '../http.ts'

/** The server's metadata (RFC 8414), computed once from what is registered: what is not served is not advertised. */
export class MetadataEndpoint implements Endpoint {
  readonly name = 'metadata'
  readonly path = '/.well-known/oauth-authorization-server'
  readonly wellKnown = true
  readonly methods: readonly string[] = ['GET', 'HEAD']
  readonly cors = 'any'
  readonly always = true
  readonly #server: ServerContext
  #response: HttpResponse | undefined

  constructor(server: ServerContext) {
    this.#server = server
  }

  async handle(): Promise<HttpResponse> {
    this.#response ??= {
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
      body: JSON.stringify(this.#server.metadata())
    }
    return this.#response
  }
}

/** RFC 8414 §2, RFC 9207 §3, RFC 7636 §6.2. */
export function metadataOf(server: ServerContext, registry: Registry): Record<string, unknown> {
  const listed = [...registry.endpoints.values()].filter(({ name, unlisted }) => name !== 'metadata' && !unlisted)
  const served = new Set(listed.map(({ name }) => name))
  const endpoints = [...served].map((name) => [name === 'jwks' ? 'jwks_uri' : `${name}_endpoint`, server.endpoint(name)])
  const methods = [...registry.clientAuthentications.values()]
  const algorithms = [...new Set(methods.flatMap((method) => method.algorithms))]
  const authentication = (name: string, allowed: readonly { method: string }[]) =>
    served.has(name) && {
      [`${name}_endpoint_auth_methods_supported`]: allowed.map(({ method }) => method),
      ...(algorithms.length > 0 && { [`${name}_endpoint_auth_signing_alg_values_supported`]: algorithms })
    }
  const metadata = {
    issuer: server.settings.issuer,
    ...Object.fromEntries(endpoints),
    // RFC 8414 §2 requires response_types_supported; without an authorization endpoint there are none.
    response_types_supported: served.has('authorization') ? [...registry.responseTypes.keys()] : [],
    grant_types_supported: offeredGrantTypes(registry),
    ...authentication('token', methods),
    ...authentication(
      'introspection',
      methods.filter(({ method }) => method !== 'none')
    ),
    ...authentication('revocation', methods),
    ...(served.has('authorization') && {
      response_modes_supported: [...registry.responseModes.keys()],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      // OpenID Connect Discovery §3: without a word on it, request_uri would be taken for supported.
      request_parameter_supported: false,
      request_uri_parameter_supported: false
    }),
    ...Object.fromEntries([...registry.metadata].map(([name, { value }]) => [name, value]))
  }
  return Object.assign(metadata, ...registry.hooks('derivedMetadata').map((derived) => derived(metadata)))
}
