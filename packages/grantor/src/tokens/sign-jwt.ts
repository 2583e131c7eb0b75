import { encodeText } from '../crypto/encode-text.ts'
import { type Awaitable, type Signer, when } from '../crypto/port.ts'

/** A JWT in JWS compact serialisation (RFC 7519 §7.1) with an explicit type (RFC 8725 §3.11). */
export function signJwt(signer: Signer, typ: string, payload: object): Awaitable<string> {
  const header = encodeText(JSON.stringify({ alg: signer.alg, typ, kid: signer.kid }))
  const data = `${header}.${encodeText(JSON.stringify(payload))}`
  return when(signer.sign(data), (signature) => `${data}.${signature}`)
}
