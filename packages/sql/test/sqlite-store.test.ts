import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeContract } from 'grantor/stores/contract'
import { describe, test } from 'vitest'
import { SqliteStore } from '../src/index.ts'

function temporaryFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'grantor-')), 'grantor.db')
}

describe('SqliteStore keeps the contract of a store', () => {
  const open = async () => {
    const store = new SqliteStore({ path: temporaryFile() })
    return { store, close: () => store.close() }
  }
  for (const { name, run } of storeContract(open)) test(name, run)
})
