import { SqliteStore } from '@grantor/sql'
import { describe, expect, test } from 'vitest'
import { Lease } from '../src/lease.ts'
import { Purge } from '../src/purge.ts'

function ready() {
  const clock = { now: 1000 }
  const store = new SqliteStore({ path: ':memory:' })
  const lease = () => new Lease(store, 'job', () => clock.now)
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

test('a purge deletes all that has expired, in batches, and only one node is at it', async () => {
  const { clock, store } = ready()
  for (let id = 0; id < 1200; id++) await store.artifacts.insert({ kind: 'k', id: `${id}`, value: {}, expiresAt: id < 1100 ? 500 : 5000 })
  const purges = Array.from({ length: 3 }, () => new Purge(store, () => clock.now))
  const reports = await Promise.all(purges.map((purge) => purge.run()))
  expect(reports.filter((report) => report !== undefined)).toMatchObject([{ deleted: 1100, batches: 3 }])
  expect(await store.artifacts.find('k', '1150', 1000)).toBeDefined()
})
