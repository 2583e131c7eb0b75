import type { ServerContext } from '../../context.ts'
import type { Kind } from '../../models/artifacts.ts'

/** That a request waits for a person. Its id begins with the hash of the subject, so that all of one person stand together. */
interface InboxEntry {
  request: string
  /** What its client is told with once it is decided; encrypted. */
  notification?: string
}

const INBOX: Kind<InboxEntry> = 'backchannel_inbox'
const MAX_LISTED = 50

/** Which requests wait for whom. */
export class Inbox {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  async put(subject: string, value: InboxEntry, expiresAt: number): Promise<void> {
    const id = await this.#idOf(subject, value.request)
    await this.#server.store.artifacts.insert({ kind: INBOX, id, value, expiresAt })
  }

  /** What the client of this request is told with. */
  async notification(subject: string, request: string): Promise<string | undefined> {
    const id = await this.#idOf(subject, request)
    return (await this.#server.store.artifacts.find(INBOX, id, this.#server.now()))?.value.notification
  }

  /** It waits no longer. */
  async drop(subject: string, request: string): Promise<void> {
    await this.#server.store.artifacts.delete(INBOX, await this.#idOf(subject, request))
  }

  /** The ids of a person's requests, oldest first. */
  async list(subject: string): Promise<readonly string[]> {
    const after = await this.#idOf(subject, '')
    const found = await this.#server.store.artifacts.list(INBOX, { limit: MAX_LISTED, after }, this.#server.now())
    return found.filter(({ id }) => id.startsWith(after)).map(({ value }) => value.request)
  }

  async #idOf(subject: string, request: string): Promise<string> {
    return `${await this.#server.crypto.sha256(subject)}.${request}`
  }
}
