// Tokens a second and their times with 1, 2 and 4 processes of `grantor serve` that share a port and a PostgreSQL, in turn. All of it, the
// database and the generator too, shares the cores that there are. ROUNDS and SECONDS make it shorter.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { PostgresServer } from '../packages/sql/test/postgres.ts'
import { freePort } from '../packages/sql/test/support.ts'
import { machine } from './databases.ts'
import { Connection } from './generator/connection.ts'
import { type Measurement, measure, type Target } from './generator/load.ts'
import { median } from './report/results.ts'
import { table } from './report/table.ts'
import { form } from './workloads/plan.ts'
import { durable } from './workloads/workloads.ts'

const { ROUNDS = '5', SECONDS = '2' } = process.env
const WORKERS = [1, 2, 4]
const cli = new URL('../packages/server/dist/cli.js', import.meta.url).pathname
const effort = { connections: 64, warmUp: Number(SECONDS) * 250, duration: Number(SECONDS) * 1000 }

const folder = mkdtempSync(join(tmpdir(), 'grantor-bench-'))
const postgres = await PostgresServer.start(['shared_buffers=256MB'])
const stops: (() => Promise<void>)[] = []
try {
  const targets = new Map<number, Target>()
  for (const count of WORKERS) targets.set(count, await start(count))
  const measured = new Map<number, Measurement[]>(WORKERS.map((count) => [count, []]))
  for (let round = 0; round <= Number(ROUNDS); round++) {
    for (const [count, target] of targets) {
      const measurement = await measure(target, durable, effort)
      // The first round warms up.
      if (round > 0) measured.get(count)?.push(measurement)
    }
  }
  const rows = [...measured].map(([count, all]) => {
    const middle = (pick: (one: Measurement) => number) => median(all.map(pick))
    const ratio = median(all.map(({ perSecond }, round) => perSecond / (measured.get(1)?.[round]?.perSecond ?? perSecond)))
    return [
      `${count}`,
      middle((one) => one.perSecond).toFixed(0),
      ratio.toFixed(2),
      ...[middle(({ p50 }) => p50), middle(({ p99 }) => p99)].map((time) => time.toFixed(1))
    ]
  })
  console.log(`${machine()}\n\n${table(['worker processes', 'tokens/s', '× one', 'p50 ms', 'p99 ms'], rows)}`)
} finally {
  for (const stop of stops) await stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** A server of so many processes, with a client. */
async function start(workers: number): Promise<Target> {
  const port = await freePort()
  const file = join(folder, `${workers}.json`)
  const database = await postgres.createDatabase()
  const config = {
    issuer: `http://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    database,
    secretFile: `${workers}.secret`,
    logLevel: 'silent'
  }
  writeFileSync(file, JSON.stringify(config))
  const metadata = JSON.stringify({ grant_types: ['client_credentials'], scope: 'read' })
  const client = JSON.parse(execFileSync(process.execPath, [cli, 'client', '--config', file, metadata], { encoding: 'utf8' }))
  const child = spawn(process.execPath, [cli, 'serve', '--config', file, '--workers', String(workers)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' }
  })
  stops.push(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  while (!(await answers(port))) await wait(50)
  const params = { grant_type: 'client_credentials', scope: 'read' }
  return {
    port,
    plan: { opaque: form('/token', { id: client.client_id, secret: client.client_secret }, params), people: [] },
    // Of several processes nobody asks for it.
    usage: async () => ({ cpu: 0, rss: 0, calls: 0, written: 0 })
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await Connection.open(port)
    connection.close()
    return true
  } catch {
    return false
  }
}
