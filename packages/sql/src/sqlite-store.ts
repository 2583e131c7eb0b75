import type { Store } from 'grantor'
import { SqlArtifacts } from './sqlite-artifacts.ts'
import { SqlClients } from './sqlite-clients.ts'
import { SqliteDatabase, type SqliteOptions } from './sqlite-database.ts'
import { SqlGrants } from './sqlite-grants.ts'
import { PURGE_ARTIFACTS, PURGE_GRANTS } from './statements.ts'

/** A store in one SQLite file (WAL, synchronous=FULL): what was answered survives a crash and a power loss. Several processes may share it. */
export class SqliteStore implements Store {
  readonly durable = true
  readonly clients: SqlClients
  readonly grants: SqlGrants
  readonly artifacts: SqlArtifacts
  readonly #database: SqliteDatabase

  /** @throws ConfigurationError if the file cannot be used. */
  constructor(options: SqliteOptions, database: SqliteDatabase = new SqliteDatabase(options), realm = '') {
    this.#database = database
    this.clients = new SqlClients(database, realm)
    this.grants = new SqlGrants(database, realm)
    this.artifacts = new SqlArtifacts(database, realm)
  }

  realm(name: string): SqliteStore {
    return new SqliteStore({ path: '' }, this.#database, name)
  }

  purge(now: number, limit: number): Promise<number> {
    return this.#database.run((_, execute) => {
      const artifacts = execute(PURGE_ARTIFACTS, now, limit)
      return artifacts + execute(PURGE_GRANTS, now, limit - artifacts)
    })
  }

  /** Finishes what waits and closes the file. */
  async close(): Promise<void> {
    this.#database.close()
  }
}
