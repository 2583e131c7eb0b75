import type { ServerContext } from '../context.ts'
import { InvalidScopeError, InvalidTargetError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import { defaultAudience, scopeAt } from '../models/resource.ts'

/** Whom an access token is for, and what follows from it. `lifetime` in seconds. */
export interface TokenTarget {
  audience: readonly string[]
  scope: readonly string[]
  format: string
  lifetime: number
}

/**
 * One token for these resources: what all of them understand, as short-lived as the strictest wants it.
 * @throws InvalidTargetError if they want tokens of different kinds; InvalidScopeError if nothing of the scope is for them.
 */
export function targetOf(
  server: ServerContext,
  client: Client,
  { scope, resource }: { scope: readonly string[]; resource: readonly string[] | undefined }
): TokenTarget {
  const { settings } = server
  const audience = resource?.length ? resource : [defaultAudience(settings)]
  if (audience.length > 1) checkOneKind(server, client, audience)
  let { accessTokenFormat: format } = settings
  let lifetime = Number.MAX_SAFE_INTEGER
  for (const identifier of audience) {
    const policy = server.policy(client, identifier)
    format = policy.accessTokenFormat
    lifetime = Math.min(lifetime, policy.accessTokenLifetime)
  }
  const carried = scopeAt(scope, audience, settings)
  // RFC 6749 §5.1: without scope the answer would say that all of it was issued.
  if (carried.length === 0 && scope.length > 0)
    throw new InvalidScopeError('nothing of the scope is for the resource', { detail: { scope, audience } })
  return { audience, scope: carried, format, lifetime }
}

/** A token is of one format, and one signature is on it. */
function checkOneKind(server: ServerContext, client: Client, audience: readonly string[]): void {
  const kinds = audience.map((identifier) => {
    const { accessTokenFormat } = server.policy(client, identifier)
    const resource = server.settings.resources.find((candidate) => candidate.identifier === identifier)
    return accessTokenFormat === 'jwt' ? `jwt ${resource?.signingAlgorithm ?? server.keys.algorithms()[0]}` : accessTokenFormat
  })
  if (new Set(kinds).size > 1)
    throw new InvalidTargetError('no one token suits all of these resources; ask for one token each, with the parameter resource', {
      detail: { audience, kinds }
    })
}
