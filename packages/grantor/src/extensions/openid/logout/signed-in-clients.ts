import type { EndedSession, ServerContext } from '../../../context.ts'
import type { Client } from '../../../models/client.ts'

/** The clients that the person signed in to in this session, as far as they are still registered (Back-Channel Logout §2.3). */
export async function signedInClients({ clients }: ServerContext, { grants }: EndedSession): Promise<readonly Client[]> {
  const ids = new Set(grants.filter(({ scope }) => scope.includes('openid')).map(({ clientId }) => clientId))
  const found = await Promise.all([...ids].map((id) => clients.find(id)))
  return found.filter((client) => client !== undefined)
}
