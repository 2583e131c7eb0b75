import { storeContract } from 'grantor/stores/contract'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import { Cluster } from '../cluster.ts'
import { PostgresServer } from '../postgres.ts'
import { PgBouncer } from './pgbouncer.ts'

// Not part of a run without `pgbouncer` on the PATH (vitest.config.ts): it is not to be had from npm. The continuous integration installs it.

let postgres: PostgresServer
let pooler: PgBouncer
beforeAll(async () => {
  postgres = await PostgresServer.start()
  pooler = await PgBouncer.start(postgres.url)
})
afterAll(async () => {
  await pooler.stop()
  await postgres.stop()
})

describe.each(['?prepared_statements=false', ...(PgBouncer.knowsStatements() ? [''] : [])])(
  'through PgBouncer in transaction mode %s',
  (options) => {
    const locate = async () => pooler.locationOf(await postgres.createDatabase()) + options
    const open = async () => {
      const store = await openStore(await locate())
      return { store, close: () => store.close() }
    }
    describe('PostgresStore keeps the contract of a store', () => {
      for (const { name, run } of storeContract(open)) test(name, run)
    })

    test('five hundred statements at once, over three connections, are each answered with their own rows', async () => {
      const { store, close } = await open()
      const ids = Array.from({ length: 500 }, (_, index) => `id-${index}`)
      const kind = 'pipelined'
      const stored = await Promise.all(ids.map((id) => store.artifacts.insert({ kind, id, value: { id }, expiresAt: 2_000_000_000 })))
      expect(stored).toEqual(ids.map(() => true))
      const found = await Promise.all(ids.map((id) => store.artifacts.find(kind, id, 0)))
      expect(found.map((artifact) => artifact?.value)).toEqual(ids.map((id) => ({ id })))
      await close()
    })

    test('two nodes behind it migrate at the same moment, and a code has one winner of 20', async () => {
      const cluster = await Cluster.start(await locate(), 2)
      for (let trial = 0; trial < 20; trial++) {
        const code = await cluster.code()
        const answers = await cluster.race(20, (node) => cluster.redeem(node, code))
        expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
      }
      await cluster.stop()
    })
  }
)
