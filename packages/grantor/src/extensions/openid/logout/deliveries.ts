import type { EndedSession, ServerContext } from '../../../context.ts'
import type { Kind } from '../../../models/artifacts.ts'
import type { Client } from '../../../models/client.ts'
import { OutboundError } from '../../../outbound/base.ts'
import { type Delivery, Outbox } from '../../../outbox.ts'
import { encodeForm } from '../../../params.ts'
import { logoutToken } from './logout-token.ts'

/** That an application must be told of the end of a session. The store keeps it as an artifact of the kind `logout_delivery`. */
export interface LogoutDelivery extends Delivery {
  client_id: string
  subject: string
  sid: string
}

const LOGOUT_DELIVERY: Kind<LogoutDelivery> = 'logout_delivery'
/** Seconds for which a delivery is remembered beyond its last attempt, so that a session that is ended twice is told of once. */
const REMEMBERED = 86_400

const NOT_REGISTERED = 'not_registered'
// §2.8: 400 says "the logout request was invalid or the logout failed"; the same again would fare no better.
const FINAL = ['http_400', NOT_REGISTERED]

/** The outbox of logout tokens. */
export class LogoutDeliveries {
  readonly #server: ServerContext
  readonly #outbox: Outbox<LogoutDelivery>

  /** @param retryAfter seconds from one attempt to the next. */
  constructor(server: ServerContext, retryAfter: readonly number[]) {
    this.#server = server
    this.#outbox = new Outbox<LogoutDelivery>(server, {
      kind: LOGOUT_DELIVERY,
      retryAfter,
      send: (delivery) => this.#send(delivery),
      isFinal: (failure) => FINAL.includes(failure),
      tell({ client_id: clientId, sid: sessionId }, { attempts, failure, retryAt }) {
        const about = { clientId, sessionId, attempts }
        if (failure === undefined) server.emit('logout.delivered', about)
        else server.emit('logout.failed', { ...about, reason: failure, ...(retryAt !== undefined && { retryAt }) })
      }
    })
  }

  /** Stores what must be sent, and begins to send it without waiting for the answers. What was stored before stays as it is. */
  async add(session: EndedSession, clients: readonly Client[]): Promise<void> {
    const dueAt = this.#server.now()
    const stored = await Promise.all(
      clients.map(async ({ client_id }) => {
        const id = await this.#server.crypto.sha256(JSON.stringify([session.id, client_id]))
        return this.#outbox.put(id, { client_id, subject: session.subject, sid: session.id, attempts: 0, dueAt }, REMEMBERED)
      })
    )
    this.#outbox.start(stored.filter((delivery) => delivery !== undefined))
  }

  /** Sends what is due; resolves when all that this node has in hand was tried. */
  resume(): Promise<void> {
    return this.#outbox.resume()
  }

  /** Undefined: it arrived. */
  async #send({ client_id, subject, sid }: LogoutDelivery): Promise<string | undefined> {
    const client = await this.#server.clients.find(client_id)
    const url = client?.backchannel_logout_uri
    if (!client || url === undefined) return NOT_REGISTERED
    try {
      const body = `logout_token=${encodeForm(await logoutToken(this.#server, client, { subject, sid }))}`
      const form = { method: 'POST', body, contentType: 'application/x-www-form-urlencoded' } as const
      // Whatever an application shows besides, it is told.
      const { status } = await this.#server.outbound({ url, ...form, statusOnly: true })
      // §2.8: 200; some frameworks answer 204, which "MUST" count "as a successful response" too.
      return status === 200 || status === 204 ? undefined : `http_${status}`
    } catch (error) {
      return error instanceof OutboundError ? error.reason : 'server_error'
    }
  }
}
