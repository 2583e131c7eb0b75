import { X509Certificate } from 'node:crypto'
import { type ClientCertificate, InvalidRequestError, type NodeRequest } from 'grantor'
import type { ClientAddresses } from './client-addresses.ts'

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s?$/

/** The headers in which a proxy says what the certificate of a client is; names in lower case. */
export interface CertificateHeaders {
  name: string
  verify?: string
  verified?: boolean
}

/** The certificates that proxies pass on. From whoever is not one of them, the headers are not read. */
export class HeaderCertificates {
  readonly #headers: CertificateHeaders
  readonly #addresses: ClientAddresses

  constructor(headers: CertificateHeaders, addresses: ClientAddresses) {
    this.#headers = headers
    this.#addresses = addresses
  }

  /** @throws InvalidRequestError if there are two, or it is none */
  of(request: NodeRequest): ClientCertificate | undefined {
    if (!this.#addresses.isProxy(request)) return undefined
    const { name, verify, verified = false } = this.#headers
    const text = single(request, name)
    // Proxies have an empty text for no certificate.
    if (text === undefined || text === '') return undefined
    return { der: certificateIn(text), isTrusted: verified || (verify !== undefined && single(request, verify) === 'SUCCESS') }
  }
}

/** A proxy that adds its own to what a client sent must not pass one off as the other. */
function single({ headersDistinct = {} }: NodeRequest, name: string): string | undefined {
  const [value, ...others] = headersDistinct[name] ?? []
  if (others.length > 0) throw new InvalidRequestError(`the header ${name} came more than once; a proxy must replace what it was sent`)
  return value
}

/** In base64 between colons (RFC 9440 §2.1), or alone; in PEM as it is, with blanks for line breaks, or percent-encoded. */
function certificateIn(text: string): Uint8Array {
  const base64 = /^:([^:]*):$/.exec(text)?.[1] ?? pemIn(text)?.replaceAll(/\s/g, '') ?? text
  try {
    if (!BASE64.test(base64)) throw new TypeError('not base64')
    const der = Buffer.from(base64, 'base64')
    // What follows the certificate would be no part of what was judged, but of its thumbprint.
    if (!new X509Certificate(der).raw.equals(der)) throw new TypeError('not one certificate in DER')
    return der
  } catch (cause) {
    throw new InvalidRequestError('the header of the proxy holds no certificate that can be read', { cause })
  }
}

function pemIn(text: string): string | undefined {
  try {
    return PEM.exec(text.includes('%') ? decodeURIComponent(text) : text)?.[1]
  } catch {
    return undefined
  }
}
