import type { Store } from 'grantor'
import { PostgresArtifacts } from './postgres-artifacts.ts'
import type { PostgresOptions } from './postgres-connection.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { PostgresGrants } from './postgres-grants.ts'
import { migratePostgres } from './postgres-migrations.ts'
import { NOW, PURGE_EXPIRED_ARTIFACTS, PURGE_EXPIRED_GRANTS } from './postgres-statements.ts'
import { SqlClients } from './sql-clients.ts'
import { OLDEST_EXPIRY } from './statements.ts'

/** A store in PostgreSQL 14 or later, for any number of nodes: each operation is one statement. */
export class PostgresStore implements Store {
  readonly durable = true
  /** Milliseconds of a batch, for which nobody waits, and how many times as long the purge leaves the database to others after it. */
  readonly purgePace = { batch: 20, rest: 1 }
  readonly clients: SqlClients
  readonly grants: PostgresGrants
  readonly artifacts: PostgresArtifacts
  readonly #database: PostgresDatabase

  private constructor(database: PostgresDatabase, realm: string) {
    this.#database = database
    this.clients = new SqlClients(database, realm)
    this.grants = new PostgresGrants(database, realm)
    this.artifacts = new PostgresArtifacts(database, realm)
  }

  /**
   * Makes or migrates the schema and opens the store.
   * @throws ConfigurationError if the database cannot be reached, or its schema is newer than this code.
   */
  static async open(options: PostgresOptions): Promise<PostgresStore> {
    const database = new PostgresDatabase(options)
    await migratePostgres(options.url)
    return new PostgresStore(database, '')
  }

  realm(name: string): PostgresStore {
    return new PostgresStore(this.#database, name)
  }

  async purge(now: number, limit: number): Promise<number> {
    const artifacts = await this.#database.bulk.write(PURGE_EXPIRED_ARTIFACTS, now, limit)
    return artifacts + (await this.#database.bulk.write(PURGE_EXPIRED_GRANTS, now, limit - artifacts))
  }

  /** When the record that expires first does, of all realms; undefined if there is none. What is past says how far behind the purge is. */
  async oldestExpiry(): Promise<number | undefined> {
    const [row] = await this.#database.bulk.read(OLDEST_EXPIRY)
    return row?.oldest == null ? undefined : Number(row.oldest)
  }

  /** The time of the database, which all nodes share, in seconds. */
  async now(): Promise<number> {
    const [row] = await this.#database.read(NOW)
    return Number(row?.now)
  }

  /** Waits for what is under way and closes the connections. */
  close(): Promise<void> {
    return this.#database.close()
  }
}
