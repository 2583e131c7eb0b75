import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { storeContract } from '../src/stores/contract.ts'

describe('MemoryStore keeps the contract of a store', () => {
  for (const { name, run } of storeContract(async () => ({ store: new MemoryStore() }))) test(name, run)
})

test('MemoryStore forgets what has expired though nobody purges it', async () => {
  const { grants, artifacts } = new MemoryStore()
  const ids = Array.from({ length: 1000 }, (_, i) => String(i))
  for (const [i, id] of ids.entries()) {
    await grants.insert({ id, clientId: 'c', subject: 's', scope: [], createdAt: i, expiresAt: i + 10 }, [])
    await artifacts.insert({ kind: 'k', id, value: {}, expiresAt: i + 10 })
    await artifacts.find('k', id, i)
  }
  const left = async (look: (id: string) => Promise<unknown>) => (await Promise.all(ids.map(look))).filter((one) => one !== undefined)
  expect((await left((id) => grants.find(id))).length).toBeLessThan(40)
  // An expired record still takes its id.
  expect(
    (await Promise.all(ids.map((id) => artifacts.insert({ kind: 'k', id, value: {}, expiresAt: 2000 })))).filter((taken) => !taken).length
  ).toBeLessThan(40)
})
