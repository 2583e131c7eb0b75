// @peculiar/x509 resolves its algorithms with it.
import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const ALGORITHMS = {
  EC: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 }
} as const
const DAY = 86_400_000

/** In PEM; `certificate` is followed by its chain. */
export interface TestCertificate {
  certificate: string
  key: string
}

/** An authority of the tests' own. */
export interface TestAuthority {
  /** What clients trust, in PEM. */
  certificate: string
  /** A certificate for these DNS names and IP addresses. */
  issue(names: readonly string[], type?: keyof typeof ALGORITHMS): Promise<TestCertificate>
  /** A certificate that a client authenticates with. */
  issueClient(names?: ClientNames): Promise<TestCertificate>
}

/** Whose certificate it is. */
export interface ClientNames {
  /** From the country down, in the order of the certificate. */
  subject?: string | x509.JsonNameParams
  names?: x509.JsonGeneralNames
  /** Milliseconds since the epoch. */
  notAfter?: number
  keys?: CryptoKeyPair
}

/** Makes an authority with a key of its own. */
export async function createAuthority(): Promise<TestAuthority> {
  const rootKeys = await generateKeys('EC')
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=Test authority',
    keys: rootKeys,
    signingAlgorithm: ALGORITHMS.EC,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)
    ]
  })
  const middleKeys = await generateKeys('EC')
  const middle = await x509.X509CertificateGenerator.create({
    ...validity(),
    subject: 'CN=Test intermediate',
    issuer: root.subject,
    publicKey: middleKeys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: ALGORITHMS.EC,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)]
  })
  const issue: TestAuthority['issue'] = async (names, type = 'EC') => {
    const keys = await generateKeys(type)
    const leaf = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: `CN=${names[0]}`,
      issuer: middle.subject,
      publicKey: keys.publicKey,
      signingKey: middleKeys.privateKey,
      signingAlgorithm: ALGORITHMS.EC,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value): x509.JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])
      ]
    })
    return { certificate: `${leaf.toString('pem')}\n${middle.toString('pem')}\n`, key: await privateKeyOf(keys) }
  }
  const issueClient: TestAuthority['issueClient'] = async ({ keys: own, ...names } = {}) => {
    const keys = own ?? (await generateKeys())
    const leaf = await x509.X509CertificateGenerator.create({
      ...clientParts(names),
      issuer: middle.subject,
      publicKey: keys.publicKey,
      signingKey: middleKeys.privateKey
    })
    return { certificate: `${leaf.toString('pem')}\n${middle.toString('pem')}\n`, key: await privateKeyOf(keys) }
  }
  return { certificate: root.toString('pem'), issue, issueClient }
}

/** A certificate of a client that no authority knows. */
export async function selfSign({ keys: own, ...names }: ClientNames = {}): Promise<TestCertificate> {
  const keys = own ?? (await generateKeys())
  const { subject, ...parts } = clientParts(names)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ ...parts, name: subject, keys })
  return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyOf(keys) }
}

function clientParts({ subject = 'C=NZ, O=Example, CN=client', names = [], notAfter }: Omit<ClientNames, 'keys'>) {
  return {
    ...validity(),
    ...(notAfter !== undefined && { notAfter: new Date(notAfter) }),
    subject: typeof subject === 'string' ? subject : new x509.Name(subject),
    signingAlgorithm: ALGORITHMS.EC,
    extensions: [
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
    ]
  }
}

async function privateKeyOf({ privateKey }: CryptoKeyPair): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`
}

export function generateKeys(type: keyof typeof ALGORITHMS = 'EC'): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[type], true, ['sign', 'verify']) as Promise<CryptoKeyPair>
}

function validity() {
  return {
    serialNumber: webcrypto.getRandomValues(Buffer.alloc(16)).toString('hex'),
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY)
  }
}

/** A JWK with the certificate in it (RFC 8705 §2.2.2). */
export function jwkOf(pem: string): JsonWebKey {
  const { raw, publicKey } = new X509Certificate(pem)
  return { ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] } as JsonWebKey
}
