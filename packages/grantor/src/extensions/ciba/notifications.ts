import type { ServerContext } from '../../context.ts'
import type { Kind } from '../../models/artifacts.ts'
import { OutboundError } from '../../outbound/base.ts'
import { type Delivery, Outbox, type WaitingDelivery } from '../../outbox.ts'
import { AUTH_REQ_ID, type FoundBackchannelRequest } from './backchannel-request.ts'

/** That a client must be told that its request was decided. */
interface ClientNotification extends Delivery {
  client_id: string
  /** The id of the request, to which `notification` is bound. */
  request: string
  /** With what; encrypted. */
  notification: string
}

/** What only the client may see of it. */
interface Secrets {
  auth_req_id: string
  token: string
}

const CLIENT_NOTIFICATION: Kind<ClientNotification> = 'client_notification'
/** Seconds after each attempt. A client that is not told polls. */
const RETRY_AFTER = [30, 60, 120]
/** Seconds after which what was left undecided by a node that died is looked at. */
const DOUBTFUL = 30
/** Seconds for which the last attempt may be late: none is made before somebody looks for what is due. */
const LATE = 600

/** Tells clients that a person decided (CIBA Core §10.2). What is about to be decided is stored first, so that it is told whatever happens. */
export class ClientNotifications {
  readonly #server: ServerContext
  readonly #outbox: Outbox<ClientNotification>

  constructor(server: ServerContext) {
    this.#server = server
    this.#outbox = new Outbox<ClientNotification>(server, {
      kind: CLIENT_NOTIFICATION,
      retryAfter: RETRY_AFTER,
      send: (delivery) => this.#send(delivery),
      isFinal,
      tell({ client_id: clientId }, { attempts, failure, retryAt }) {
        if (failure === undefined) server.emit('notification.delivered', { clientId, attempts })
        else server.emit('notification.failed', { clientId, attempts, reason: failure, ...(retryAt !== undefined && { retryAt }) })
      }
    })
  }

  /** What the client will be told with, for the store. */
  seal(request: string, secrets: Secrets): Promise<string> {
    return this.#server.secrets.encrypt(CLIENT_NOTIFICATION, JSON.stringify(secrets), request)
  }

  /** Stores that the client must be told, before there is anything to tell. */
  async prepare(
    { id: request, value }: FoundBackchannelRequest,
    notification: string
  ): Promise<WaitingDelivery<ClientNotification> | undefined> {
    const dueAt = this.#server.now() + DOUBTFUL
    const delivery = { client_id: value.client_id, request, notification, attempts: 0, dueAt }
    return this.#outbox.put(this.#server.identifier(), delivery, LATE)
  }

  /** It was decided: the client is told, without waiting for its answer. */
  start(delivery: WaitingDelivery<ClientNotification>): void {
    this.#outbox.start([delivery])
  }

  /** Nothing was decided by it. */
  drop({ id }: WaitingDelivery<ClientNotification>): Promise<void> {
    return this.#outbox.drop(id)
  }

  /** Sends what is due. */
  resume(): Promise<void> {
    return this.#outbox.resume()
  }

  /** Undefined: it arrived. */
  async #send({ client_id, request, notification }: ClientNotification): Promise<string | undefined> {
    const client = await this.#server.clients.find(client_id)
    const url = client?.backchannel_client_notification_endpoint
    const sealed = await this.#server.secrets.decrypt(CLIENT_NOTIFICATION, notification, request)
    if (!client || url === undefined || sealed === undefined) return 'not_registered'
    const decided = await this.#server.store.artifacts.find(AUTH_REQ_ID, request, this.#server.now())
    if (!decided || decided.value.status === 'pending') return 'undecided'
    const { auth_req_id, token } = JSON.parse(sealed) as Secrets
    try {
      const body = JSON.stringify({ auth_req_id })
      // §10.2: "any body in the response SHOULD be ignored".
      const options = { bearer: token, contentType: 'application/json', statusOnly: true } as const
      const { status } = await this.#server.outbound({ url, method: 'POST', body, ...options })
      // §10.2: "SHOULD respond with an HTTP 204 No Content. The OP SHOULD also accept HTTP 200 OK".
      return status === 200 || status === 204 ? undefined : `http_${status}`
    } catch (error) {
      return error instanceof OutboundError ? error.reason : 'server_error'
    }
  }
}

/** §10.2: "The OP MUST NOT follow redirects"; what a client refuses is for people to mend, and only what broke may work the next time. */
function isFinal(failure: string): boolean {
  return !/^(?:http_5\d\d|http_429|connection_failed|unresolved_name|timeout|server_error)$/.test(failure)
}
