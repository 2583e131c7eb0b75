import type { Grant } from './grant.ts'

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
