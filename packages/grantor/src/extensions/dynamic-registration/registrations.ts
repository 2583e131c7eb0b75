import type { ServerContext } from '../../context.ts'
import { InvalidTokenError } from '../../errors.ts'
import { type Artifact, type Kind, type Mark, NEVER } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'
import { REGISTRATION_ACCESS_TOKEN, type RegistrationAccessToken, type RegistrationAllowance } from '../../models/registration.ts'
import type { Found } from '../../stores/store.ts'

const PAGE = 100

/** A client got tokens of its own, which leave no grant: existing is all it says. `id` is the client's. */
const OWN_USE: Kind<Mark> = 'registered_client_use'

/** A client that registered itself, as found by its token. */
export interface Registration {
  record: Found<RegistrationAccessToken>
  client: Client
}

/** The registrations that clients manage themselves: one token each, of which only the keyed hash is stored (RFC 7592 §1.2). */
export class Registrations {
  readonly #server: ServerContext
  readonly #unusedLifetime: number
  #reached = ''

  constructor(server: ServerContext, unusedLifetime: number) {
    this.#server = server
    this.#unusedLifetime = unusedLifetime
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

  async end({ id }: { id: string }): Promise<void> {
    await this.#server.store.artifacts.delete(REGISTRATION_ACCESS_TOKEN, id)
  }

  /** For tokens of the client's own, which leave no grant to see. */
  async markUsed({ client_id, verified }: Client): Promise<void> {
    if (verified !== false) return
    const expiresAt = this.#server.now() + this.#unusedLifetime
    await this.#server.store.artifacts.insert({ kind: OWN_USE, id: client_id, value: {}, expiresAt })
  }

  /** Looks at some of the registrations, the next ones at the next call, and deletes clients that nobody uses. */
  async deleteUnused(): Promise<void> {
    const now = this.#server.now()
    const records = await this.#server.store.artifacts.list(REGISTRATION_ACCESS_TOKEN, { limit: PAGE, after: this.#reached }, now)
    this.#reached = records.length < PAGE ? '' : (records.at(-1)?.id ?? '')
    for (const record of records) if (now - record.value.used_at >= this.#unusedLifetime) await this.#judge(record, now)
  }

  async #judge({ id, value: { client_id } }: Found<RegistrationAccessToken>, now: number): Promise<void> {
    const client = await this.#server.store.clients.find(client_id)
    if (client && (await this.#isUsed(client, now))) {
      await this.#server.store.artifacts.update(REGISTRATION_ACCESS_TOKEN, id, { used_at: now }, {}, now)
      return
    }
    if (client && (await this.#server.clients.delete(client_id))) this.#server.emit('client.expired', { clientId: client_id })
    await this.end({ id })
  }

  /** Somebody allows it something now, it got tokens of its own lately, or the operator took it over. */
  async #isUsed({ client_id, verified }: Client, now: number): Promise<boolean> {
    if (verified !== false) return true
    const { grants, artifacts } = this.#server.store
    if ((await grants.list({ clientId: client_id }, now, 1)).length > 0) return true
    return (await artifacts.find(OWN_USE, client_id, now)) !== undefined
  }

  async #mint(value: RegistrationAccessToken): Promise<{ token: string; artifact: Artifact<RegistrationAccessToken> }> {
    const { token, id, secretHash } = await this.#server.opaque.mint(REGISTRATION_ACCESS_TOKEN)
    return { token, artifact: { kind: REGISTRATION_ACCESS_TOKEN, id, secretHash, value, expiresAt: NEVER } }
  }
}
