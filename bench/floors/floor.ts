import { json } from '../workloads/checks.ts'
import { form } from '../workloads/plan.ts'
import type { Workload } from '../workloads/workload.ts'

const client = { id: 'machine', secret: 'a-secret-of-the-benchmark-which-is-none' }

/** The same number of requests as a workload has, each answered with the least work. */
export function floorOf({ name, floor }: Workload): Workload {
  const forms = floor.map((path) => form(path, client, { grant_type: 'client_credentials', scope: 'read' }))
  return {
    name,
    floor,
    isOffered: () => true,
    prepare: async (_plan, connection) => async () => {
      for (const one of forms) {
        const { access_token } = json(one.path === '/get' ? await connection.get('/get') : await connection.post(one))
        if (typeof access_token !== 'string') throw new Error('the floor gave no token')
      }
    }
  }
}
