import type { Session } from '../interactions/base.ts'
import type { Situation } from '../interactions/checks.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { Store } from '../stores/store.ts'

// Each authorization leaves a grant, so that somebody who is sent here every minute has very many.
const FEW = 4
const MAX = 1000

/** What a person allowed a client before, looked up when somebody asks. */
export function rememberedGrants(
  { store, now }: { store: Store; now: number },
  { client_id: clientId }: Client,
  session: Session | undefined
): Pick<Situation, 'recentlyGranted' | 'granted'> {
  const list = (limit: number) =>
    session ? store.grants.list({ clientId, subject: session.subject }, now, limit) : Promise.resolve([] as const)
  let granted: Promise<readonly Grant[]> | undefined
  return {
    recentlyGranted: () => list(FEW),
    granted: () => {
      granted ??= list(MAX)
      return granted
    }
  }
}
