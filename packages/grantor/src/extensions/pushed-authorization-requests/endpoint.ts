import type { ServerContext } from '../../context.ts'
import { Counts, clientAtAddress } from '../../counts.ts'
import { InvalidRequestError } from '../../errors.ts'
import type { Endpoint } from '../../extension.ts'
import { type HttpResponse, json } from '../../http.ts'
import type { OAuthRequest } from '../../requests.ts'
import type { PushedRequests } from './pushed-requests.ts'

/** Seconds. */
const WINDOW = 60
/** What authenticates the client is no part of its authorization request. */
const CREDENTIALS = ['client_secret', 'client_assertion', 'client_assertion_type']

/** The pushed authorization request endpoint (RFC 9126 §2): what will be refused is refused here, to the client itself. */
export class PushedAuthorizationRequestEndpoint implements Endpoint {
  readonly name = 'pushed_authorization_request'
  readonly path = '/par'
  readonly methods: readonly string[] = ['POST']
  readonly cors = 'client'
  readonly #server: ServerContext
  readonly #requests: PushedRequests
  readonly #counts: Counts

  /** @param limit requests of one client and address within a minute; 0: no limit */
  constructor(server: ServerContext, requests: PushedRequests, limit: number) {
    this.#server = server
    this.#requests = requests
    this.#counts = new Counts(limit, WINDOW)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const client = await this.#server.authenticateClient(http)
    // RFC 9126 §2.3: 429, if this client had too many from there.
    const name = clientAtAddress(client.client_id, http.remote?.address ?? '')
    this.#counts.take(name, this.#server.now(), 'this client pushes too many requests')
    // RFC 9126 §2.1: "The request_uri authorization request parameter … MUST NOT be provided".
    if (http.params.has('request_uri')) throw new InvalidRequestError('request_uri cannot be pushed')
    // §3: beside a request object stands what authenticates the client and nothing else, so client_id comes from there.
    const params = http.params.without(CREDENTIALS).with({ client_id: client.client_id })
    const request = await this.#server.judgeAuthorizationRequest(params, http)
    return json(201, await this.#requests.add(client, request))
  }
}
