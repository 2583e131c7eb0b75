import type { EndedSession, ServerContext } from '../../../context.ts'
import type { Kind } from '../../../models/artifacts.ts'
import type { Client } from '../../../models/client.ts'
import { OutboundError } from '../../../outbound/base.ts'
import { encodeForm } from '../../../params.ts'
import { logoutToken } from './logout-token.ts'

/** That an application must be told of the end of a session. The store keeps it as an artifact of the kind `logout_delivery`. */
export interface LogoutDelivery {
  client_id: string
  subject: string
  sid: string
  /** How often it was tried. */
  attempts: number
  /** When it may be tried, or tried again, in seconds since the epoch. */
  dueAt: number
  /** Why the last attempt failed. */
  failure?: string
}

const LOGOUT_DELIVERY: Kind<LogoutDelivery> = 'logout_delivery'
const CONCURRENCY = 16
const PAGE = 200
/** Seconds: longer than an attempt takes, so that none begins while another node is at it. */
export const MIN_RETRY = 30
/** Seconds for which a delivery is remembered beyond its last attempt, so that a session that is ended twice is told of once. */
const REMEMBERED = 86_400

const NOT_REGISTERED = 'not_registered'
// §2.8: 400 says "the logout request was invalid or the logout failed"; the same again would fare no better.
const FINAL = ['http_400', NOT_REGISTERED]

type Waiting = { id: string; value: LogoutDelivery }

/** The outbox of logout tokens: what is stored is sent, by one node at a time, until it arrived or was tried often enough. */
export class LogoutDeliveries {
  readonly #server: ServerContext
  readonly #retryAfter: readonly number[]
  readonly #waiting: Waiting[] = []
  readonly #workers = new Set<Promise<void>>()
  /** Nothing is due before, as far as this node has seen. */
  #quietUntil = 0

  /** @param retryAfter seconds from one attempt to the next. */
  constructor(server: ServerContext, retryAfter: readonly number[]) {
    this.#server = server
    this.#retryAfter = retryAfter
  }

  /** Stores what must be sent, and begins to send it without waiting for the answers. What was stored before stays as it is. */
  async add(session: EndedSession, clients: readonly Client[]): Promise<void> {
    const dueAt = this.#server.now()
    const lifetime = this.#retryAfter.reduce((sum, wait) => sum + wait, REMEMBERED)
    const stored = await Promise.all(
      clients.map(async ({ client_id }) => {
        const value: LogoutDelivery = { client_id, subject: session.subject, sid: session.id, attempts: 0, dueAt }
        const id = await this.#server.crypto.sha256(JSON.stringify([session.id, client_id]))
        const first = await this.#server.store.artifacts.insert({ kind: LOGOUT_DELIVERY, id, value, expiresAt: dueAt + lifetime })
        return first ? [{ id, value }] : []
      })
    )
    this.#start(stored.flat())
  }

  /** Sends what is due; resolves when all that this node has in hand was tried. */
  async resume(): Promise<void> {
    const quiet = this.#quietUntil - this.#server.now()
    // A clock that was turned back must not make it quiet for longer.
    if (this.#waiting.length === 0 && (quiet <= 0 || quiet > MIN_RETRY)) await this.#sendDue()
    await Promise.all(this.#workers)
  }

  /** Page by page, so that an outage of many applications fills no memory. What other nodes add meanwhile, they try first themselves. */
  async #sendDue(): Promise<void> {
    const now = this.#server.now()
    let next = now + MIN_RETRY
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: readonly Waiting[] = await this.#server.store.artifacts.list(LOGOUT_DELIVERY, { limit: PAGE, after }, now)
      this.#start(page.filter(({ value }) => value.dueAt <= now))
      await Promise.all(this.#workers)
      next = Math.min(next, ...page.map(({ value }) => value.dueAt).filter((dueAt) => dueAt > now))
      after = page.length < PAGE ? undefined : page.at(-1)?.id
    }
    this.#quietUntil = next
  }

  #start(deliveries: readonly Waiting[]): void {
    this.#waiting.push(...deliveries)
    while (this.#workers.size < CONCURRENCY && this.#waiting.length > 0) {
      const worker: Promise<void> = this.#work().finally(() => this.#workers.delete(worker))
      this.#workers.add(worker)
    }
  }

  async #work(): Promise<void> {
    // What the store could not be told stays due.
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#deliver(next).catch(() => undefined)
  }

  /** Compare-and-set of when it is due: of all nodes that find it so, one sends it. */
  async #deliver({ id, value }: Waiting): Promise<void> {
    const { artifacts } = this.#server.store
    const now = this.#server.now()
    // Due again after the last attempt: the node that made it died in it.
    const isOver = value.attempts > this.#retryAfter.length
    const attempts = isOver ? value.attempts : value.attempts + 1
    const wait = this.#retryAfter[value.attempts]
    const dueAt = now + (wait ?? MIN_RETRY)
    const found = { attempts: value.attempts, dueAt: value.dueAt }
    if (!(await artifacts.update(LOGOUT_DELIVERY, id, { attempts, dueAt }, found, now))) return
    const failure = isOver ? 'interrupted' : await this.#send(value)
    const about = { clientId: value.client_id, sessionId: value.sid, attempts }
    if (failure === undefined) {
      await artifacts.consume({ kind: LOGOUT_DELIVERY, id }, { now })
      return this.#server.emit('logout.delivered', about)
    }
    const isLast = wait === undefined || FINAL.includes(failure)
    if (isLast) await artifacts.consume({ kind: LOGOUT_DELIVERY, id }, { now, leaves: { failure } })
    else await artifacts.update(LOGOUT_DELIVERY, id, { failure }, { attempts }, now)
    this.#server.emit('logout.failed', { ...about, reason: failure, ...(!isLast && { retryAt: dueAt }) })
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
