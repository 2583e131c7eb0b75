import { ConfigurationError } from 'grantor'
import pg from 'pg'
import { SCHEMA_VERSION, stepsBetween } from './schema.ts'

// Two that create the same table at once: one fails on the catalogue's own unique index, on the table, or on the row type of its name.
const MADE_MEANWHILE = ['23505', '42P07', '42710']

/**
 * Brings the schema to a version. One process does it: the row that holds the version is locked until all is done or nothing, and the lock
 * dies with its holder.
 * @throws ConfigurationError if the schema is newer than this code, or the database cannot be reached.
 */
export async function migratePostgres(url: string, target: number = SCHEMA_VERSION): Promise<void> {
  await withClient(url, async (client) => {
    await createVersionTable(client)
    await client.query('BEGIN')
    try {
      const { rows } = await client.query<{ version: number }>('SELECT version FROM grantor_schema WHERE id = 1 FOR UPDATE')
      for (const { version, statements } of stepsBetween(rows[0]?.version ?? 0, target)) {
        // In the order of bytes, as in SQLite: faster, and the same on every machine.
        for (const statement of statements) await client.query(statement.replaceAll(' TEXT', ' TEXT COLLATE "C"'))
        await client.query('UPDATE grantor_schema SET version = $1 WHERE id = 1', [version])
      }
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    }
  })
}

/** The version of the schema; 0 if there is none. @throws ConfigurationError if the database cannot be reached. */
export async function postgresVersion(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ known: boolean }>("SELECT to_regclass('grantor_schema') IS NOT NULL AS known")
    if (!rows[0]?.known) return 0
    const { rows: versions } = await client.query<{ version: number }>('SELECT version FROM grantor_schema WHERE id = 1')
    return versions[0]?.version ?? 0
  })
}

async function createVersionTable(client: pg.Client): Promise<void> {
  try {
    await client.query('CREATE TABLE IF NOT EXISTS grantor_schema (id INTEGER PRIMARY KEY, version INTEGER NOT NULL)')
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && MADE_MEANWHILE.includes(error.code ?? ''))) throw error
  }
  await client.query('INSERT INTO grantor_schema (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING')
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'grantor migrate', connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw new ConfigurationError(`cannot reach the database: ${(cause as Error).message}`, { cause })
  }
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
