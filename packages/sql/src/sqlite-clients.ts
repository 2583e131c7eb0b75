import type { Client, ClientStore } from 'grantor'
import { clientOf } from './rows.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { DELETE_CLIENT, FIND_CLIENT, INSERT_CLIENT, LIST_CLIENTS, UPDATE_CLIENT } from './statements.ts'

export class SqlClients implements ClientStore {
  readonly #database: SqliteDatabase
  readonly #realm: string

  constructor(database: SqliteDatabase, realm: string) {
    this.#database = database
    this.#realm = realm
  }

  async find(clientId: string): Promise<Client | undefined> {
    const [row] = await this.#database.run((query) => query(FIND_CLIENT, this.#realm, clientId), { writes: false })
    return row && clientOf(row)
  }

  insert(client: Client): Promise<boolean> {
    return this.#changes(INSERT_CLIENT, this.#realm, client.client_id, JSON.stringify(client))
  }

  update(client: Client): Promise<boolean> {
    return this.#changes(UPDATE_CLIENT, JSON.stringify(client), this.#realm, client.client_id)
  }

  delete(clientId: string): Promise<boolean> {
    return this.#changes(DELETE_CLIENT, this.#realm, clientId)
  }

  async list({ limit, after = '' }: { limit: number; after?: string }): Promise<readonly Client[]> {
    const rows = await this.#database.run((query) => query(LIST_CLIENTS, this.#realm, after, limit), { writes: false })
    return rows.map(clientOf)
  }

  #changes(sql: string, ...values: string[]): Promise<boolean> {
    return this.#database.run((_, execute) => execute(sql, ...values) > 0)
  }
}
