import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Store } from 'grantor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateSchema, openStore, schemaVersion } from '../src/index.ts'
import { ISSUER, openServer } from './authorization-server.ts'
import { PostgresServer, query } from './postgres.ts'
import { kill, startChild, temporaryFile } from './support.ts'

// What version 0.1.0 left: its schema, what a server wrote at MADE, and what that server's clients hold. Never to be changed.
const frozen = (name: string) => readFileSync(new URL(`./schema-1/${name}`, import.meta.url), 'utf8')
const ROWS = frozen('rows.sql')
const TOKENS: Record<string, string> = JSON.parse(frozen('tokens.json'))
const MADE = 1_800_000_000

const CLIENT = { client_id: 'app', client_secret: 'a-secret-of-thirty-two-characters-or-more' }
const REDEMPTION = {
  grant_type: 'authorization_code',
  redirect_uri: 'https://client.example.com/cb',
  code_verifier: 'a-verifier-of-forty-three-characters-or-more'
}

/** A server of today on the store, a few seconds later. */
function serve(store: Store) {
  const server = openServer(store, { clock: () => (MADE + 10) * 1000 })
  const post = async (path: string, form: Record<string, string | undefined>) => {
    const body = new URLSearchParams({ ...CLIENT, ...(form as Record<string, string>) })
    const response = await server.handle(new Request(ISSUER + path, { method: 'POST', body }))
    return { status: response.status, ...JSON.parse((await response.text()) || '{}') }
  }
  const introspect = (token: string | undefined) => post('/introspect', { token })
  return { server, post, introspect }
}

let postgres: PostgresServer
beforeAll(async () => {
  postgres = await PostgresServer.start()
})
afterAll(() => postgres.stop())

const DATABASES = {
  SQLite: {
    make: async () => temporaryFile(),
    schema: frozen('sqlite.sql'),
    execute: async (path: string, sql: string) => {
      const database = new DatabaseSync(path, { timeout: 5000 })
      database.exec(sql)
      database.close()
    }
  },
  PostgreSQL: {
    make: () => postgres.createDatabase(),
    schema: frozen('postgres.sql'),
    execute: async (url: string, sql: string) => void (await query(url, sql))
  }
}

describe.each(Object.entries(DATABASES))('a database of schema 1 on %s', (_, { make, schema, execute }) => {
  async function made(rows = ROWS): Promise<string> {
    const location = await make()
    await execute(location, schema + rows)
    return location
  }

  async function expectAllWorks(location: string): Promise<void> {
    const store = await openStore(location)
    const { server, post, introspect } = serve(store)
    await server.ready()
    const { latest, current } = await schemaVersion(location)
    expect(current).toBe(latest)

    expect((await store.clients.list({ limit: 10 })).map(({ client_id }) => client_id)).toEqual(['app', 'spa'])
    expect(await store.realm('other').clients.find('app')).toMatchObject({ scope: 'other' })
    const grants = await store.grants.list({ subject: 'alice', clientId: 'app' }, MADE)
    expect(grants).toHaveLength(2)
    expect(grants[0]).toMatchObject({ clientId: 'app', scope: ['read'], authTime: MADE, sessionId: 's1', createdAt: MADE })

    expect(await introspect(TOKENS.accessToken)).toMatchObject({ active: true, sub: 'alice', scope: 'read' })
    expect(await introspect(TOKENS.ownAccessToken)).toMatchObject({ active: true, scope: 'write' })
    expect(await introspect(TOKENS.revokedAccessToken)).toEqual({ status: 200, active: false })

    const redeemed = await post('/token', { ...REDEMPTION, code: TOKENS.code })
    expect(redeemed).toMatchObject({ status: 200, refresh_token: expect.any(String) })
    // What was left for its retry is not understood any more: it is refused, and its family lives.
    const retried = await post('/token', { grant_type: 'refresh_token', refresh_token: TOKENS.spentRefreshToken })
    expect(retried).toMatchObject({ status: 400, error: 'invalid_grant' })
    const refreshed = await post('/token', { grant_type: 'refresh_token', refresh_token: TOKENS.refreshToken })
    expect(refreshed).toMatchObject({ status: 200, refresh_token: expect.any(String) })
    expect(await introspect(refreshed.access_token)).toMatchObject({ active: true, sub: 'alice' })

    // A tombstone of then is still one: the reuse of its code kills the family, and nobody else's.
    expect(await post('/token', { ...REDEMPTION, code: TOKENS.spentCode })).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await introspect(refreshed.access_token)).toEqual({ status: 200, active: false })
    expect(await introspect(redeemed.access_token)).toMatchObject({ active: true })
    await post('/revoke', { token: redeemed.refresh_token })
    expect(await introspect(redeemed.access_token)).toEqual({ status: 200, active: false })

    expect(await store.purge(MADE + 3600, 100)).toBeGreaterThan(0)
    await store.close()
  }

  test('opens, and every record of it is read and used', async () => {
    await expectAllWorks(await made())
  })

  test('opens when a node of that version goes on writing after the migration: N and N + 1 run side by side', async () => {
    const location = await made('')
    await migrateSchema(location)
    await execute(location, ROWS)
    await expectAllWorks(location)
  })

  test('goes to the latest schema, back to 1 and up again with all its records', async () => {
    const location = await made()
    await migrateSchema(location)
    await migrateSchema(location, 1)
    expect((await schemaVersion(location)).current).toBe(1)
    await expectAllWorks(location)
  })

  test('is migrated by one of four nodes that open it at the same moment, and all of them run', async () => {
    const nodes = Array.from({ length: 4 }, () => startChild('./opener.ts'))
    await Promise.all(nodes.map((node) => once(node, 'message')))
    for (let round = 0; round < 5; round++) {
      const location = await made()
      const answers = nodes.map((node) => once(node, 'message'))
      for (const node of nodes) node.send(location)
      expect((await Promise.all(answers)).map(([error]) => error)).toEqual(['', '', '', ''])
      await expectAllWorks(location)
    }
    await Promise.all(nodes.map(kill))
  })
})
