import { type Client, type ClientStore, storableJson } from 'grantor'
import type { Database } from './database.ts'
import { clientOf } from './rows.ts'
import { DELETE_CLIENT, FIND_CLIENT, INSERT_CLIENT, LIST_CLIENTS, UPDATE_CLIENT } from './statements.ts'

export class SqlClients implements ClientStore {
  readonly #database: Database
  readonly #realm: string

  constructor(database: Database, realm: string) {
    this.#database = database
    this.#realm = realm
  }

  async find(clientId: string): Promise<Client | undefined> {
    const [row] = await this.#database.read(FIND_CLIENT, this.#realm, clientId)
    return row && clientOf(row)
  }

  async insert(client: Client): Promise<boolean> {
    return (await this.#database.write(INSERT_CLIENT, this.#realm, client.client_id, storableJson(client))) > 0
  }

  // The record as it was written is its own version: parsed and written again, it is the same text.
  async update(client: Client, replaced: Client): Promise<boolean> {
    return (await this.#database.write(UPDATE_CLIENT, storableJson(client), this.#realm, client.client_id, storableJson(replaced))) > 0
  }

  async delete(clientId: string): Promise<boolean> {
    return (await this.#database.write(DELETE_CLIENT, this.#realm, clientId)) > 0
  }

  async list({ limit, after = '' }: { limit: number; after?: string }): Promise<readonly Client[]> {
    return (await this.#database.bulk.read(LIST_CLIENTS, this.#realm, after, limit)).map(clientOf)
  }
}
