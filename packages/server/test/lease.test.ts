import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SqliteStore } from '@grantor/sql'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { GrantorServer, parseConfig } from '../src/index.ts'
import { Lease } from '../src/lease.ts'
import { createLog } from '../src/log.ts'
import { Purge } from '../src/purge.ts'
import { Readiness } from '../src/readiness.ts'
import { temporaryFolder } from './support.ts'

function ready() {
  const clock = { now: 1000 }
  const store = new SqliteStore({ path: ':memory:' })
  const lease = () => new Lease(store, 'job', async () => clock.now)
  return { clock, store, lease }
}

describe('a lease', () => {
  test('has one holder of many', async () => {
    const { lease } = ready()
    const held = await Promise.all(Array.from({ length: 20 }, () => lease().hold(60)))
    expect(held.filter((won) => won)).toHaveLength(1)
  })

  test('F-36 whoever was paused beyond its time has lost it, and does not take it back', async () => {
    const { clock, lease } = ready()
    const [paused, awake] = [lease(), lease()]
    expect(await paused.hold(60)).toBe(true)
    expect(await awake.hold(60)).toBe(false)
    clock.now += 61
    expect(await awake.hold(60)).toBe(true)
    expect(await paused.hold(60)).toBe(false)
    expect(await awake.hold(60)).toBe(true)
  })

  test('that was released is free at once, and the release of a lost one frees nothing', async () => {
    const { clock, lease } = ready()
    const [first, second] = [lease(), lease()]
    await first.hold(60)
    await first.release()
    expect(await second.hold(60)).toBe(true)
    clock.now += 61
    const third = lease()
    expect(await third.hold(60)).toBe(true)
    await second.release()
    expect(await lease().hold(60)).toBe(false)
  })
})

async function storeExpired(store: SqliteStore, count: number): Promise<void> {
  const expired = Array.from({ length: count }, (_, id) => ({ kind: 'k', id: `${id}`, value: {}, expiresAt: 500 + id }))
  await Promise.all(expired.map((artifact) => store.artifacts.insert(artifact)))
}

describe('a purge', () => {
  test('deletes all that has expired, in batches of at most 1000, and only one node is at it', async () => {
    const { clock, store } = ready()
    clock.now = 10_000
    await storeExpired(store, 5_000)
    await store.artifacts.insert({ kind: 'k', id: 'live', value: {}, expiresAt: 10_001 })
    const purges = Array.from({ length: 3 }, () => new Purge(store, () => clock.now))
    const reports = (await Promise.all(purges.map((purge) => purge.run()))).filter((report) => report !== undefined)
    expect(reports).toMatchObject([{ deleted: 5_000, lag: 0 }])
    expect(reports[0]?.batches).toBeGreaterThan(5)
    expect(await store.artifacts.find('k', 'live', 10_000)).toBeDefined()
  })

  test('that is interrupted says how long ago the oldest record that is left has expired', async () => {
    const { clock, store } = ready()
    clock.now = 10_000
    await storeExpired(store, 5_000)
    const purge = new Purge(store, () => clock.now)
    let looks = 0
    const report = await purge.run(() => ++looks > 1)
    expect(report).toMatchObject({ batches: 1, lag: clock.now - 500 - (report?.deleted ?? 0) })
    expect(report?.deleted).toBeGreaterThan(0)
    expect(await purge.run()).toMatchObject({ deleted: 5_000 - (report?.deleted ?? 0), lag: 0 })
    expect(await purge.run()).toMatchObject({ deleted: 0, batches: 1, lag: 0 })
  })

  test('of a node whose clock runs ahead deletes nothing that is alive by the clock of the store', async () => {
    const { store } = ready()
    const now = await store.now()
    await store.artifacts.insert({ kind: 'k', id: 'live', value: {}, expiresAt: now + 3600 })
    expect(await new Purge(store, () => now + 7200).run()).toMatchObject({ deleted: 0 })
    expect(await store.artifacts.find('k', 'live', now)).toBeDefined()
  })

  test('that fails lets the next node begin at once', async () => {
    const path = join(temporaryFolder(), 'grantor.db')
    const store = new SqliteStore({ path })
    await storeExpired(store, 10)
    const database = new DatabaseSync(path)
    database.exec("CREATE TRIGGER hinder BEFORE DELETE ON grantor_artifacts BEGIN SELECT RAISE(ABORT, 'no'); END")
    await expect(new Purge(store, () => 5000).run()).rejects.toThrow('no')
    database.exec('DROP TRIGGER hinder')
    database.close()
    expect(await new Purge(store, () => 5000).run()).toMatchObject({ deleted: 10 })
    await store.close()
  })
})

describe('a node is ready', () => {
  test('DP-15 while its clock is within half a minute of the database, and says so once if it is not', async () => {
    const { store } = ready()
    const lines: string[] = []
    const log = createLog('error', { write: (line) => void lines.push(line) })
    const clock = { skew: 29 }
    const readiness = new Readiness(store, () => Math.floor(Date.now() / 1000) + clock.skew, log)
    expect(await readiness.check()).toBe(true)
    for (clock.skew of [40, 40, -40]) expect(await readiness.check()).toBe(false)
    clock.skew = -28
    expect(await readiness.check()).toBe(true)
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the clock of this node is not that of the database: it is not ready'])
  })
})

test('a server purges when it starts, and logs what was deleted and how far behind it is', async () => {
  const folder = temporaryFolder()
  const database = join(folder, 'grantor.db')
  const store = new SqliteStore({ path: database })
  await storeExpired(store, 700)
  await store.close()
  const lines: Record<string, unknown>[] = []
  const logged = new EventEmitter()
  const log = pino({}, { write: (line: string) => void logged.emit('line', lines.push(JSON.parse(line))) })
  writeFileSync(join(folder, 'secret'), 'a secret of thirty-two characters, or more', { mode: 0o600 })
  const config = parseConfig({ issuer: 'http://localhost:9400', port: 0, database, secretFile: 'secret' }, folder)
  const server = await GrantorServer.open(config, log)
  await server.start()
  while (!lines.some(({ msg }) => msg === 'purged')) await once(logged, 'line')
  const line = { deleted: 700, batches: expect.any(Number), longest: expect.any(Number), lag: 0 }
  expect(lines.find(({ msg }) => msg === 'purged')).toMatchObject(line)
  await server.close()
})
