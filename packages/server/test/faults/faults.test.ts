import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PostgresServer, query } from '../../../sql/test/postgres.ts'
import { temporaryFolder } from '../support.ts'
import { Nodes } from './deployment.ts'
import { Ledger } from './ledger.ts'
import { judge } from './oracle.ts'

const LONG = process.env.FAULTS === 'long'
const KILLS = LONG ? 50 : 4
const RESTARTS = LONG ? 10 : 2
const PAUSE = LONG ? 10_000 : 4_000
const WORKERS = 12
/** Milliseconds of load before a fault strikes: at least a little, at most so long. */
const LULL = 200
/** Milliseconds in which everything is answered: a turn, a connection, a statement, and what a machine with two cores takes. */
const BOUND = 8_000
const EXPIRED = 100_000

const reports: string[] = []
afterAll(() => console.log(reports.join('\n')))

const lull = () => wait(20 + Math.random() * LULL)

/** Loads the nodes while faults strike, then compares what clients were told with what is. */
async function suffer(
  name: string,
  nodes: Nodes,
  database: string,
  faults: number,
  strike: (round: number) => Promise<void>
): Promise<Ledger> {
  const ledger = new Ledger(nodes.deployment)
  await ledger.load(WORKERS, async () => {
    await wait(LULL)
    for (let round = 0; round < faults; round++) {
      await strike(round)
      await lull()
    }
    await wait(LULL)
  })
  const { requests, faults: felt, families, longest } = ledger
  const violations = await judge(ledger, nodes.deployment.ports, database)
  reports.push(
    `${name}: ${faults} faults, ${requests} requests, ${families.length} families, ${felt} requests felt a fault, longest ${longest} ms, ${violations.length} violations`
  )
  expect(longest).toBeLessThan(BOUND)
  expect([...new Set(violations)]).toEqual([])
  expect(families.length).toBeGreaterThan(10)
  return ledger
}

describe('SQLite', { timeout: 600_000 }, () => {
  async function start() {
    const folder = temporaryFolder()
    const database = join(folder, 'grantor.db')
    return { database, nodes: await Nodes.start(1, database, { folder }) }
  }

  test(`F-01 kill -9 of the node, ${KILLS} times`, async () => {
    const { nodes, database } = await start()
    await suffer('SQLite, kill -9', nodes, database, KILLS, async () => {
      await nodes.killNode(0)
      await nodes.startNode(0)
    })
    const sqlite = new DatabaseSync(database)
    expect(sqlite.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    sqlite.close()
    await nodes.stop()
  })

  test('F-06 no file may grow: nothing is issued, nothing is lost, and all goes on when there is room again', async () => {
    const { nodes, database } = await start()
    const ledger = await suffer('SQLite, disk full', nodes, database, 2, async () => {
      limitFiles(nodes.pidOf(0), '8192')
      await wait(500)
      limitFiles(nodes.pidOf(0), 'unlimited')
    })
    expect(ledger.faults).toBeGreaterThan(0)
    await nodes.stop()
  })

  test('F-07 another process holds the lock for longer than anybody waits', async () => {
    const { nodes, database } = await start()
    const ledger = await suffer('SQLite, locked', nodes, database, 1, async () => {
      const other = new DatabaseSync(database, { timeout: 5000 })
      other.exec('BEGIN IMMEDIATE')
      await wait(6_500)
      other.exec('ROLLBACK')
      other.close()
    })
    expect(ledger.faults).toBeGreaterThan(0)
    await nodes.stop()
  })
})

describe('PostgreSQL', { timeout: 600_000 }, () => {
  let postgres: PostgresServer
  let database: string
  let nodes: Nodes
  beforeAll(async () => {
    postgres = await PostgresServer.start(['fsync=on'])
    database = await postgres.createDatabase()
    nodes = await Nodes.start(2, database)
  }, 60_000)
  afterAll(async () => {
    await nodes.stop()
    await postgres.stop()
  })

  test(`F-02 kill -9 of one of two nodes, ${KILLS} times`, async () => {
    await suffer('PostgreSQL, kill -9 of a node', nodes, database, KILLS, async (round) => {
      await nodes.killNode(round % nodes.count)
      await nodes.startNode(round % nodes.count)
    })
  })

  test(`F-09 immediate restart of the database, ${RESTARTS} times: no node is restarted`, async () => {
    const ledger = await suffer('PostgreSQL, immediate restart', nodes, database, RESTARTS, async () => {
      await postgres.crash()
      await lull()
      await postgres.resume()
    })
    expect(ledger.faults).toBeGreaterThan(0)
  })

  test(`F-11 a database that is paused for ${PAUSE} ms: nobody waits longer than the limits, and all goes on afterwards`, async () => {
    const ledger = await suffer('PostgreSQL, paused', nodes, database, 1, async () => {
      postgres.pause()
      await wait(PAUSE)
      const [port = 0] = nodes.deployment.ports
      const start = performance.now()
      const response = await fetch(`http://127.0.0.1:${port}/readyz`)
      expect(response.status).toBe(503)
      expect(performance.now() - start).toBeLessThan(4_500)
      postgres.unpause()
    })
    expect(ledger.faults).toBeGreaterThan(0)
  })

  test('F-36 a node that is paused: the others go on, and it does when it wakes', async () => {
    await suffer('PostgreSQL, paused node', nodes, database, 1, async () => {
      process.kill(nodes.pidOf(1), 'SIGSTOP')
      await wait(2_000)
      process.kill(nodes.pidOf(1), 'SIGCONT')
    })
  })

  test('F-36 a node that sleeps through its lease of the purge: another takes it, and it stops when it wakes', async () => {
    const lease = async () => {
      const [row] = await query(database, "SELECT value FROM grantor_artifacts WHERE kind = 'lease' AND id = 'purge'")
      return JSON.parse(String(row?.value ?? '{"token":0,"until":0}')) as { token: number; until: number }
    }
    const expired = async () => Number((await query(database, "SELECT count(*) FROM grantor_artifacts WHERE kind = 'expired'"))[0]?.count)
    await suffer('PostgreSQL, paused holder of the lease', nodes, database, 1, async () => {
      await query(
        database,
        `INSERT INTO grantor_artifacts (realm, kind, id, value, expires_at) SELECT '', 'expired', lpad(n::text, 7, '0'), '{}', n FROM generate_series(1, ${EXPIRED}) AS n`
      )
      // A node purges when it starts.
      await nodes.killNode(1)
      await nodes.startNode(1)
      await expect.poll(async () => (await lease()).until, { timeout: 10_000 }).toBeGreaterThan(0)
      process.kill(nodes.pidOf(1), 'SIGSTOP')
      const { token } = await lease()
      expect(await expired()).toBeGreaterThan(0)
      // As if its time were over.
      await query(database, "UPDATE grantor_artifacts SET value = (value::jsonb || '{\"until\":1}')::text WHERE kind = 'lease'")
      await nodes.killNode(0)
      await nodes.startNode(0)
      await expect.poll(async () => (await lease()).token, { timeout: 10_000 }).toBe(token + 1)
      process.kill(nodes.pidOf(1), 'SIGCONT')
      await expect.poll(expired, { timeout: 120_000, interval: 200 }).toBe(0)
      await expect.poll(lease, { timeout: 10_000 }).toEqual({ token: token + 1, until: 0 })
    })
  })

  test('I12 a node whose clock is two hours ahead is not ready, and purges nothing that is alive', async () => {
    const ledger = new Ledger({ ...nodes.deployment, ports: nodes.deployment.ports.slice(0, 1) })
    await ledger.load(WORKERS, async () => {
      await wait(LULL * 5)
      await query(database, "INSERT INTO grantor_artifacts (realm, kind, id, value, expires_at) VALUES ('', 'expired', 'one', '{}', 1)")
      await nodes.killNode(1)
      await nodes.startNode(1, 7_200)
      expect((await fetch(`http://127.0.0.1:${nodes.deployment.ports[1]}/readyz`)).status).toBe(503)
      // Its purge was there.
      await expect.poll(() => query(database, "SELECT 1 FROM grantor_artifacts WHERE kind = 'expired'"), { timeout: 10_000 }).toEqual([])
    })
    await nodes.killNode(1)
    await nodes.startNode(1)
    expect(await judge(ledger, nodes.deployment.ports, database)).toEqual([])
    expect(ledger.families.length).toBeGreaterThan(10)
  })
})

/** To a process whose files may not grow beyond so many bytes the disk is full. */
function limitFiles(pid: number, bytes: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
}
