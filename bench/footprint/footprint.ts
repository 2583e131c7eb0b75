import type { ContenderEntry } from '../contenders/contenders.ts'
import { Connection } from '../generator/connection.ts'
import { ContenderProcess } from '../generator/process.ts'
import { type Footprint, median } from '../report/results.ts'
import { tokens } from '../workloads/checks.ts'
import type { Form } from '../workloads/plan.ts'
import { installed } from './installed.ts'

const CONNECTIONS = 32

/** What a contender costs beside its requests. @param seconds after which it is enough, however many tokens there are */
export async function footprintOf(
  entry: ContenderEntry,
  { starts, liveTokens, seconds }: { starts: number; liveTokens: number; seconds: number }
): Promise<Footprint> {
  const times: number[] = []
  for (let start = 0; start < starts; start++) times.push(await timeToFirstAnswer(entry))
  const { packages, bytes, version } = installed(entry.installed)
  const memory = entry.database === undefined ? await memoryOf(entry, liveTokens, seconds) : {}
  return { contender: entry.name, version, firstAnswer: median(times), packages, megabytes: bytes / 2 ** 20, ...memory }
}

async function timeToFirstAnswer(entry: ContenderEntry): Promise<number> {
  const start = performance.now()
  const process = await ContenderProcess.start(entry, { PEOPLE: '0' })
  const connection = await Connection.open(process.port)
  tokens(await connection.post(process.plan.opaque as Form))
  const time = performance.now() - start
  connection.close()
  await process.stop()
  return time
}

async function memoryOf(entry: ContenderEntry, wanted: number, seconds: number): Promise<Partial<Footprint>> {
  const process = await ContenderProcess.start(entry, { PEOPLE: '0' })
  const end = performance.now() + seconds * 1000
  const ask = async (connection: Connection) => tokens(await connection.post(process.plan.opaque as Form))
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(process.port)))
  await ask(connections[0] as Connection)
  const before = await process.usage()
  let count = 1
  const work = async (connection: Connection) => {
    while (count < wanted && performance.now() < end) {
      count++
      await ask(connection)
    }
  }
  await Promise.all(connections.map(work))
  const after = await process.usage()
  for (const connection of connections) connection.close()
  await process.stop()
  return { startMemory: before.rss / 2 ** 20, memory: after.rss / 2 ** 20, tokens: count }
}
