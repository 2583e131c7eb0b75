import type { ServerContext } from '../context.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import { isWithin } from '../models/scope.ts'

const MAX_GRANTS = 1000

/** The grant in which a person, who is not there to be asked, allowed a client all of this before; undefined: there is none. */
export async function consentedGrant(
  server: ServerContext,
  client: Client,
  { subject, scope }: { subject: string; scope: readonly string[] }
): Promise<Grant | undefined> {
  const grants = await server.store.grants.list({ clientId: client.client_id, subject }, server.now(), MAX_GRANTS)
  return grants.find((grant) => isWithin(scope, grant.scope))
}
