import type { ServerContext } from '../../context.ts'
import { InvalidRequestError, InvalidRequestObjectError, InvalidRequestUriError } from '../../errors.ts'
import type { Kind, Mark } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'
import { Params } from '../../params.ts'
import type { UnfoldedRequest } from '../../requests.ts'
import { isFirstUse } from '../../stores/first-use.ts'

/** RFC 9126 §2.2, RFC 6755 §3. */
const URN = 'urn:ietf:params:oauth:request_uri:'

/** An authorization request that was judged and waits for the browser. */
interface PushedRequest {
  client_id: string
  /** Its parameters, without those that authenticated the client. */
  request: string
  /** Seconds since the epoch. The record outlives it, because a person who came in time may take a while. */
  usableUntil: number
}

const PUSHED_REQUEST: Kind<PushedRequest> = 'par'
const REQUEST_OBJECT_JTI: Kind<Mark> = 'request_object_jti'
/** Seconds: a request object may live for years, and what is remembered of it would, too. */
const MAX_REMEMBERED = 86_400

/** Requests that clients pushed, by their `request_uri` (RFC 9126 §2.2). */
export class PushedRequests {
  readonly #server: ServerContext
  readonly #lifetime: number

  /** @param lifetime seconds */
  constructor(server: ServerContext, lifetime: number) {
    this.#server = server
    this.#lifetime = lifetime
  }

  /**
   * RFC 9126 §2.2. `expires_in` in seconds; no longer than the request object that it came in.
   * @throws InvalidRequestObjectError if that was pushed before
   */
  async add(client: Client, request: UnfoldedRequest): Promise<{ request_uri: string; expires_in: number }> {
    const { params, expiresAt = Number.POSITIVE_INFINITY, jti } = request
    const now = this.#server.now()
    if (jti !== undefined) await this.#spend({ name: [client.client_id, jti], expiresAt, now })
    const expires_in = Math.max(1, Math.floor(Math.min(this.#lifetime, expiresAt - now)))
    // §7.1 asks for entropy: these are 256 bits, of which only a keyed hash is stored.
    const { token, id, secretHash } = await this.#server.opaque.mint(PUSHED_REQUEST)
    await this.#server.store.artifacts.insert<PushedRequest>({
      kind: PUSHED_REQUEST,
      id,
      secretHash,
      value: { client_id: client.client_id, request: params.toString(), usableUntil: now + expires_in },
      expiresAt: now + expires_in + this.#server.settings.interactionLifetime
    })
    return { request_uri: URN + token, expires_in }
  }

  /** RFC 7519 §4.1.7: "The "jti" claim can be used to prevent the JWT from being replayed." */
  async #spend({ name, expiresAt, now }: { name: readonly string[]; expiresAt: number; now: number }): Promise<void> {
    const until = Math.min(expiresAt + this.#server.settings.clockSkew, now + MAX_REMEMBERED)
    if (!(await isFirstUse(this.#server, { kind: REQUEST_OBJECT_JTI, name, expiresAt: until })))
      throw new InvalidRequestObjectError('a request object with this jti was pushed before; sign another')
  }

  /**
   * What was pushed under the `request_uri` of these parameters; undefined, if that is no name of a pushed request.
   * @throws InvalidRequestUriError if it is unknown, expired, answered, or another client's (RFC 9126 §2.2: "bound to the client")
   */
  async find(params: Params): Promise<UnfoldedRequest | undefined> {
    const uri = params.get('request_uri')
    if (!uri?.startsWith(URN)) return undefined
    // RFC 9101 §5: "request and request_uri parameters MUST NOT be used together."
    if (params.has('request')) throw new InvalidRequestError('request and request_uri exclude each other')
    const clientId = params.require('client_id')
    const found = await this.#server.opaque.find(PUSHED_REQUEST, uri.slice(URN.length))
    // One sentence for every reason: whether another client's exists is not for this one to learn.
    if (!found || found.consumedAt !== undefined || found.value.client_id !== clientId || found.value.usableUntil <= this.#server.now())
      throw new InvalidRequestUriError('the request has expired, was answered, or is not of this client; start again at the application')
    return { params: Params.parse(found.value.request), spends: { kind: PUSHED_REQUEST, id: found.id } }
  }
}
