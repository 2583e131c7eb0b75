import type { ServerContext } from '../../context.ts'
import { InvalidRequestError, InvalidRequestObjectError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { asksForOpenId, type Params } from '../../params.ts'
import { paramsOf } from '../../request-objects/parameters.ts'
import type { OAuthRequest, UnfoldedRequest } from '../../requests.ts'
import { fetchRequestObject } from './by-reference.ts'
import type { RequestObjectOptions } from './options.ts'
import { RequestObjectReader } from './request-object.ts'

/** Puts what a client signed in the place of what came with it (RFC 9101 §5, §6). */
export class SignedRequests {
  readonly #server: ServerContext
  readonly #options: RequestObjectOptions
  readonly #reader: RequestObjectReader

  constructor(server: ServerContext, options: RequestObjectOptions) {
    this.#server = server
    this.#options = options
    this.#reader = new RequestObjectReader(server, options)
  }

  /** @throws InvalidRequestError, InvalidRequestObjectError, InvalidRequestUriError */
  async unfold(params: Params, request: OAuthRequest): Promise<UnfoldedRequest | undefined> {
    const client = params.has('client_id') ? await this.#server.clients.find(params.require('client_id')) : undefined
    // Who is not a client, is told so by the endpoint.
    if (!client) return undefined
    const object = await this.#find(params, client)
    if (object === undefined) return this.#checkUnsigned(request, client)
    const claims = await this.#reader.read(object, client)
    const unfolded = paramsOf(claims)
    checkOpenId(params, unfolded)
    const { exp, jti } = claims
    return { params: unfolded, ...(exp !== undefined && { expiresAt: exp }), ...(jti !== undefined && { jti }) }
  }

  async #find(params: Params, client: Client): Promise<string | undefined> {
    const [object, uri] = [params.get('request'), params.get('request_uri')]
    // OpenID Connect Core §6.1: "request and request_uri parameters MUST NOT be used together"; RFC 9101 §5 likewise.
    if (object !== undefined && uri !== undefined) throw new InvalidRequestError('request and request_uri exclude each other')
    // A URN is the name of a request that was pushed (RFC 9126 §2.2).
    return uri === undefined || uri.startsWith('urn:') || !this.#options.byReference
      ? object
      : fetchRequestObject(this.#server, uri, client)
  }

  /** What a URN stood for was judged when it was pushed; what nobody unfolds, the endpoint refuses. */
  #checkUnsigned(request: OAuthRequest, client: Client): undefined {
    if ((this.#options.required || client.require_signed_request_object) && !request.params.has('request_uri'))
      throw new InvalidRequestError('this client must send its requests as signed request objects')
    return undefined
  }
}

/**
 * OpenID Connect Core §6.1: `response_type` stands outside, too, and its value "MUST match those in the Request Object, if present". Apart
 * from that, RFC 9101 §6.3: "MUST only use the parameters in the Request Object".
 */
function checkOpenId(params: Params, unfolded: Params): void {
  const [outside, inside] = [params.get('response_type'), unfolded.get('response_type')]
  if (asksForOpenId(params) && outside !== undefined && inside !== undefined && outside !== inside)
    throw new InvalidRequestObjectError('response_type is another in the request object than beside it')
}
