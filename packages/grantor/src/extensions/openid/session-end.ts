import type { EndedSession, ServerContext } from '../../context.ts'
import type { Grant } from '../../models/grant.ts'
import { isWithin } from '../../models/scope.ts'
import { detailsIn } from './details.ts'

/**
 * Back-Channel Logout §2.7: "Refresh tokens issued without the offline_access property to a session being logged out SHOULD be revoked.
 * Refresh tokens issued with the offline_access property normally SHOULD NOT be revoked." Codes and access tokens share their grant's fate.
 */
export async function endOnlineGrants(server: ServerContext, { grants }: EndedSession): Promise<void> {
  const online = grants.filter(
    ({ scope, revokedAt }) => revokedAt === undefined && scope.includes('openid') && !scope.includes('offline_access')
  )
  const ended = await Promise.all(online.map(async (grant) => ((await end(server, grant)) ? [grant] : [])))
  const byClient = Map.groupBy(ended.flat(), ({ clientId }) => clientId)
  await Promise.all([...byClient.values()].map((own) => rememberConsent(server, own)))
}

async function end(server: ServerContext, { id, clientId }: Grant): Promise<boolean> {
  if ((await server.store.grants.revoke({ id }, server.now())) === 0) return false
  server.emit('grant.revoked', { clientId, grantId: id, reason: 'logout' })
  return true
}

/** A live grant is the memory of consent. One with nothing under it takes the place of those that ended, for as long as they had. */
async function rememberConsent(server: ServerContext, [newest, ...older]: readonly Grant[]): Promise<void> {
  const client = newest && (await server.clients.find(newest.clientId))
  if (!client || client.require_consent === false) return
  const { clientId, subject, createdAt, expiresAt, details } = newest
  const scope = [...new Set([newest, ...older].flatMap((grant) => grant.scope))]
  const left = await server.store.grants.list({ clientId, subject }, server.now())
  const remembered = left.flatMap((grant) => grant.scope)
  if (isWithin(scope, remembered)) return
  const claims = detailsIn(details)?.claims
  const memory = {
    ...{ id: server.identifier(), clientId, subject, scope, createdAt },
    ...(expiresAt !== undefined && { expiresAt }),
    ...(claims && { details: { openid: { claims } } })
  }
  await server.store.grants.insert(memory, [])
}
