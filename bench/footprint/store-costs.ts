import type { ContenderEntry } from '../contenders/contenders.ts'
import { ContenderProcess } from '../generator/process.ts'
import type { StoreCost } from '../report/results.ts'
import { open, type Workload } from '../workloads/workload.ts'

const FLOWS = 20

/** One at a time, when everything that is kept for a while has been loaded. */
export async function storeCostsOf(entry: ContenderEntry, workloads: readonly Workload[]): Promise<readonly StoreCost[]> {
  const process = await ContenderProcess.start(entry, { PEOPLE: '1', COUNT: '1' })
  const costs: StoreCost[] = []
  for (const workload of workloads.filter(({ isOffered }) => isOffered(process.plan))) {
    const { flow, close } = await open(workload, process.plan, process.port, 0)
    await flow()
    const before = await process.usage()
    for (let count = 0; count < FLOWS; count++) await flow()
    const after = await process.usage()
    close()
    costs.push({
      workload: workload.name,
      contender: entry.name,
      calls: (after.calls - before.calls) / FLOWS,
      written: Math.round((after.written - before.written) / FLOWS)
    })
  }
  await process.stop()
  return costs
}
