import type { ServerContext } from '../context.ts'
import { ASSERTION_JTI } from '../models/artifacts.ts'

/** What names an assertion: the `jti` is unique for its issuer (RFC 7519 §4.1.7). `exp`: seconds since the epoch. */
export interface SpentAssertion {
  iss: string
  jti: string
  exp: number
}

/** Marks an assertion as used, in one statement (RFC 7523 §3). False: it was used before, on whatever node. */
export async function spendAssertion({ secrets, store, settings }: ServerContext, { iss, jti, exp }: SpentAssertion): Promise<boolean> {
  const id = await secrets.hash(ASSERTION_JTI, JSON.stringify([iss, jti]))
  // For as long as it would be taken.
  return store.artifacts.insert({ kind: ASSERTION_JTI, id, value: {}, expiresAt: Math.ceil(exp + settings.clockSkew) })
}
