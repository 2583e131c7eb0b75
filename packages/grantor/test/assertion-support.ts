import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { ISSUER } from './support.ts'

/** Another server. */
export const ELSEWHERE = 'https://elsewhere.example.com'

export interface IssuerKey {
  alg: string
  kid: string
  privateKey: CryptoKey
  jwk: JsonWebKey
}

export async function newIssuerKey(alg = 'ES256', kid = 'k'): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } as JsonWebKey }
}

let count = 0

/** An assertion of the other server as it should be, but for what is given; what is undefined is left out. */
export function makeAssertion(key: IssuerKey, now: number, claims: object = {}, header: object = {}): Promise<string> {
  const said = { iss: ELSEWHERE, sub: '7', aud: ISSUER, exp: now + 300, iat: now, jti: `a${count++}`, ...claims }
  const protectedHeader = { alg: key.alg, kid: key.kid, ...header }
  return new SignJWT(JSON.parse(JSON.stringify(said)) as JWTPayload)
    .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)))
    .sign(key.privateKey)
}
