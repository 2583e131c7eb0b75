import { constantTimeEqual } from '../../crypto/constant-time.ts'
import type { CryptoPort } from '../../crypto/port.ts'
import { InvalidDpopProofError, UseDpopNonceError } from '../../errors.ts'
import { normalizedHttpUri } from './http-uri.ts'
import type { Nonces } from './nonces.ts'
import type { ProofOptions } from './options.ts'
import { readSignedProof, type SignedProof } from './signed-proof.ts'

/** What a proof must be for. */
export interface ProvenRequest {
  method: string
  /** As the client may know it; query and fragment do not count. */
  urls: readonly string[]
  /** At a protected resource: the token, and the key it is bound to. */
  token?: { value: string; jkt: string }
}

/** What the checker needs of whoever asks. */
export interface ProofPorts extends Required<ProofOptions> {
  crypto: CryptoPort
  /** Seconds since the epoch. */
  now(): number
  /** Seconds that a client's clock may be ahead. */
  clockSkew: number
  nonces?: Nonces | undefined
  /** False: a proof of this key with this `jti` was seen before. One atomic step; it is kept until `expiresAt`. */
  remember(proof: { jkt: string; jti: string; expiresAt: number }): Promise<boolean>
}

/** Checks DPoP proofs (RFC 9449 §4.3), at the authorization server and at resources. */
export class ProofChecker {
  readonly #ports: ProofPorts

  constructor(ports: ProofPorts) {
    this.#ports = ports
  }

  /**
   * The thumbprint of the key that was proven, and the nonce of the next proof, if it should have another.
   * @throws InvalidDpopProofError; UseDpopNonceError, with the nonce in its headers
   */
  async check(proof: string, request: ProvenRequest): Promise<{ jkt: string; nextNonce?: string }> {
    const { algorithms, nonces, now } = this.#ports
    const signed = await readSignedProof(proof, algorithms, now())
    const { claims, jkt } = signed
    const { jti } = claims
    // RFC 9449 §4.3 (3): "All required claims per Section 4.2 are contained in the JWT."
    if (typeof jti !== 'string' || jti === '') throw new InvalidDpopProofError('the proof has no jti')
    this.#checkRequest(signed, request)
    if (request.token) await this.#checkToken(signed, request.token)
    const { until, isCurrent } = await this.#validity(signed)
    // §11.1: the same proof again is refused; of another key the same jti is another proof.
    if (!(await this.#ports.remember({ jkt, jti, expiresAt: until }))) throw new InvalidDpopProofError('the proof was used before')
    return { jkt, ...(nonces && !isCurrent && { nextNonce: await nonces.current(jkt) }) }
  }

  #checkRequest({ claims: { htm, htu } }: SignedProof, { method, urls }: ProvenRequest): void {
    // RFC 9110 §9.1: "The method token is case-sensitive".
    if (htm !== method) throw new InvalidDpopProofError('htm of the proof is not the method of the request')
    const named = normalizedHttpUri(htu)
    const actual = urls.map(normalizedHttpUri)
    if (named === undefined || !actual.includes(named))
      throw new InvalidDpopProofError('htu of the proof is not the URL of the request', {
        detail: { received: named, expected: actual[0] }
      })
  }

  /** §4.3 (12) */
  async #checkToken({ claims: { ath }, jkt }: SignedProof, token: { value: string; jkt: string }): Promise<void> {
    if (typeof ath !== 'string' || !constantTimeEqual(ath, await this.#ports.crypto.sha256(token.value)))
      throw new InvalidDpopProofError('ath of the proof is not the hash of the token')
    if (jkt !== token.jkt) throw new InvalidDpopProofError('the token is bound to another key')
  }

  /** §4.3 (11): the creation time "as determined by either the iat claim or a server managed timestamp via the nonce claim". */
  async #validity({ claims: { iat, nonce }, jkt }: SignedProof): Promise<{ until: number; isCurrent: boolean }> {
    const { nonces, clockSkew, proofLifetime } = this.#ports
    if (typeof iat !== 'number') throw new InvalidDpopProofError('the proof has no iat')
    if (nonces) {
      const judged = await nonces.judge(nonce, jkt)
      if (!judged) throw new UseDpopNonceError(undefined, { headers: { 'dpop-nonce': await nonces.current(jkt) } })
      return { ...judged, until: judged.until + clockSkew }
    }
    const now = this.#ports.now()
    if (iat > now + clockSkew || iat < now - proofLifetime)
      throw new InvalidDpopProofError('the proof is too old, or not yet valid; is the clock right?', { detail: { iat, now } })
    // Taken in its last second, too, and by a node whose clock is late: until then its mark must not be purged.
    return { until: Math.ceil(iat) + proofLifetime + clockSkew + 1, isCurrent: true }
  }
}
