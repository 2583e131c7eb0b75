// What every contender's process does: listen, say how it is asked, and tell over the channel what it has used.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Plan } from '../workloads/plan.ts'
import { Counter } from './counter.ts'

export interface Surroundings {
  /** Of this process, as its clients see it. */
  origin: string
  /** How many people sign in before anything is measured. */
  people: number
  /** Counts the calls of a store, where that is what is measured. */
  counter: Counter
}

export interface Contender {
  listener: (request: IncomingMessage, response: ServerResponse) => unknown
  /** Called when the listener answers. */
  plan(): Promise<Plan>
}

/** What a contender's process tells of itself. */
export interface Usage {
  /** Microseconds of CPU time, of the system too. */
  cpu: number
  /** Bytes. */
  rss: number
  calls: number
  written: number
}

export async function serve(setUp: (surroundings: Surroundings) => Promise<Contender>): Promise<void> {
  const http = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const counter = new Counter(process.env.COUNT === '1')
  const { listener, plan } = await setUp({ origin: `http://127.0.0.1:${port}`, people: Number(process.env.PEOPLE ?? 1), counter })
  http.on('request', listener)
  await announce(port, counter, await plan())
}

/** For a server that listens by itself. */
export async function announce(port: number, counter: Counter, plan: Plan): Promise<void> {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    const usage: Usage = { cpu: user + system, rss: process.memoryUsage.rss(), calls: counter.calls, written: counter.written }
    process.send?.({ usage })
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ port, plan })
}
