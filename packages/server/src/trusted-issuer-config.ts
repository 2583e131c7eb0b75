import type { JsonWebKeySet, TrustedIssuer } from 'grantor'
import { z } from 'zod'
import type { Users } from './users.ts'

const jwks = z.custom<JsonWebKeySet>((value) => Array.isArray((value as JsonWebKeySet | null)?.keys), 'expected a JWK set')

/** `TrustedIssuer`, as far as JSON can say it. */
export const TrustedIssuerConfig = z.strictObject({
  issuer: z.string(),
  jwks: jwks.exactOptional(),
  jwksUri: z.string().exactOptional(),
  algorithms: z.array(z.string()).exactOptional(),
  /** The claim that holds the login of a person here. */
  loginClaim: z.string().default('sub')
})

/** The same, meaning people of this server by their login, and nobody who is disabled. `users` is called when a JWT is there. */
export function withSubjects<I extends { loginClaim: string }>(
  issuers: readonly I[],
  users: () => Users
): (Omit<I, 'loginClaim'> & Pick<TrustedIssuer, 'subjectOf'>)[] {
  return issuers.map(({ loginClaim, ...issuer }) => ({ ...issuer, subjectOf: byLogin(loginClaim, users) }))
}

/** For issuers that are only judged. */
export function unasked(): never {
  throw new TypeError('no JWT comes before there are people')
}

function byLogin(loginClaim: string, users: () => Users): TrustedIssuer['subjectOf'] {
  return async (claims) => {
    const login = claims[loginClaim]
    const user = typeof login === 'string' ? await users().findByLogin(login) : undefined
    return user?.disabled ? undefined : user?.subject
  }
}
