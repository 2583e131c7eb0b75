import { ConfigurationError } from 'grantor'
import pg from 'pg'
import { endClient } from './postgres-connection.ts'
import { SCHEMA_VERSION, stepsBetween, versionOf } from './schema.ts'

// Of two that make the same table at once, one fails on an index of the catalogue, in one of three ways.
const MADE_MEANWHILE = ['23505', '42P07', '42710']
const TRY_AGAIN = [...MADE_MEANWHILE, '40001', '40P01']
const MAX_RETRIES = 5
const LOCK_NOT_AVAILABLE = '55P03'
/** Milliseconds to wait for another node that migrates. */
const PATIENCE = 30_000
/** Milliseconds for which a step may wait for a table, and all requests behind it. */
const STEP_PATIENCE = 3_000
/** Milliseconds that a step may take: an index of a large table takes minutes. */
const STEP_TIMEOUT = 3_600_000
const CONNECT_TIMEOUT = 5_000
const READ_TIMEOUT = 5_000

/**
 * Brings the schema to a version. Where it has it already nothing is locked. Otherwise one process does it: the row that holds the version
 * is locked until all is done or nothing, and the lock dies with its holder (docs/adr/0006-migrations.md).
 * @param patience milliseconds to wait for the lock
 * @throws ConfigurationError if the schema is newer than this code, or the database cannot be reached, or somebody holds the lock.
 */
export async function migratePostgres(url: string, target: number = SCHEMA_VERSION, patience: number = PATIENCE): Promise<void> {
  await withClient(url, async (client) => {
    for (let attempt = 0; ; attempt++) {
      try {
        if (stepsBetween(await storedVersion(client), target).length > 0) await migrate(client, target, patience)
        return
      } catch (error) {
        const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
        if (code === LOCK_NOT_AVAILABLE) throw new ConfigurationError(await whoHolds(client), { cause: error })
        if (!TRY_AGAIN.includes(code) || attempt === MAX_RETRIES) throw error
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt))
      }
    }
  })
}

/** The version of the schema; 0 if there is none. @throws ConfigurationError if the database cannot be reached. */
export async function postgresVersion(url: string): Promise<number> {
  return withClient(url, async (client) => versionOf(await storedVersion(client)))
}

async function storedVersion(client: pg.Client): Promise<number> {
  const read = <T extends pg.QueryResultRow>(text: string) => client.query<T>({ text, query_timeout: READ_TIMEOUT } as pg.QueryConfig)
  const { rows } = await read<{ known: boolean }>("SELECT to_regclass('grantor_schema') IS NOT NULL AS known")
  if (!rows[0]?.known) return 0
  const { rows: versions } = await read<{ version: number }>('SELECT version FROM grantor_schema WHERE id = 1')
  return versions[0]?.version ?? 0
}

async function migrate(client: pg.Client, target: number, patience: number): Promise<void> {
  // Whatever the default of the database: whoever waited for the lock must see what the one before did.
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  try {
    // LOCAL, so that it holds behind a pooler too, and beyond no transaction. A limit of the role is for requests.
    await client.query(`SET LOCAL lock_timeout = ${patience}; SET LOCAL statement_timeout = 0`)
    await client.query('CREATE TABLE IF NOT EXISTS grantor_schema (id INTEGER PRIMARY KEY, version INTEGER NOT NULL)')
    await client.query('INSERT INTO grantor_schema (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING')
    const { rows } = await client.query<{ version: number }>('SELECT version FROM grantor_schema WHERE id = 1 FOR UPDATE')
    await client.query(`SET LOCAL lock_timeout = ${Math.min(patience, STEP_PATIENCE)}`)
    for (const { stored, statements } of stepsBetween(rows[0]?.version ?? 0, target)) {
      // In the order of bytes, as in SQLite: faster, and the same on every machine.
      for (const statement of statements) await client.query(statement.replaceAll(' TEXT', ' TEXT COLLATE "C"'))
      await client.query('UPDATE grantor_schema SET version = $1 WHERE id = 1', [stored])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

/** Names the sessions that may be in the way, in a sentence that says what to do. */
async function whoHolds(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ who: string }>(
    `SELECT concat('pid ', a.pid, ' (', coalesce(nullif(a.application_name, ''), 'unnamed'), ', ', coalesce(host(a.client_addr), 'local'), ', since ', a.xact_start, ')') AS who
      FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL
        AND EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = a.pid AND l.granted AND c.relname LIKE 'grantor%')`
  )
  const others = rows.map(({ who }) => who).join(', ') || 'a session that has ended meanwhile'
  return `the schema cannot be migrated while another session holds it: ${others}; wait for it or end it, then start again`
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  if (!URL.canParse(url)) throw new ConfigurationError('the address of the database is not a URL: postgres://user@host/database')
  const client = new pg.Client({
    connectionString: url,
    application_name: 'grantor migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1000,
    query_timeout: STEP_TIMEOUT
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    throw new ConfigurationError(`cannot reach the database: ${(cause as Error).message}`, { cause })
  }
  try {
    return await work(client)
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause
    throw new ConfigurationError(`cannot migrate the database: ${(cause as Error).message}`, { cause })
  } finally {
    await endClient(client)
  }
}
