import type { ServerContext } from '../context.ts'
import { allowedOf } from '../crypto/algorithms.ts'
import type { Signer } from '../crypto/port.ts'

/**
 * What clients get that registered no algorithm: OpenID Connect Registration §2, RFC 9701 §6 and JARM §3 say so in the same words, "The
 * default, if omitted, is RS256."
 */
export const DEFAULT_ALGORITHM = 'RS256'

/** The JWS algorithms of ID tokens and other responses to clients. */
export function responseAlgorithms({ settings, keys }: ServerContext): readonly string[] {
  return [...new Set([...allowedOf([DEFAULT_ALGORITHM], settings.allowedAlgorithms), ...keys.algorithms()])]
}

/** The key for a response to a client that registered this algorithm, or none. */
export function responseSigner({ settings, keys }: ServerContext, registered: string | undefined): Promise<Signer> {
  const [usual] = allowedOf([DEFAULT_ALGORITHM], settings.allowedAlgorithms)
  return keys.signer(registered ?? usual)
}
