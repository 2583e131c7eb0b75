import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { storeContract } from '../src/stores/contract.ts'

describe('MemoryStore keeps the contract of a store', () => {
  for (const { name, run } of storeContract(async () => ({ store: new MemoryStore() }))) test(name, run)
})

test('MemoryStore gives the id of what has expired away again, though nothing of its kind is added', async () => {
  const { artifacts } = new MemoryStore()
  const lock = { kind: 'lock', id: 'alice', value: {}, expiresAt: 100 }
  expect([await artifacts.insert(lock), await artifacts.insert(lock)]).toEqual([true, false])
  expect(await artifacts.find('lock', 'alice', 100)).toBeUndefined()
  expect([await artifacts.insert({ ...lock, expiresAt: 200 }), await artifacts.insert(lock)]).toEqual([true, false])
})

test('MemoryStore forgets what has expired though nobody purges it', async () => {
  const store = new MemoryStore()
  const { grants, artifacts } = store
  const ids = Array.from({ length: 1000 }, (_, i) => String(i))
  for (const [i, id] of ids.entries()) {
    await grants.insert({ id, clientId: 'c', subject: 's', scope: [], createdAt: i, expiresAt: i + 10 }, [])
    await artifacts.insert({ kind: 'k', id, value: {}, expiresAt: i + 10 })
    await artifacts.find('k', id, i)
  }
  // Of the thousand of each, a purge finds what the store did not forget by itself.
  expect(await store.purge(2000, 10_000)).toBeLessThan(80)
})
