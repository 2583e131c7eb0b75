import type { ServerContext } from '../../context.ts'
import { InvalidTokenError } from '../../errors.ts'
import { type Artifact, NEVER } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'
import { REGISTRATION_ACCESS_TOKEN, type RegistrationAccessToken, type RegistrationAllowance } from '../../models/registration.ts'
import type { Found } from '../../stores/store.ts'
import { Usage } from './usage.ts'

const PAGE = 100
/** Of the time that a client may be unused: how late its use may be written down, and its end comes. */
const LAG = 1 / 10

/** A client that registered itself, as found by its token. */
export interface Registration {
  record: Found<RegistrationAccessToken>
  client: Client
}

/** The registrations that clients manage themselves: one token each, of which only the keyed hash is stored (RFC 7592 §1.2). */
export class Registrations {
  readonly #server: ServerContext
  readonly #usage: Usage
  readonly #patience: number
  #reached = ''

  constructor(server: ServerContext, unusedLifetime: number) {
    this.#server = server
    this.#usage = new Usage(server, unusedLifetime * LAG)
    this.#patience = unusedLifetime * (1 + LAG)
  }

  /** Begins the registration of a client that is about to be stored. @returns its registration access token */
  async begin({ client_id, client_id_issued_at = 0 }: Client, allow: RegistrationAllowance | undefined): Promise<string> {
    const value = { client_id, issued_at: client_id_issued_at, used_at: this.#server.now(), ...(allow && { allow }) }
    const { token, artifact } = await this.#mint(value)
    await this.#server.store.artifacts.insert(artifact)
    return token
  }

  /** @throws InvalidTokenError if the token is not the live one of that client. */
  async find(token: string, clientId: string | undefined): Promise<Registration> {
    const record = await this.#server.opaque.find(REGISTRATION_ACCESS_TOKEN, token)
    if (!record || record.consumedAt !== undefined) throw new InvalidTokenError()
    const client = await this.#server.store.clients.find(record.value.client_id)
    if (!client || client.client_id_issued_at !== record.value.issued_at) {
      // RFC 7592 §2.1: if the client does not exist, "the registration access token used to make this request SHOULD be immediately revoked".
      await this.end(record)
      throw new InvalidTokenError()
    }
    if (client.client_id !== clientId || client.disabled) throw new InvalidTokenError()
    return { record, client }
  }

  /** The next token of the registration; the one before is dead. @throws InvalidTokenError if it was so already */
  async rotate({ id, secretHash = '', value }: Found<RegistrationAccessToken>): Promise<string> {
    const now = this.#server.now()
    const { token, artifact } = await this.#mint({ ...value, used_at: now })
    const reference = { kind: REGISTRATION_ACCESS_TOKEN, id, secretHash }
    const spent = await this.#server.store.artifacts.consume(reference, { now, yields: [artifact], retainUntil: now })
    if (!spent?.first) throw new InvalidTokenError()
    return token
  }

  async end({ id, value }: Found<RegistrationAccessToken>): Promise<void> {
    await this.#usage.forget(value.client_id)
    await this.#server.store.artifacts.delete(REGISTRATION_ACCESS_TOKEN, id)
  }

  /** The client gets tokens now. */
  markUsed(client: Client): Promise<void> {
    return this.#usage.mark(client)
  }

  /** Looks at some of the registrations, the next ones at the next call, and deletes clients that nobody uses. */
  async deleteUnused(): Promise<void> {
    const now = this.#server.now()
    const records = await this.#server.store.artifacts.list(REGISTRATION_ACCESS_TOKEN, { limit: PAGE, after: this.#reached }, now)
    this.#reached = records.length < PAGE ? '' : (records.at(-1)?.id ?? '')
    for (const record of records) if (!this.#isRecent(record.value.used_at, now)) await this.#judge(record, now)
  }

  async #judge(record: Found<RegistrationAccessToken>, now: number): Promise<void> {
    const { client_id } = record.value
    const client = await this.#server.store.clients.find(client_id)
    const used_at = (client && (await this.#usage.last(client, now))) ?? 0
    if (this.#isRecent(used_at, now)) {
      await this.#server.store.artifacts.update(REGISTRATION_ACCESS_TOKEN, record.id, { used_at }, {}, now)
      return
    }
    if (client && (await this.#server.clients.delete(client_id))) this.#server.emit('client.expired', { clientId: client_id })
    await this.end(record)
  }

  #isRecent(usedAt: number, now: number): boolean {
    return now - usedAt < this.#patience
  }

  async #mint(value: RegistrationAccessToken): Promise<{ token: string; artifact: Artifact<RegistrationAccessToken> }> {
    const { token, id, secretHash } = await this.#server.opaque.mint(REGISTRATION_ACCESS_TOKEN)
    return { token, artifact: { kind: REGISTRATION_ACCESS_TOKEN, id, secretHash, value, expiresAt: NEVER } }
  }
}
