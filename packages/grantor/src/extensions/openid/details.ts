import type { Grant } from '../../models/grant.ts'
import type { ClaimsRequest } from './claims.ts'

/** What a grant remembers of an authentication request. */
export interface OpenIdDetails {
  nonce?: string
  claims?: ClaimsRequest
  /** The languages that claims are wanted in, the most wanted first. */
  locales?: readonly string[]
}

/** Undefined: the grant did not come of an OpenID Connect request, or the person did not agree to `openid`. */
export function openIdDetails(grant: Grant | undefined): OpenIdDetails | undefined {
  return grant?.scope.includes('openid') ? detailsIn(grant.details) : undefined
}

export function detailsIn(details: Readonly<Record<string, unknown>> | undefined): OpenIdDetails | undefined {
  return details?.openid as OpenIdDetails | undefined
}
