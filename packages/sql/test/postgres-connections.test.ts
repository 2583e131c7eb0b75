import { setTimeout as wait } from 'node:timers/promises'
import { TemporarilyUnavailableError } from 'grantor'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresStore } from '../src/index.ts'
import { Turns } from '../src/turns.ts'
import { PostgresServer, query } from './postgres.ts'

const LATER = 9_000_000_000

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.stop())

async function ready(options: Partial<Parameters<typeof PostgresStore.open>[0]> = {}) {
  const url = await server.createDatabase()
  const name = new URL(url).pathname.slice(1)
  const store = await PostgresStore.open({ url, ...options })
  const admin = (sql: string) => query(`${server.url}/postgres`, sql)
  const backends = async () => Number((await admin(`SELECT count(*) FROM pg_stat_activity WHERE datname = '${name}'`))[0]?.count)
  const terminate = () => admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
  return { url, name, store, admin, backends, terminate }
}

const artifact = (id: string, value: unknown = {}) => ({ kind: 'k', id, value, expiresAt: LATER })
const causeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => [error.constructor, (error.cause as pg.DatabaseError | undefined)?.code]
  )

test('a backend that is ended under load, many times, leaves no connection behind, and closing ends all', async () => {
  const { store, backends, terminate } = await ready()
  let running = true
  const work = async () => {
    while (running) {
      await store.artifacts.find('k', 'x', 1).catch(() => {})
      await wait(Math.random() * 3)
    }
  }
  const workers = Array.from({ length: 6 }, work)
  for (let round = 0; round < 30; round++) {
    await wait(20)
    await terminate()
  }
  running = false
  await Promise.all(workers)
  expect(await backends()).toBeLessThanOrEqual(6)
  await store.close()
  await expect.poll(backends).toBe(0)
})

test('whoever waits for a locked row holds up nobody else, and is told to try again', async () => {
  const { store, url } = await ready()
  await store.artifacts.insert(artifact('locked'))
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await other.query("BEGIN; SELECT 1 FROM grantor_artifacts WHERE id = 'locked' FOR UPDATE")
  let waits = true
  const locked = causeOf(store.artifacts.consume({ kind: 'k', id: 'locked' }, { now: 1 })).finally(() => {
    waits = false
  })
  let answered = 0
  for (; waits && answered < 50; answered++) await store.clients.find('x')
  expect(answered).toBe(50)
  // 55P03: the database gave up, before our own limit would have cost the connection.
  expect(await locked).toEqual([TemporarilyUnavailableError, '55P03'])
  await other.end()
  await store.close()
})

test('a turn that does not come in time is an error to try again later, and those who have one keep it', async () => {
  const turns = new Turns(1, 20)
  let finish = () => {}
  const first = turns.with(() => new Promise<string>((resolve) => (finish = () => resolve('first'))))
  await expect(turns.with(async () => 'late')).rejects.toBeInstanceOf(TemporarilyUnavailableError)
  const next = turns.with(async () => 'next')
  finish()
  expect(await Promise.all([first, next])).toEqual(['first', 'next'])
  expect(await turns.with(async () => 'again')).toBe('again')
})

test('a serialization failure and a deadlock that do not end are answered 503 after three more attempts', async () => {
  const { store, url } = await ready()
  for (const code of ['40001', '40P01']) {
    await query(
      url,
      `CREATE SEQUENCE attempts; CREATE FUNCTION fail() RETURNS trigger AS $$ BEGIN PERFORM nextval('attempts'); RAISE EXCEPTION 'no' USING ERRCODE = '${code}'; END $$ LANGUAGE plpgsql;
       CREATE TRIGGER fail BEFORE INSERT ON grantor_artifacts FOR EACH ROW EXECUTE FUNCTION fail()`
    )
    expect(await causeOf(store.artifacts.insert(artifact(code)))).toEqual([TemporarilyUnavailableError, code])
    expect(await query(url, 'SELECT last_value FROM attempts')).toEqual([{ last_value: '4' }])
    await query(url, 'DROP TRIGGER fail ON grantor_artifacts; DROP FUNCTION fail; DROP SEQUENCE attempts')
  }
  expect(await store.artifacts.insert(artifact('again'))).toBe(true)
  await store.close()
})

test('a primary that takes no more writes is left for another connection', async () => {
  const { store, url, name, admin, terminate } = await ready()
  await admin(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
  await terminate()
  await expect.poll(() => causeOf(store.artifacts.insert(artifact('refused')))).toEqual([TemporarilyUnavailableError, '25006'])
  await admin(`ALTER DATABASE ${name} SET default_transaction_read_only = off`)
  // Nobody ends the old connections: the store does.
  for (let turn = 0; turn < 8; turn++) {
    await expect.poll(() => store.artifacts.insert(artifact(`${turn}`)).catch(() => undefined)).toBe(true)
  }
  expect(await query(url, 'SELECT count(*) FROM grantor_artifacts')).toEqual([{ count: '8' }])
  await store.close()
})

test('statements that the database no longer has prepared are prepared again', async () => {
  const { store, url } = await ready({ connections: 1 })
  await query(url, 'CREATE FUNCTION forget() RETURNS trigger AS $$ BEGIN DEALLOCATE ALL; RETURN NEW; END $$ LANGUAGE plpgsql')
  await query(url, 'CREATE TRIGGER forget AFTER INSERT ON grantor_clients FOR EACH ROW EXECUTE FUNCTION forget()')
  expect(await store.artifacts.insert(artifact('a'))).toBe(true)
  await store.clients.insert({ client_id: 'c' } as never)
  expect(await store.artifacts.insert(artifact('b'))).toBe(true)
  await store.close()
})

test('a table that is missing and a right that was withdrawn are failures of the database, not of the request', async () => {
  const { store, url } = await ready()
  await query(url, 'ALTER TABLE grantor_clients RENAME TO elsewhere')
  expect(await causeOf(store.clients.find('c'))).toEqual([TemporarilyUnavailableError, '42P01'])
  await query(url, 'ALTER TABLE elsewhere RENAME TO grantor_clients')
  expect(await store.clients.find('c')).toBeUndefined()
  await store.close()
})

test('closing does not wait for a database that does not answer', async () => {
  const { store, url } = await ready()
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await store.artifacts.insert(artifact('locked'))
  await other.query('BEGIN; LOCK grantor_artifacts')
  const pending = causeOf(store.artifacts.find('k', 'locked', 1))
  server.pause()
  const closed = store.close()
  const start = performance.now()
  await closed
  expect(performance.now() - start).toBeLessThan(2_000)
  server.unpause()
  expect((await pending)?.[0]).toBe(TemporarilyUnavailableError)
  await expect(store.clients.find('c')).rejects.toBeInstanceOf(TemporarilyUnavailableError)
  await other.end()
})
