import type { JWK } from 'jose'
import { constantTimeEqual } from '../../crypto/constant-time.ts'
import type { CryptoPort } from '../../crypto/port.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Whether a JWK of a client has the certificate with this thumbprint (RFC 7517 §4.7, §4.9). The same key in another certificate does not
 * do: RFC 8705 §2.2 asks for "one of the certificates configured or registered for that particular client".
 */
export async function hasCertificate(crypto: CryptoPort, key: JWK, thumbprint: string): Promise<boolean> {
  if (key['x5t#S256'] === thumbprint) return true
  const der = certificateOf(key)
  return der !== undefined && constantTimeEqual(await crypto.sha256(der), thumbprint)
}

/** @throws InvalidClientMetadataError if there is no certificate that could authenticate the client (RFC 8705 §2.2.2) */
export function checkCertificates({ jwks, jwks_uri }: Client): void {
  const keys = (jwks?.keys ?? []) as readonly JWK[]
  if (keys.some((key) => key.x5c !== undefined && !certificateOf(key)))
    throw new InvalidClientMetadataError('x5c of a key is a list of certificates in base64')
  if (jwks_uri === undefined && !keys.some((key) => key.x5c !== undefined || key['x5t#S256'] !== undefined))
    throw new InvalidClientMetadataError('self_signed_tls_client_auth needs certificates: x5c in keys of jwks or of jwks_uri')
}

/** The first of `x5c`, in DER. */
function certificateOf({ x5c }: JWK): Uint8Array | undefined {
  const [first] = Array.isArray(x5c) ? x5c : []
  if (typeof first !== 'string' || first.length % 4 !== 0 || !BASE64.test(first)) return undefined
  return Uint8Array.from(atob(first), (octet) => octet.charCodeAt(0))
}
