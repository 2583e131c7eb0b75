import type { PresentedToken, TokenScheme } from '../../context.ts'
import { InvalidDpopProofError, InvalidTokenError, OAuthError } from '../../errors.ts'
import type { OAuthRequest } from '../../requests.ts'
import type { ServerProofs } from './server-proofs.ts'

/** A token and a proof of its key (RFC 9449 §7.1). */
export class DpopScheme implements TokenScheme {
  readonly scheme = 'DPoP'
  readonly challenge: Readonly<Record<string, string>>
  readonly #proofs: ServerProofs

  constructor(proofs: ServerProofs, algorithms: readonly string[]) {
    // RFC 9449 §7.1: "a space-delimited list of JWS alg (Algorithm) header values".
    this.challenge = { algs: algorithms.join(' ') }
    this.#proofs = proofs
  }

  async prove(request: OAuthRequest, value: string, { token }: PresentedToken): Promise<void> {
    const jkt = boundKey(token.cnf)
    const proven = await answeredAsResource(this.#proofs.take(request, token.client_id, { value, jkt }))
    if (proven === undefined) throw noProof()
  }
}

/** The thumbprint that a token is bound to. @throws InvalidTokenError if it is not bound by DPoP */
export function boundKey(cnf: unknown): string {
  const { jkt } = (cnf ?? {}) as { jkt?: unknown }
  if (typeof jkt !== 'string') throw new InvalidTokenError('the token is not bound to a key by DPoP')
  return jkt
}

/** RFC 9449 §7.1: at a protected resource, "invalid_dpop_proof" is answered with 401. */
export async function answeredAsResource<T>(judgement: Promise<T>): Promise<T> {
  return judgement.catch((error: unknown) => {
    if (!(error instanceof OAuthError) || error.status !== 400) throw error
    const { headers, detail, message } = error
    throw new OAuthError(error.error, 401, message, { headers, detail: detail ?? {}, cause: error })
  })
}

/** RFC 9449 §7.1 */
export function noProof(): OAuthError {
  return new InvalidDpopProofError('a token of this scheme comes with one DPoP proof', { status: 401 })
}
