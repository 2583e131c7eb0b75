import { DatabaseSync } from 'node:sqlite'
import { ConfigurationError } from 'grantor'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateSchema, openStore, PostgresStore, schemaVersion } from '../src/index.ts'
import { migratePostgres } from '../src/postgres-migrations.ts'
import { PostgresServer, query } from './postgres.ts'
import { temporaryFile } from './support.ts'

const SERIALIZABLE = '?options=-c%20default_transaction_isolation%3Dserializable'

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.stop())

async function migrated(): Promise<string> {
  const url = await server.createDatabase()
  await migrateSchema(url)
  return url
}

/** Another session in a transaction. */
async function session(url: string, sql: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'somebody else' })
  client.on('error', () => {})
  await client.connect()
  await client.query(`BEGIN; ${sql}`)
  return client
}

describe.each(['', SERIALIZABLE])('on PostgreSQL %s', (options) => {
  test('of four that migrate an empty database at the same moment one does it, and all go on', async () => {
    for (let round = 0; round < 10; round++) {
      const url = (await server.createDatabase()) + options
      const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => migrateSchema(url)))
      expect(outcomes).toEqual(outcomes.map(() => ({ status: 'fulfilled', value: undefined })))
      const { current, latest } = await schemaVersion(url)
      expect(current).toBe(latest)
    }
  })
})

describe('on PostgreSQL', () => {
  test('a schema that is current is not locked: a migration that hangs stops no node from starting', async () => {
    const url = await migrated()
    const other = await session(url, 'SELECT version FROM grantor_schema FOR UPDATE')
    const store = await PostgresStore.open({ url })
    expect(await store.clients.find('c')).toBeUndefined()
    await store.close()
    await other.end()
  })

  test('who waits for the lock in vain is told who holds it', async () => {
    const url = await migrated()
    await migrateSchema(url, 1)
    const other = await session(url, 'SELECT version FROM grantor_schema FOR UPDATE')
    const [row] = (await other.query('SELECT pg_backend_pid() AS pid')).rows
    const attempt = migratePostgres(url, 2, 100)
    await expect(attempt).rejects.toThrow(ConfigurationError)
    await expect(attempt).rejects.toThrow(new RegExp(`pid ${row.pid} \\(somebody else, 127.0.0.1, since .*end it, then start again`))
    await other.end()
    await migrateSchema(url)
  })

  test('a step that waits for a table gives up, because all requests wait behind it', async () => {
    const url = await migrated()
    await migrateSchema(url, 1)
    const other = await session(url, 'SELECT FROM grantor_grants')
    await expect(migratePostgres(url, 2, 100)).rejects.toThrow(/somebody else/)
    expect((await schemaVersion(url)).current).toBe(1)
    await other.end()
  })

  test('a migration whose session is ended did nothing, says so, and works the next time', async () => {
    const url = await server.createDatabase()
    const name = new URL(url).pathname.slice(1)
    await migrateSchema(url, 1)
    const other = await session(url, 'SELECT version FROM grantor_schema FOR UPDATE')
    const attempt = migrateSchema(url)
    attempt.catch(() => {})
    const waiting = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'grantor migrate' AND wait_event_type = 'Lock'`
    await expect.poll(() => query(`${server.url}/postgres`, waiting)).toHaveLength(1)
    await expect(attempt).rejects.toThrow(ConfigurationError)
    await other.end()
    expect((await schemaVersion(url)).current).toBe(1)
    await migrateSchema(url)
  })

  test('a role that may change rows and no tables can serve', async () => {
    const url = await migrated()
    await query(url, 'CREATE ROLE server LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO server')
    const store = await openStore(url.replace('grantor@', 'server@'))
    expect(await store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: 2_000_000_000 })).toBe(true)
    await store.close()
  })

  test('an address that is no URL and a server that is not there are configuration errors', async () => {
    await expect(migrateSchema('postgres://')).rejects.toThrow(ConfigurationError)
    await expect(migrateSchema('postgres://grantor@127.0.0.1:1/none')).rejects.toThrow(/cannot reach the database/)
  })
})

const NEWER: Record<string, (stored: number) => Promise<string>> = {
  PostgreSQL: async (stored) => {
    const url = await migrated()
    await query(url, `UPDATE grantor_schema SET version = ${stored}`)
    return url
  },
  SQLite: async (stored) => {
    const path = temporaryFile()
    await migrateSchema(path)
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA user_version = ${stored}`)
    database.close()
    return path
  }
}

describe.each(Object.entries(NEWER))('a newer schema on %s', (_, make) => {
  test('that this version may still run on is left as it is: a node of the version before comes back during an upgrade', async () => {
    const location = await make(99)
    const store = await openStore(location)
    expect(await store.artifacts.insert({ kind: 'k', id: '1', value: {}, expiresAt: 2_000_000_000 })).toBe(true)
    await store.close()
    expect((await schemaVersion(location)).current).toBe(99)
    await expect(migrateSchema(location, 1)).rejects.toThrow(/schema 99.*run the newer version/)
  })

  test('that is too new is refused with a sentence that says what to do', async () => {
    // The version, and a thousand for each of the 97 versions that may not run on it.
    const location = await make(97_099)
    await expect(openStore(location)).rejects.toThrow(/schema 99 for versions from 98.*run the newer version, or restore a backup/)
    await expect(migrateSchema(location)).rejects.toThrow(ConfigurationError)
    expect((await schemaVersion(location)).current).toBe(99)
  })
})
