import { CompactEncrypt } from 'jose'
import type { ServerContext } from '../context.ts'
import { ServerError } from '../errors.ts'
import type { Client } from '../models/client.ts'

/**
 * A text encrypted to a client (OpenID Connect Core §10.2). `cty`: `JWT` for what was signed first; `iss`: repeated in the header, for who
 * must know whose it is before it is decrypted (RFC 7519 §5.3).
 * @throws ServerError if the client has no key for it: nothing goes out in clear that was asked for encrypted.
 */
export async function encryptTo(
  { clientKeys }: ServerContext,
  client: Client,
  text: string,
  { alg, enc = 'A128CBC-HS256', cty, iss }: { alg: string; enc?: string | undefined; cty?: string; iss?: string }
): Promise<string> {
  const [jwk] = await clientKeys.find(client, { alg, use: 'enc' })
  if (!jwk) throw new ServerError(`the client has no key to encrypt to with ${alg}`)
  const header = {
    alg,
    enc,
    ...(jwk.kid !== undefined && { kid: jwk.kid }),
    ...(cty !== undefined && { cty }),
    ...(iss !== undefined && { iss })
  }
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader(header).encrypt(await clientKeys.import(jwk, alg))
}
