import type { ServerContext } from '../../context.ts'
import { PolledRequests } from '../../grant-types/polled-requests.ts'
import type { Session } from '../../interactions/base.ts'
import {
  AUTH_REQ_ID,
  type BackchannelMessage,
  type BackchannelRequest,
  describe,
  type FoundBackchannelRequest
} from './backchannel-request.ts'
import { Inbox } from './inbox.ts'
import { ClientNotifications } from './notifications.ts'

/** Requests that wait for people, for the integrator's pages and applications: show them to the person, who alone decides. */
export class BackchannelRequests {
  readonly #server: ServerContext
  readonly #requests: PolledRequests<BackchannelMessage>
  readonly #inbox: Inbox
  readonly #notifications: ClientNotifications

  constructor(server: ServerContext) {
    this.#server = server
    this.#requests = new PolledRequests<BackchannelMessage>(server, AUTH_REQ_ID)
    this.#inbox = new Inbox(server)
    this.#notifications = new ClientNotifications(server)
  }

  /** What the person may decide, oldest first. */
  async list(subject: string): Promise<readonly BackchannelRequest[]> {
    const ids = await this.#inbox.list(subject)
    const found = await Promise.all(ids.map((id) => this.find(id, subject)))
    return found.filter((request) => request !== undefined)
  }

  /** Undefined: unknown, another person's, decided, or too old. */
  async find(id: string, subject: string): Promise<BackchannelRequest | undefined> {
    return (await this.#open(id, subject))?.request
  }

  /** The person whose session it is allows it. False: it is not theirs, was decided before, or is too old. */
  async approve(
    id: string,
    { subject, authTime, acr, amr }: Pick<Session, 'subject' | 'authTime' | 'acr' | 'amr'>,
    requestId?: string
  ): Promise<boolean> {
    return this.#decide(id, subject, (found) => {
      const { scope } = found.value
      const approval = { subject, scope, authTime, ...(acr !== undefined && { acr }), ...(amr && { amr }) }
      return this.#requests.approve(found, approval, requestId)
    })
  }

  /** False: it is not theirs, was decided before, or is too old. */
  deny(id: string, subject: string, requestId?: string): Promise<boolean> {
    return this.#decide(id, subject, (found) => this.#requests.deny(found, subject, requestId))
  }

  /** What the person may decide, and as they are shown it. */
  async #open(id: string, subject: string): Promise<{ found: FoundBackchannelRequest; request: BackchannelRequest } | undefined> {
    const found = await this.#requests.find(id)
    if (!found || subject === '' || found.value.claimedBy !== subject || !this.#requests.isOpen(found)) return undefined
    const request = await describe(this.#server, found)
    return request && { found, request }
  }

  /** CIBA Core §10.2: the client is told "after a successful or failed end-user authentication". */
  async #decide(id: string, subject: string, decide: (found: FoundBackchannelRequest) => Promise<boolean>): Promise<boolean> {
    const { found } = (await this.#open(id, subject)) ?? {}
    if (!found) return false
    const notification = await this.#inbox.notification(subject, id)
    const delivery = notification === undefined ? undefined : await this.#notifications.prepare(found, notification)
    const isFirst = await decide(found)
    if (delivery && isFirst) this.#notifications.start(delivery)
    else if (delivery) await this.#notifications.drop(delivery)
    if (isFirst) await this.#inbox.drop(subject, id)
    return isFirst
  }
}
