import { encodeText } from '../crypto/encode-text.ts'
import { type Awaitable, type Signer, when } from '../crypto/port.ts'

/** The header of a JWT with an explicit type (RFC 8725 §3.11), encoded: the same for each that this key signs. */
export function jwtHeader({ alg, kid }: Signer, typ: string): string {
  return encodeText(JSON.stringify({ alg, typ, kid }))
}

/** A JWT in JWS compact serialisation (RFC 7519 §7.1). `header`: where it is there already. */
export function signJwt(signer: Signer, typ: string, payload: object, header = jwtHeader(signer, typ)): Awaitable<string> {
  const data = `${header}.${encodeText(JSON.stringify(payload))}`
  return when(signer.sign(data), (signature) => `${data}.${signature}`)
}
