import type { Store } from 'grantor'
import { SCHEMA_VERSION } from './schema.ts'
import { SqlClients } from './sql-clients.ts'
import { SqliteArtifacts } from './sqlite-artifacts.ts'
import { SqliteDatabase, type SqliteOptions } from './sqlite-database.ts'
import { SqliteGrants } from './sqlite-grants.ts'
import { OLDEST_EXPIRY, PURGE_ARTIFACTS, PURGE_GRANTS } from './statements.ts'

/** A store in one SQLite file (WAL, synchronous=FULL): what was answered survives a crash and a power loss. Several processes may share it. */
export class SqliteStore implements Store {
  readonly durable = true
  /** Milliseconds of a batch, for which every request of this process waits, and how many times as long the purge rests after it. */
  readonly purgePace = { batch: 0.5, rest: 5 }
  readonly clients: SqlClients
  readonly grants: SqliteGrants
  readonly artifacts: SqliteArtifacts
  readonly #database: SqliteDatabase

  /** @throws ConfigurationError if the file cannot be used, or has a schema newer than this code. */
  constructor(options: SqliteOptions, database: SqliteDatabase = migrated(new SqliteDatabase(options)), realm = '') {
    this.#database = database
    this.clients = new SqlClients(database, realm)
    this.grants = new SqliteGrants(database, realm)
    this.artifacts = new SqliteArtifacts(database, realm)
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

  /** When the record that expires first does, of all realms; undefined if there is none. What is past says how far behind the purge is. */
  async oldestExpiry(): Promise<number | undefined> {
    const [row] = await this.#database.read(OLDEST_EXPIRY)
    return row?.oldest == null ? undefined : Number(row.oldest)
  }

  /** The time of the machine, which all processes of the file share, in seconds. */
  async now(): Promise<number> {
    return Math.floor(Date.now() / 1000)
  }

  /** Copies the file while it is in use. The copy opens like any other. */
  backup(path: string): Promise<void> {
    return this.#database.backup(path)
  }

  /** Finishes what waits and closes the file. */
  async close(): Promise<void> {
    this.#database.close()
  }
}

function migrated(database: SqliteDatabase): SqliteDatabase {
  try {
    database.migrate(SCHEMA_VERSION)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
