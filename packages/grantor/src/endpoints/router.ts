import type { ServerContext } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import { ConfigurationError, InvalidRequestError, OAuthError, ServerError, TemporarilyUnavailableError } from '../errors.ts'
import type { Endpoint, Registry } from '../extension.ts'
import { readForm } from '../form.ts'
import type { HttpRequest, HttpResponse } from '../http.ts'
import type { Interactions } from '../interactions/base.ts'
import { Params } from '../params.ts'
import type { OAuthRequest } from '../requests.ts'
import { corsHeaders, preflight } from './cors.ts'
import { errorPage, errorResponse } from './error-response.ts'

// RFC 6749 §2.3.1: "The parameters can only be transmitted in the request-body and MUST NOT be included in the request URI."
const NEVER_IN_QUERY = [
  ...['client_secret', 'client_assertion', 'code', 'code_verifier', 'refresh_token', 'password', 'token'],
  ...['device_code', 'subject_token', 'actor_token', 'assertion']
]

/** From request to endpoint and back; the one place where an error becomes a response. */
export class Router {
  readonly #server: ServerContext
  readonly #interactions: Interactions | undefined
  readonly #routes = new Map<string, Endpoint>()
  readonly #urls = new Map<string, string>()

  constructor(server: ServerContext, registry: Registry, interactions: Interactions | undefined) {
    this.#server = server
    this.#interactions = interactions
    const { origin, pathname } = new URL(server.settings.issuer)
    const base = pathname === '/' ? '' : pathname
    const { paths } = server.settings
    for (const name of Object.keys(paths))
      if (!registry.endpoints.has(name)) throw new ConfigurationError(`paths: there is no endpoint ${name}`)
    for (const endpoint of registry.endpoints.values()) {
      const path = endpoint.wellKnown ? endpoint.path + base : base + (paths[endpoint.name] ?? endpoint.path)
      this.#route(path, endpoint)
      this.#urls.set(endpoint.name, origin + path)
    }
    const metadata = registry.endpoints.get('metadata')
    // RFC 8414 §3 puts the name before the path of the issuer, OpenID Connect Discovery §4 after it.
    for (const name of registry.wellKnown)
      for (const path of new Set([`/.well-known/${name}${base}`, `${base}/.well-known/${name}`])) if (metadata) this.#route(path, metadata)
  }

  #route(path: string, endpoint: Endpoint): void {
    if (!/^\/[\w./~-]+$/.test(path)) throw new ConfigurationError(`paths: ${path} is not a plain path`)
    if (this.#routes.has(path)) throw new ConfigurationError(`two endpoints at ${path}`)
    this.#routes.set(path, endpoint)
  }

  url(name: string): string {
    const url = this.#urls.get(name)
    if (url === undefined) throw new ConfigurationError(`there is no endpoint ${name}`)
    return url
  }

  /** Undefined: the path is not one of ours. There is one spelling of each, so that no other escapes a rule about it. */
  async respond(http: HttpRequest): Promise<HttpResponse | undefined> {
    const [path, query] = splitUrl(http.url)
    const endpoint = this.#routes.get(path)
    if (!endpoint) return undefined
    const id = http.id ?? this.#server.crypto.random(9)
    const origin = http.headers.get('origin')
    const request = incoming(http, path, id)
    let response: HttpResponse
    try {
      response = await this.#answer(endpoint, request, query)
    } catch (error) {
      response = await this.#failure(endpoint, request, error)
    }
    const headers = { ...response.headers, 'x-request-id': id }
    if (request.answerHeaders) Object.assign(headers, request.answerHeaders)
    if (origin !== null) Object.assign(headers, await corsHeaders(this.#server, endpoint, request, origin))
    return { ...response, headers }
  }

  #answer(endpoint: Endpoint, request: OAuthRequest, query: string): Awaitable<HttpResponse> {
    const { method } = request
    if (method === 'OPTIONS' && endpoint.cors !== 'none') return preflight(endpoint, request.headers.get('origin'))
    if (!endpoint.methods.includes(method)) {
      throw new InvalidRequestError(`this endpoint answers ${endpoint.methods.join(' and ')}`, {
        status: 405,
        headers: { allow: endpoint.methods.join(', ') }
      })
    }
    if (!endpoint.always && !this.#isAvailable())
      throw new TemporarilyUnavailableError('the server is under maintenance', { retryAfter: 60 })
    const inUrl = Params.parse(query)
    const handle = (params: Params) => {
      request.params = params
      return endpoint.handle(request)
    }
    if (method !== 'POST' || endpoint.body === 'own') return handle(inUrl)
    return readForm(request).then((params) => handle(checkedForm(endpoint, params, inUrl)))
  }

  #isAvailable(): boolean {
    const { available } = this.#server.settings
    return typeof available === 'function' ? available() : available
  }

  async #failure(endpoint: Endpoint, request: OAuthRequest, cause: unknown): Promise<HttpResponse> {
    const error = cause instanceof OAuthError ? cause : new ServerError(undefined, { cause })
    this.#server.report(error, { endpoint: endpoint.name, requestId: request.id })
    if (!endpoint.forPeople) return errorResponse(error, this.#server.settings.errorUri)
    const heading = endpoint.errorHeading ?? 'Request rejected'
    const shown = { error: error.error, description: error.message, status: error.status, requestId: request.id, heading }
    // A page that fails to render must not hide the error it was to show.
    const page = (await this.#interactions?.error?.(shown, request).catch(() => undefined)) ?? errorPage(shown)
    return { ...page, headers: { ...page.headers, ...error.headers } }
  }
}

/** The path as received, without decoding, and the query without its question mark. */
function splitUrl(url: string): [path: string, query: string] {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('//') + 2)
  const target = start === -1 ? '/' : url.slice(start)
  const mark = target.indexOf('?')
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

/** The members of a request, whatever object carries them; its parameters are still to be read. */
function incoming({ method, url, headers, remote, body, clientCertificate }: HttpRequest, path: string, id: string): OAuthRequest {
  return { method, url, headers, remote, body, clientCertificate, path, params: Params.NONE, id }
}

/** What came in the body. @throws InvalidRequestError if a parameter is repeated, or one of the URL belongs there */
function checkedForm(endpoint: Endpoint, params: Params, inUrl: Params): Params {
  const inQuery = inUrl === Params.NONE ? undefined : NEVER_IN_QUERY.find((name) => inUrl.has(name))
  if (inQuery !== undefined) throw new InvalidRequestError(`${inQuery} must be in the body, not in the URL`)
  // RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once." A page says which itself.
  const repeated = endpoint.forPeople ? undefined : params.repeated()
  if (repeated !== undefined) params.get(repeated)
  return params
}
