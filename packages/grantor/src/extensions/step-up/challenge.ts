import { challenge } from '../../bearer.ts'

/** What an access token, or its introspection, says of the sign-in behind it (RFC 9470 §6). `auth_time`: seconds since the epoch. */
export interface SignInClaims {
  acr?: unknown
  auth_time?: unknown
  [claim: string]: unknown
}

/** What an API asks of a sign-in: one of these classes, not longer ago than so many seconds. */
export interface SignInRequirement {
  acrValues?: readonly string[]
  maxAge?: number
}

/**
 * For an API: the `WWW-Authenticate` of a 401 with which the client asks for a better sign-in (RFC 9470 §3); undefined: this one will do.
 * `now`: seconds since the epoch. `scheme`: that of the token, Bearer or DPoP.
 */
export function stepUpChallenge(
  { acr, auth_time: authTime }: SignInClaims,
  { acrValues, maxAge }: SignInRequirement,
  { now, scheme = 'Bearer' }: { now: number; scheme?: 'Bearer' | 'DPoP' }
): string | undefined {
  const isStrong = acrValues === undefined || (typeof acr === 'string' && acrValues.includes(acr))
  const isRecent = maxAge === undefined || (typeof authTime === 'number' && now - authTime <= maxAge)
  if (isStrong && isRecent) return undefined
  return challenge(scheme, {
    error: 'insufficient_user_authentication',
    error_description: isStrong ? 'a more recent sign-in is required' : 'another way of signing in is required',
    ...(acrValues && { acr_values: acrValues.join(' ') }),
    ...(maxAge !== undefined && { max_age: String(maxAge) })
  })
}
