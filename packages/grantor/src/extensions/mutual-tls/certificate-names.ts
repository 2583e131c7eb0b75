import { ascii, type DerValue, derValues, objectIdentifier } from './der.ts'
import { nameInCertificate } from './distinguished-name.ts'

/** RFC 5280 §4.2.1.6 */
const SUBJECT_ALT_NAME = '2.5.29.17'
/** Identifier octets of fields of a certificate (RFC 5280 §4.1), and of a GeneralName (§4.2.1.6). */
const TAGS = { version: 0xa0, extensions: 0xa3, octets: 0x04, email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 }

/** Whom a certificate is for. */
export interface CertificateNames {
  /** In the form of `nameInText`. */
  subject: string
  dns: readonly string[]
  uris: readonly string[]
  emails: readonly string[]
  /** Octets, joined by commas. */
  addresses: readonly string[]
}

/**
 * The names in a certificate, of which nothing else is judged here: that it is genuine and valid, TLS has found out.
 * Undefined: this is no certificate in DER.
 */
export function namesIn(certificate: Uint8Array): CertificateNames | undefined {
  try {
    const fields = inside(inside(derValues(certificate)[0])[0])
    // RFC 5280 §4.1: version, if it is there; then serialNumber, signature, issuer, validity, subject.
    const subject = fields[fields[0]?.tag === TAGS.version ? 5 : 4]
    if (!subject) return undefined
    const names = alternativeNames(fields.find(({ tag }) => tag === TAGS.extensions))
    const of = (wanted: number) => names.flatMap(({ tag, contents }) => (tag === wanted ? [contents] : []))
    return {
      subject: nameInCertificate(subject.contents),
      dns: of(TAGS.dns).map(ascii),
      uris: of(TAGS.uri).map(ascii),
      emails: of(TAGS.email).map(ascii),
      addresses: of(TAGS.ip).map((octets) => octets.join())
    }
  } catch {
    return undefined
  }
}

function alternativeNames(extensions: DerValue | undefined): readonly DerValue[] {
  if (!extensions) return []
  for (const extension of inside(inside(extensions)[0])) {
    const [id, ...members] = inside(extension)
    if (!id || objectIdentifier(id.contents) !== SUBJECT_ALT_NAME) continue
    // Between the two stands whether it is critical, or nothing.
    return inside(inside(members.find(({ tag }) => tag === TAGS.octets))[0])
  }
  return []
}

function inside(value: DerValue | undefined): readonly DerValue[] {
  if (!value) throw new RangeError('a field is missing')
  return derValues(value.contents)
}
