import { Connection } from '../generator/connection.ts'
import type { Plan } from './plan.ts'

/** What is measured of every contender that offers it. */
export interface Workload {
  readonly name: string
  /** What the floor does for one flow: as many requests, with the least work in each. */
  readonly floor: readonly FloorPath[]
  readonly isOffered: (plan: Plan) => boolean
  /** Makes a connection ready. @returns one flow on it, which throws if an answer is not what it must be. */
  prepare(plan: Plan, connection: Connection, person: string): Promise<() => Promise<void>>
}

type FloorPath = '/form' | '/sign' | '/keep' | '/get'

/** Readies a connection of its own for a workload. */
export async function open(workload: Workload, plan: Plan, port: number, index: number): Promise<{ flow(): Promise<void>; close(): void }> {
  const connection = await Connection.open(port)
  const flow = await workload.prepare(plan, connection, plan.people[index % plan.people.length] ?? '')
  return { flow, close: () => connection.close() }
}
