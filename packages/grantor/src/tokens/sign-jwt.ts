import { encodeText } from '../crypto/encode-text.ts'
import type { Signer } from '../crypto/port.ts'

/** A JWT in JWS compact serialisation (RFC 7519 §7.1) with an explicit type (RFC 8725 §3.11). */
export async function signJwt(signer: Signer, typ: string, payload: object): Promise<string> {
  const header = encodeText(JSON.stringify({ alg: signer.alg, typ, kid: signer.kid }))
  const data = `${header}.${encodeText(JSON.stringify(payload))}`
  return `${data}.${await signer.sign(data)}`
}
