import { type CryptoKey, calculateJwkThumbprint, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { keyFault } from '../../clients/key-set.ts'
import { namesOf } from '../../crypto/algorithms.ts'
import { InvalidDpopProofError } from '../../errors.ts'

/** Characters: an RSA key of 8192 bits, its signature and what is signed. */
const MAX_LENGTH = 8192
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** What a proof says, and the thumbprint of the key that said it (RFC 7638). */
export interface SignedProof {
  claims: JWTPayload
  jkt: string
}

/**
 * A DPoP proof whose signature is that of the key in it (RFC 9449 §4.2; §4.3, 1 to 7).
 * @param now seconds since the epoch
 * @throws InvalidDpopProofError
 */
export async function readSignedProof(proof: string, algorithms: readonly string[], now: number): Promise<SignedProof> {
  // Several header fields arrive as one with commas, which a JWS has not.
  if (proof.length > MAX_LENGTH || !COMPACT.test(proof)) throw new InvalidDpopProofError('the DPoP header is not one signed JWT')
  const { alg, jwk } = headerOf(proof, algorithms)
  const fault = keyFault(jwk)
  if (fault !== undefined)
    throw new InvalidDpopProofError('the jwk of the proof is not a public key that may sign', { detail: { reason: fault } })
  try {
    // What else it says of itself is not part of the key.
    const { kty, crv, x, y, n, e } = jwk as JWK
    const bare = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JWK
    const key = (await importJWK(bare, alg)) as CryptoKey
    const { payload } = await jwtVerify(proof, key, { algorithms: [alg], currentDate: new Date(now * 1000) })
    return { claims: payload, jkt: await calculateJwkThumbprint(bare) }
  } catch (cause) {
    throw new InvalidDpopProofError('the proof is not signed by the key in its jwk', { cause })
  }
}

function headerOf(proof: string, algorithms: readonly string[]): { alg: string; jwk: unknown } {
  let header: Record<string, unknown>
  try {
    header = decodeProtectedHeader(proof)
  } catch (cause) {
    throw new InvalidDpopProofError('the DPoP header is not one signed JWT', { cause })
  }
  const { typ, alg, jwk } = header
  if (typ !== 'dpop+jwt') throw new InvalidDpopProofError('the typ of a proof is dpop+jwt')
  if (typeof alg !== 'string' || !algorithms.some((allowed) => namesOf(allowed).includes(alg)))
    throw new InvalidDpopProofError(`a proof is signed with one of ${algorithms.join(', ')}`)
  return { alg, jwk }
}
