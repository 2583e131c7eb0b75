import { encodeText } from '../crypto/encode-text.ts'
import { type Awaitable, type Signer, when } from '../crypto/port.ts'

/** A JWT with an explicit type (RFC 8725 §3.11), in JWS compact serialisation (RFC 7519 §7.1). */
export function signJwt(signer: Signer, typ: string, payload: object): Awaitable<string> {
  const { alg, kid } = signer
  const data = `${encodeText(JSON.stringify({ alg, typ, kid }))}.${encodeText(JSON.stringify(payload))}`
  return when(signer.sign(data), (signature) => `${data}.${signature}`)
}
