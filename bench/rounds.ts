import { FLOOR } from './contenders/contenders.ts'
import { floorOf } from './floors/floor.ts'
import { type Effort, type Measurement, measure } from './generator/load.ts'
import type { ContenderProcess } from './generator/process.ts'
import { type Result, Series } from './report/results.ts'
import type { Workload } from './workloads/workload.ts'

/** All contenders in turn, in every round in another order, each beside the floor of the same workload in the same round. The first warms up. */
export async function rounds(
  floor: ContenderProcess,
  contenders: readonly ContenderProcess[],
  workloads: readonly Workload[],
  { count, ...effort }: Effort & { count: number }
): Promise<readonly Result[]> {
  const series = new Map<string, Series>()
  const of = (workload: Workload, name: string) => {
    const key = JSON.stringify([workload.name, name])
    const found = series.get(key) ?? new Series()
    series.set(key, found)
    return found
  }
  for (let round = 0; round <= count; round++) {
    for (const workload of workloads) {
      const lowest = await measure(floor, floorOf(workload), effort)
      const turn = rotated(
        contenders.filter(({ plan }) => workload.isOffered(plan)),
        round
      )
      const measured: [string, Measurement][] = [[FLOOR.name, lowest]]
      for (const contender of turn) measured.push([contender.entry.name, await measure(contender, workload, effort)])
      if (round > 0) for (const [name, own] of measured) of(workload, name).add(own, lowest)
    }
    console.error(round === 0 ? 'warmed up' : `round ${round} of ${count}`)
  }
  return [...series].map(([key, own]) => {
    const [workload, contender] = JSON.parse(key) as [string, string]
    return own.result(workload, contender)
  })
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
