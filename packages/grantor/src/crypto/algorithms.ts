/** JWS algorithms that this server's own keys sign with. */
export const SIGNATURES: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA']

/** JWS algorithms under which a public key verifies (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2): those that clients may sign with. */
export const PUBLIC_KEY_SIGNATURES: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519'
]
// RFC 9864 §2.2: with the one curve that is known here, the old name means what the new one says. Some libraries write one, some the other.
const ED25519: readonly string[] = ['EdDSA', 'Ed25519']

/** What a signature may be called that is made with the JWS algorithm of this name. */
export function namesOf(alg: string): readonly string[] {
  return ED25519.includes(alg) ? ED25519 : [alg]
}

/** Those that are allowed, under either of their names; all, if nothing is said. */
export function allowedOf(algorithms: readonly string[], allowed: readonly string[] | undefined): readonly string[] {
  return allowed ? algorithms.filter((alg) => namesOf(alg).some((name) => allowed.includes(name))) : algorithms
}

/** JWE algorithms for keys and for content (RFC 7518 §4.1, §5.1), in both directions. */
export const ENCRYPTION_ALGS = ['RSA-OAEP-256', 'ECDH-ES'] as const
export const ENCRYPTION_ENCS = ['A128CBC-HS256', 'A256GCM'] as const

/** Octets of an HMAC key: "A key of the same size as the hash output … or larger MUST be used with this algorithm" (RFC 7518 §3.2). */
export const HMAC_KEY_SIZES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }
