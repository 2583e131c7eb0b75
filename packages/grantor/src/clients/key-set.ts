import { importJWK, type JWK } from 'jose'
import type { JsonWebKeySet } from '../models/client.ts'
import { isOfSmallOrder } from './small-order.ts'

const MAX_KEYS = 20
const BASE64URL = /^[A-Za-z0-9_-]+$/
/** Characters of a coordinate: "The length of this octet string MUST be the full size of a coordinate for the curve" (RFC 7518 §6.2.1.2). */
const COORDINATES: Readonly<Record<string, number>> = { 'P-256': 43, 'P-384': 64, 'P-521': 88 }
/** RFC 8037 §2 */
const OCTET_KEYS: Readonly<Record<string, number>> = { Ed25519: 43, X25519: 43 }
/** 2048 and 8192 bits: less is broken, more is work for us. */
const MODULUS = { least: 342, most: 1366 }
/** What others do with a public key (RFC 7517 §4.3). */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  sig: ['verify'],
  enc: ['encrypt', 'wrapKey', 'deriveKey', 'deriveBits']
}

/** RFC 7518 §6.2.2, §6.3.2, §6.4 */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** What is wrong with the public keys of a client; undefined: nothing that can be seen without computing. */
export function keySetFault(jwks: unknown): string | undefined {
  const { keys } = (jwks ?? {}) as Partial<JsonWebKeySet>
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) return `jwks is a JWK set of at most ${MAX_KEYS} keys`
  return keys.map(keyFault).find((fault) => fault !== undefined)
}

/** The same for what only computing shows, such as a point that is not on its curve. */
export async function computedFault({ keys }: JsonWebKeySet): Promise<string | undefined> {
  for (const { kty, crv, x, y, n, e, use } of keys as readonly (JWK & { use?: string })[]) {
    const alg = importAlgorithm(kty, crv, use)
    if (alg === undefined) continue
    try {
      await importJWK(JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })), alg)
    } catch {
      return `jwks has a key of type ${kty} that is none`
    }
  }
  return undefined
}

/** What is wrong with one public key. */
export function keyFault(key: unknown): string | undefined {
  // RFC 7591 §2: the set holds public keys; a private or symmetric one is a leak.
  if (key === null || typeof key !== 'object' || PRIVATE.some((member) => member in key)) return 'jwks holds public keys only'
  const { kty, use, key_ops, ...members } = key as Record<string, unknown>
  if (typeof kty !== 'string' || kty === 'oct') return 'jwks holds public keys only'
  if (kty === 'RSA') return rsaFault(members) ?? useFault(use, key_ops)
  const sizes = kty === 'EC' ? COORDINATES : kty === 'OKP' ? OCTET_KEYS : undefined
  // RFC 7517 §5: keys of a type that is not understood are ignored.
  if (!sizes) return useFault(use, key_ops)
  const size = sizes[String(members.crv)]
  if (size === undefined) return `a key of type ${kty} is on one of the curves ${Object.keys(sizes).join(', ')}`
  const coordinates = kty === 'EC' ? [members.x, members.y] : [members.x]
  if (!coordinates.every((value) => isEncoded(value) && value.length === size))
    return `a key of type ${kty} has the coordinates of its curve`
  if (kty === 'OKP' && isOfSmallOrder(String(members.crv), String(members.x))) return 'a key of type OKP is no point of small order'
  return useFault(use, key_ops)
}

function rsaFault({ n, e }: Record<string, unknown>): string | undefined {
  if (!isEncoded(n) || !isEncoded(e)) return 'an RSA key has a modulus n and an exponent e'
  if (n.replace(/^A+/, '').length < MODULUS.least) return 'an RSA key has at least 2048 bits'
  if (n.length > MODULUS.most) return 'an RSA key has at most 8192 bits'
  // RFC 8017 §3.1: an odd number from 3; under 1 every message is its own signature.
  const octets = e.length <= 11 ? [...atob(e.replaceAll('-', '+').replaceAll('_', '/'))].map((octet) => octet.charCodeAt(0)) : []
  const isOdd = (octets.at(-1) ?? 0) % 2 === 1
  return isOdd && octets.some((octet, i) => octet > (i === octets.length - 1 ? 1 : 0))
    ? undefined
    : 'the exponent of an RSA key is odd and at least 3'
}

/** RFC 7517 §4.3: "the information they convey MUST be consistent". */
function useFault(use: unknown, operations: unknown): string | undefined {
  if (use !== undefined && typeof use !== 'string') return 'use is a text'
  if (operations === undefined) return undefined
  const allowed = use === undefined ? Object.values(OPERATIONS).flat() : (OPERATIONS[use] ?? [])
  const fits =
    Array.isArray(operations) && operations.every((one) => allowed.includes(one)) && new Set(operations).size === operations.length
  return fits ? undefined : 'key_ops lists what a public key is for, each once, and as use says'
}

function isEncoded(value: unknown): value is string {
  return typeof value === 'string' && BASE64URL.test(value)
}

function importAlgorithm(kty: string | undefined, crv: string | undefined, use: string | undefined): string | undefined {
  if (kty === 'RSA') return 'RS256'
  if (kty === 'EC') return use === 'enc' ? 'ECDH-ES' : { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }[crv ?? '']
  if (kty === 'OKP') return crv === 'X25519' ? 'ECDH-ES' : 'EdDSA'
  return undefined
}
