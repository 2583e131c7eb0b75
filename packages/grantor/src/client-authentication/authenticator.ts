import type { ServerContext } from '../context.ts'
import { InvalidClientError, InvalidRequestError, type OAuthError, TemporarilyUnavailableError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'
import type { ClientAuthenticationBase, PresentedClient } from './base.ts'
import { FailureLimit } from './failure-limit.ts'

const NOBODY: Client = { client_id: '', redirect_uris: [], grant_types: [], response_types: [], scope: '' }

interface Attempt extends PresentedClient {
  method: ClientAuthenticationBase
}

/** Finds out which client sends a request (RFC 6749 §2.3, §3.2.1). */
export class ClientAuthenticator {
  readonly #server: ServerContext
  readonly #methods: readonly ClientAuthenticationBase[]
  readonly #failures: FailureLimit

  constructor(server: ServerContext, methods: Iterable<ClientAuthenticationBase>) {
    this.#server = server
    this.#methods = [...methods]
    this.#failures = new FailureLimit(server.settings.clientFailureLimit)
  }

  /**
   * @throws InvalidClientError (401) if the client is unknown or does not prove itself; InvalidRequestError if it tries in two ways;
   * TemporarilyUnavailableError (429) if it failed too often from this address.
   */
  async authenticate(request: OAuthRequest): Promise<Client> {
    const [first, ...others] = this.#read(request)
    // Whose origins may read the answer, a refusal too.
    request.clientId = first.clientId
    const wait = this.#failures.wait(first.clientId, request.remote?.address, this.#server.now())
    if (wait > 0) throw new TemporarilyUnavailableError('too many failed attempts to authenticate', { status: 429, retryAfter: wait })
    const client = await this.#server.clients.find(first.clientId)
    const attempt = others.find(({ method }) => method.method === client?.token_endpoint_auth_method) ?? first
    // The same work for a client that does not exist, so that time does not tell.
    const proven = await attempt.method.verify(client ?? NOBODY, attempt.credential, request)
    if (!client) throw this.#refusal(request, 'unknown client', attempt.clientId, attempt.method.method)
    if (!mayUse(client, attempt.method.method)) {
      const expected = client.token_endpoint_auth_method ?? 'client_secret_basic or client_secret_post'
      throw this.#refusal(
        request,
        `authenticated by ${attempt.method.method}, registered for ${expected}`,
        client.client_id,
        attempt.method.method
      )
    }
    if (!proven) throw this.#refusal(request, 'wrong credential', client.client_id, attempt.method.method)
    return client
  }

  /** One way of authenticating, or several for a request with no credential in it, of which the registration of the client says which it is. */
  #read(request: OAuthRequest): readonly [Attempt, ...Attempt[]] {
    try {
      const attempts: Attempt[] = []
      for (const method of this.#methods) {
        const presented = method.read(request)
        if (presented) attempts.push({ ...presented, method })
      }
      // RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
      if (attempts.length > 1 && attempts.some(({ credential }) => credential !== undefined))
        throw new InvalidRequestError('more than one client authentication method was used')
      const [attempt, ...others] = attempts
      if (!attempt) throw new InvalidClientError('no client authentication that is supported here')
      const named = request.params.get('client_id')
      if (named !== undefined && named !== attempt.clientId) throw new InvalidRequestError('client_id is not the client that authenticates')
      return [attempt, ...others]
    } catch (error) {
      throw error instanceof InvalidClientError ? this.#refusal(request, error.message, undefined, undefined, error) : error
    }
  }

  #refusal(request: OAuthRequest, reason: string, clientId?: string, method?: string, cause?: OAuthError): InvalidClientError {
    if (clientId !== undefined) this.#failures.count(clientId, request.remote?.address, this.#server.now())
    this.#server.emit(
      'client_authentication.failed',
      { reason, ...(clientId !== undefined && { clientId }), ...(method && { method }) },
      request.id
    )
    // RFC 6749 §5.2: a client that used the Authorization header is answered with "WWW-Authenticate" of the scheme it used.
    const challenge =
      request.headers.get('authorization') === null
        ? {}
        : { 'www-authenticate': `Basic realm="${this.#server.settings.issuer}", charset="UTF-8"` }
    return new InvalidClientError(cause?.message, { headers: challenge, cause, detail: { reason, clientId, method } })
  }
}

/** A method that was registered is enforced; a client that registered none may send its secret either way. */
function mayUse(client: Client, method: string): boolean {
  return client.token_endpoint_auth_method === undefined
    ? method === 'client_secret_basic' || method === 'client_secret_post'
    : client.token_endpoint_auth_method === method
}
