import type { Grant } from './grant.ts'
import type { ResourceServer } from './policy.ts'

/** One thing that a client asks for, in the words of its `type` (RFC 9396 §2). */
export interface AuthorizationDetail {
  type: string
  [field: string]: unknown
}

/** The member of an authorization request, a grant, a token and a token response. */
export const AUTHORIZATION_DETAILS = 'authorization_details'

/** What the person allowed beside the scope. */
export function grantedDetails(grant: Pick<Grant, 'details'> | undefined): readonly AuthorizationDetail[] {
  return (grant?.details?.[AUTHORIZATION_DETAILS] ?? []) as readonly AuthorizationDetail[]
}

/**
 * What of some details concerns one of these resources: one with `locations` (RFC 9396 §2.2) that are resources here is for these alone. A type
 * may let one stand there without a list.
 */
export function detailsAt(
  details: readonly AuthorizationDetail[],
  audience: readonly string[],
  resources: readonly ResourceServer[]
): readonly AuthorizationDetail[] {
  const known = resources.map(({ identifier }) => identifier)
  return details.filter(({ locations }) => {
    const places = [locations].flat().filter((location) => known.includes(location as string))
    return places.length === 0 || places.some((place) => audience.includes(place as string))
  })
}
