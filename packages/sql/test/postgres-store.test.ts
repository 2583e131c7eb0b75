import { storeContract } from 'grantor/stores/contract'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { PostgresStore } from '../src/index.ts'
import { PostgresServer } from './postgres.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await PostgresServer.start()
})
afterAll(() => server.stop())

describe.each([
  ['PostgreSQL', ''],
  ['PostgreSQL at SERIALIZABLE', '?options=-c%20default_transaction_isolation%3Dserializable']
])('%s keeps the contract of a store', (_, options) => {
  const open = async () => {
    const store = await PostgresStore.open({ url: (await server.createDatabase()) + options })
    return { store, close: () => store.close() }
  }
  for (const { name, run } of storeContract(open)) test(name, run)
})
