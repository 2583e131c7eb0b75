import type { ServerContext } from '../../context.ts'
import { type Kind, NEVER } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'

const MAX_CLIENTS = 10_000

/** When a client that registered itself last got tokens, as far as it is written down. `id` is the client's. */
const USE: Kind<{ used_at: number }> = 'registered_client_use'

/** Who of the clients that registered themselves is in use. Written once in an interval for each client, however often it comes. */
export class Usage {
  readonly #server: ServerContext
  readonly #interval: number
  readonly #written = new Map<string, number>()

  /** @param interval seconds: a use may be later than what is written by no more than this */
  constructor(server: ServerContext, interval: number) {
    this.#server = server
    this.#interval = interval
  }

  /** It gets tokens now. */
  async mark({ client_id, verified, client_id_issued_at = 0 }: Client): Promise<void> {
    if (verified !== false) return
    const now = this.#server.now()
    const last = this.#written.get(client_id) ?? client_id_issued_at
    // A clock that was set back does not keep anything from being written.
    if (last <= now && now - last < this.#interval) return
    if (this.#written.size >= MAX_CLIENTS) this.#written.clear()
    this.#written.set(client_id, now)
    const { artifacts } = this.#server.store
    const value = { used_at: now }
    if (await artifacts.update(USE, client_id, value, {}, now)) return
    await artifacts.insert({ kind: USE, id: client_id, value, expiresAt: NEVER })
  }

  /** When it was last known to be in use: now, if somebody allows it something, or the operator took it over. Undefined: never seen. */
  async last({ client_id, verified }: Client, now: number): Promise<number | undefined> {
    const { grants, artifacts } = this.#server.store
    if (verified !== false || (await grants.list({ clientId: client_id }, now, 1)).length > 0) return now
    return (await artifacts.find(USE, client_id, now))?.value.used_at
  }

  /** Of a client that is no more. */
  async forget(clientId: string): Promise<void> {
    this.#written.delete(clientId)
    await this.#server.store.artifacts.delete(USE, clientId)
  }
}
