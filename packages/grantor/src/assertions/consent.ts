import type { ServerContext } from '../context.ts'
import type { Client } from '../models/client.ts'
import { type Grant, grantedResources } from '../models/grant.ts'
import { defaultAudience } from '../models/resource.ts'
import { isWithin } from '../models/scope.ts'

const MAX_GRANTS = 1000

/** What a person, who is not there to be asked, allowed a client before, as far as all of this scope is in it; the newest first. */
export async function consentedGrants(
  server: ServerContext,
  client: Client,
  { subject, scope }: { subject: string; scope: readonly string[] }
): Promise<readonly Grant[]> {
  const grants = await server.store.grants.list({ clientId: client.client_id, subject }, server.now(), MAX_GRANTS)
  return grants.filter((grant) => isWithin(scope, grant.scope))
}

/** Whether the person allowed it at each of these resources. */
export function isGrantedAt(grant: Grant, resources: readonly string[], { settings }: ServerContext): boolean {
  return isWithin(resources, grantedResources(grant) ?? [defaultAudience(settings)])
}
