import type { Interaction, ResourceServer } from 'grantor'

/** What the standard scopes let an application do, in words for the person (OpenID Connect Core §5.4, §11). */
const SCOPES: ReadonlyMap<string, string> = new Map([
  ['openid', 'Know who you are'],
  ['profile', 'See your name and profile'],
  ['email', 'See your e-mail address'],
  ['address', 'See your postal address'],
  ['phone', 'See your phone number'],
  ['offline_access', 'Keep its access while you are away']
])

/** Something that the application will be able to do. */
export interface Permission {
  /** The name on the wire. */
  name: string
  /** Undefined: only the name is known. */
  description: string | undefined
  isNew: boolean
}

export function permissionsOf({ scope, newScope, details }: Pick<Interaction, 'scope' | 'newScope' | 'details'>): readonly Permission[] {
  const { claims } = (details.openid ?? {}) as { claims?: Readonly<Record<string, object>> }
  const named = [...new Set(Object.values(claims ?? {}).flatMap((requests) => Object.keys(requests)))].filter(
    (name) => name !== 'sub' && name !== 'acr'
  )
  return [
    ...scope.map((name) => ({ name, description: SCOPES.get(name), isNew: newScope.includes(name) })),
    ...named.map((name) => ({ name, description: `See your ${name.split('#', 1)[0]?.replaceAll('_', ' ')}`, isNew: true }))
  ]
}

/** The APIs that the application asks for by name (RFC 8707 §2.1); none: whatever the server gives without. */
export function resourcesOf(
  { details }: Pick<Interaction, 'details'>,
  known: readonly ResourceServer[]
): readonly Pick<ResourceServer, 'identifier' | 'name'>[] {
  const identifiers = (details.resource ?? []) as readonly string[]
  return identifiers.map((identifier) => known.find((resource) => resource.identifier === identifier) ?? { identifier })
}
