import { base64url } from 'jose'
import { firstOctets } from '../../crypto/encode-text.ts'
import type { CryptoPort } from '../../crypto/port.ts'

/**
 * What an ID token says of a code or access token that came with it: "the left-most half of the hash of the octets of the ASCII
 * representation", by the hash of the signature's algorithm (OpenID Connect Core §3.1.3.6, §3.3.2.11).
 */
export async function halfHash({ sha256 }: CryptoPort, value: string, alg: string): Promise<string> {
  const name = hashOf(alg)
  // WebCrypto is a hop to another thread, a sixth of a flow with an ID token; the longer hashes are for the algorithms that few use.
  if (name === 'SHA-256') return firstOctets(await sha256(value), 16)
  const hash = new Uint8Array(await crypto.subtle.digest(name, new TextEncoder().encode(value)))
  return base64url.encode(hash.subarray(0, hash.length / 2))
}

/** RFC 7518 §3.1: the name ends with the bits; Ed25519 hashes with SHA-512 (RFC 8032 §5.1). A signer of the host's may have any of them. */
function hashOf(alg: string): string {
  if (alg.startsWith('Ed') || alg.endsWith('512')) return 'SHA-512'
  return alg.endsWith('384') ? 'SHA-384' : 'SHA-256'
}
