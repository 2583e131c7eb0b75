/** What a subject allowed a client. The root of its codes and tokens: revoke it and all of them are dead. Times in seconds since the epoch. */
export interface Grant {
  id: string
  clientId: string
  subject: string
  scope: readonly string[]
  /** When the person last proved who they are, in the session that authorized this. */
  authTime?: number
  /** How well and by what means they proved it (OpenID Connect Core §2). */
  acr?: string
  amr?: readonly string[]
  sessionId?: string
  createdAt: number
  expiresAt?: number
  revokedAt?: number
  /** What extensions must remember of the authorization: `resource`, `authorization_details`, `claims` … */
  details?: Record<string, unknown>
}

/** What the grant is for (RFC 8707 §2.1: "the requested resource is applicable to the full authorization grant"). Undefined: the default audience. */
export function grantedResources(grant: Pick<Grant, 'details'> | undefined): readonly string[] | undefined {
  return grant?.details?.resource as readonly string[] | undefined
}

/** A token is live if and only if its grant is. */
export function isLive(grant: Grant | undefined, now: number): grant is Grant {
  return grant !== undefined && grant.revokedAt === undefined && (grant.expiresAt === undefined || now < grant.expiresAt)
}
