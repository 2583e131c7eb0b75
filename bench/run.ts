// Grantor beside what people would otherwise pick, in one run, as ratios to a floor in the same round. ROUNDS, SECONDS (each measurement),
// LIVE_TOKENS and ONLY (parts of contenders' names, with commas) make it shorter.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PostgresServer } from '../packages/sql/test/postgres.ts'
import { type ContenderEntry, FLOOR, LIBRARY, libraryOn, ON_SQLITE, PEERS, serverOn } from './contenders/contenders.ts'
import { machine } from './databases.ts'
import { footprintOf } from './footprint/footprint.ts'
import { storeCostsOf } from './footprint/store-costs.ts'
import { ContenderProcess, isPinned, pinGenerator } from './generator/process.ts'
import { installPeers } from './peers/install.ts'
import { chart } from './report/chart.ts'
import type { Footprint, Results, StoreCost } from './report/results.ts'
import { tables } from './report/table.ts'
import { rounds } from './rounds.ts'
import { durable, WORKLOADS } from './workloads/workloads.ts'

const { ROUNDS = '5', SECONDS = '1', LIVE_TOKENS = '100000', ONLY = '' } = process.env
const PEOPLE = '100'
const [count, seconds] = [Number(ROUNDS), Number(SECONDS)]
const effort = { count, connections: 32, warmUp: seconds * 250, duration: seconds * 1000 }

installPeers()
// Before this process has one core only.
const where = machine()
pinGenerator()
if (!isPinned) console.error('taskset is not here, or there is one core: server and generator are not kept apart')
const folder = mkdtempSync(join(tmpdir(), 'grantor-bench-'))
const postgres = await PostgresServer.start(['shared_buffers=256MB'])
let files = 0
const newFile = async () => join(folder, `${files++}.db`)
const running: ContenderProcess[] = []
try {
  const start = async (entry: ContenderEntry) => {
    const contender = await ContenderProcess.start(entry, { PEOPLE })
    running.push(contender)
    return contender
  }
  const chosen = (entries: readonly ContenderEntry[]) => entries.filter(({ name }) => ONLY.split(',').some((part) => name.includes(part)))
  const entries = chosen([LIBRARY, serverOn('SQLite', newFile), serverOn('PostgreSQL', () => postgres.createDatabase()), ...PEERS])
  const footprints: Footprint[] = []
  for (const entry of entries) {
    console.error(`${entry.name}: first token, memory, packages`)
    footprints.push(await footprintOf(entry, { starts: count, liveTokens: Number(LIVE_TOKENS), seconds: seconds * 60 }))
  }
  const storeCosts: StoreCost[] = []
  for (const entry of chosen([LIBRARY, ...PEERS])) storeCosts.push(...(await storeCostsOf(entry, WORKLOADS)))
  const floor = await start(FLOOR)
  const contenders: ContenderProcess[] = []
  for (const entry of entries) contenders.push(await start(entry))
  const onSqlite = await start(libraryOn(ON_SQLITE, newFile))
  const compared = await rounds(floor, contenders, WORKLOADS, effort)
  const library = contenders.filter(({ entry }) => entry === LIBRARY)
  const committed = await rounds(floor, [...library, onSqlite], [durable], { ...effort, connections: 64 })
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    ...{ machine: where, isPinned, rounds: count, seconds },
    results: [...compared, ...committed],
    ...{ footprints, storeCosts }
  }
  console.log(tables(results))
  writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`)
  writeFileSync(new URL('chart.svg', import.meta.url), chart(results))
} finally {
  for (const contender of running) await contender.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
