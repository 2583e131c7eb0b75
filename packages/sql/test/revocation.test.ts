import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresStore, SqliteStore } from '../src/index.ts'
import { openServer } from './authorization-server.ts'
import { PostgresServer, query } from './postgres.ts'
import { temporaryFile } from './support.ts'

const GRANTS = 2_500
const NOW = 1_800_000_000

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.stop())

async function ready() {
  const url = await server.createDatabase()
  const store = await PostgresStore.open({ url })
  const clients = openServer(store).clients
  const { client_id } = await clients.create({ grant_types: ['client_credentials'], scope: 'read' })
  await query(
    url,
    `INSERT INTO grantor_grants (realm, id, client_id, subject, scope, session_id, created_at)
      SELECT '', 'g' || n, '${client_id}', 'alice', '[]', 's', n FROM generate_series(1, ${GRANTS}) AS n`
  )
  const trigger = (body: string) =>
    query(
      url,
      `CREATE OR REPLACE FUNCTION hinder() RETURNS trigger AS $$ BEGIN ${body} RETURN NULL; END $$ LANGUAGE plpgsql;
       CREATE OR REPLACE TRIGGER hinder AFTER UPDATE ON grantor_grants REFERENCING NEW TABLE AS changed EXECUTE FUNCTION hinder()`
    )
  const live = async () => Number((await query(url, 'SELECT count(*) FROM grantor_grants WHERE revoked_at IS NULL'))[0]?.count)
  return { store, clients, client_id, trigger, live }
}

test('many grants are revoked in several statements, each of which is short', async () => {
  const { store, client_id, trigger, live } = await ready()
  await trigger("IF (SELECT count(*) FROM changed) > 1000 THEN RAISE 'too many'; END IF;")
  expect(await store.grants.revoke({ clientId: client_id }, NOW)).toBe(GRANTS)
  expect(await live()).toBe(0)
  await store.close()
})

test('two who revoke the same at once count each grant once, and neither is done before all are revoked', async () => {
  const { store, client_id, live } = await ready()
  const revoke = async (where: { clientId: string } | { sessionId: string }) => {
    const count = await store.grants.revoke(where, NOW)
    expect(await live()).toBe(0)
    return count
  }
  const counts = await Promise.all([revoke({ clientId: client_id }), revoke({ sessionId: 's' })])
  expect(counts[0] + counts[1]).toBe(GRANTS)
  await store.close()
})

test('a client whose grants cannot be revoked is not deleted, and deleting it again finishes', async () => {
  const { store, clients, client_id, trigger, live } = await ready()
  await trigger("IF EXISTS (SELECT FROM changed WHERE id = 'g2000') THEN RAISE 'full' USING ERRCODE = '53100'; END IF;")
  await expect(clients.delete(client_id)).rejects.toMatchObject({ status: 503 })
  expect(await store.clients.find(client_id)).toBeDefined()
  await trigger('')
  expect(await clients.delete(client_id)).toBe(true)
  expect([await live(), await store.clients.find(client_id)]).toEqual([0, undefined])
  await store.close()
})

test('thousands of grants are revoked on SQLite too', async () => {
  const store = new SqliteStore({ path: temporaryFile() })
  const grants = Array.from({ length: GRANTS }, (_, index) => ({ id: `g${index}`, clientId: 'c', subject: 's', scope: [], createdAt: 0 }))
  await Promise.all(grants.map((grant) => store.grants.insert(grant, [])))
  expect(await store.grants.revoke({ clientId: 'c' }, NOW)).toBe(GRANTS)
  expect(await store.grants.list({ clientId: 'c' }, 0)).toEqual([])
  await store.close()
})
