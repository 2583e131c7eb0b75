import type { Usage } from '../contenders/serve.ts'
import type { Plan } from '../workloads/plan.ts'
import { open, type Workload } from '../workloads/workload.ts'

/** A server that is asked. */
export interface Target {
  port: number
  plan: Plan
  usage(): Promise<Usage>
}

/** What one contender did in one round of one workload. */
export interface Measurement {
  perSecond: number
  /** Milliseconds for one flow. */
  p50: number
  p99: number
  /** Microseconds of the server's CPU time for one flow. */
  cpu: number
  /** The part of the time in which the server's process was at work: well below 1, the generator was what kept it waiting. */
  busy: number
}

export interface Effort {
  connections: number
  /** Milliseconds. */
  warmUp: number
  duration: number
}

/** Each connection begins its next flow when the one before has ended. @throws Error if an answer is not what it must be. */
export async function measure(target: Target, workload: Workload, { connections, warmUp, duration }: Effort): Promise<Measurement> {
  const opened = await Promise.all(Array.from({ length: connections }, (_, index) => open(workload, target.plan, target.port, index)))
  try {
    return await polling(async () => {
      await run(opened, warmUp)
      const before = await target.usage()
      const start = performance.now()
      const times = await run(opened, duration)
      const took = performance.now() - start
      const cpu = (await target.usage()).cpu - before.cpu
      const sorted = Float64Array.from(times).sort()
      const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0
      return {
        perSecond: (times.length * 1000) / took,
        p50: at(0.5),
        p99: at(0.99),
        cpu: cpu / times.length,
        busy: cpu / 1000 / took
      }
    })
  } finally {
    for (const { close } of opened) close()
  }
}

/** @returns how long each flow took, in milliseconds */
async function run(opened: readonly { flow(): Promise<void> }[], duration: number): Promise<readonly number[]> {
  const times: number[] = []
  const end = performance.now() + duration
  const work = async (flow: () => Promise<void>) => {
    for (let start = performance.now(); start < end; ) {
      await flow()
      const now = performance.now()
      times.push(now - start)
      start = now
    }
  }
  await Promise.all(opened.map(({ flow }) => work(flow)))
  return times
}

/** Never sleeps meanwhile: whoever must be woken makes the server pay for it. */
async function polling<T>(work: () => Promise<T>): Promise<T> {
  let isOver = false
  const poll = () => {
    if (!isOver) setImmediate(poll)
  }
  poll()
  try {
    return await work()
  } finally {
    isOver = true
  }
}
