import type { Client } from './client.ts'
import type { ResourceServer } from './policy.ts'

/** Which resources there are, and which audience this server answers for itself. */
export interface KnownResources {
  issuer: string
  resources: readonly ResourceServer[]
  defaultResource: string | undefined
}

/** The audience of a token that was requested for none. */
export function defaultAudience({ issuer, defaultResource = issuer }: Omit<KnownResources, 'resources'>): string {
  return defaultResource
}

/**
 * What of a scope means something to at least one of these resources (RFC 8707 §2.2: "downscope the scope value … to the value the respective
 * resource is able to process and needs to know"): what a resource lists. What none lists, such as `openid`, is for those without a list,
 * for this server and for the default audience.
 */
export function scopeAt(scope: readonly string[], audience: readonly string[], known: KnownResources): readonly string[] {
  const { issuer, resources } = known
  if (resources.every(({ scopes }) => scopes === undefined)) return scope
  const lists = audience.map((id) => {
    const list = resources.find(({ identifier }) => identifier === id)?.scopes
    return { list, takesUnlisted: list === undefined || id === issuer || id === defaultAudience(known) }
  })
  return scope.filter((token) => {
    const isUnlisted = isListedNowhere(token, resources)
    return lists.some(({ list, takesUnlisted }) => list?.includes(token) === true || (takesUnlisted && isUnlisted))
  })
}

/** Whether a client may have tokens for this audience. What this server offers itself, such as userinfo, is everybody's. */
export function mayAsk(identifier: string, { resources: allowed }: Pick<Client, 'resources'>, known: KnownResources): boolean {
  const isKnown = identifier === defaultAudience(known) || known.resources.some((resource) => resource.identifier === identifier)
  return identifier === known.issuer || (isKnown && (allowed?.includes(identifier) ?? true))
}

/** Whether no resource claims this scope as its own. */
export function isListedNowhere(token: string, resources: readonly ResourceServer[]): boolean {
  return resources.every(({ scopes }) => !scopes?.includes(token))
}
