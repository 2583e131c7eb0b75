import { describe, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { storeContract } from '../src/stores/contract.ts'

describe('MemoryStore keeps the contract of a store', () => {
  for (const { name, run } of storeContract(async () => ({ store: new MemoryStore() }))) test(name, run)
})
