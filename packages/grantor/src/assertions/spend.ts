import type { ServerContext } from '../context.ts'
import { ASSERTION_JTI } from '../models/artifacts.ts'
import { isFirstUse } from '../stores/first-use.ts'

/** What names an assertion: the `jti` is unique for its issuer (RFC 7519 §4.1.7). `exp`: seconds since the epoch. */
export interface SpentAssertion {
  iss: string
  jti: string
  exp: number
}

/** Marks an assertion as used, in one statement (RFC 7523 §3). False: it was used before, on whatever node. */
export function spendAssertion(server: ServerContext, { iss, jti, exp }: SpentAssertion): Promise<boolean> {
  // For as long as it would be taken.
  return isFirstUse(server, { kind: ASSERTION_JTI, name: [iss, jti], expiresAt: exp + server.settings.clockSkew })
}
