// @peculiar/x509 resolves its algorithms with it.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
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
    const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
    return { certificate: `${leaf.toString('pem')}\n${middle.toString('pem')}\n`, key: `${key}\n` }
  }
  return { certificate: root.toString('pem'), issue }
}

function generateKeys(type: keyof typeof ALGORITHMS): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHMS[type], true, ['sign', 'verify']) as Promise<CryptoKeyPair>
}

function validity() {
  return {
    serialNumber: webcrypto.getRandomValues(Buffer.alloc(16)).toString('hex'),
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY)
  }
}
