import { base64url, compactVerify, createLocalJWKSet, decodeProtectedHeader, type JWK } from 'jose'
import type { ServerContext } from '../context.ts'

/** Characters of a JWT of this server that comes back; what is longer, no server takes in a header. */
export const MAX_JWT_LENGTH = 16_384

/** Recognises the JWTs that this server signed, by their type. */
export class OwnJwts {
  readonly #server: ServerContext
  #keys: readonly JsonWebKey[] = []
  #findKey = createLocalJWKSet({ keys: [] })

  constructor(server: ServerContext) {
    this.#server = server
  }

  /** The payload; undefined, if it is not a JWT of this type that one of our keys signed. Its claims are the caller's to judge. */
  async verify(token: string, typ: string): Promise<Record<string, unknown> | undefined> {
    if (token.length > MAX_JWT_LENGTH || token.split('.').length !== 3) return undefined
    const keys = await this.#server.keys.publicKeys()
    // jose imports a key once per key set, so the set lives as long as its keys.
    if (keys !== this.#keys) this.#findKey = createLocalJWKSet({ keys: keys as JWK[] })
    this.#keys = keys
    try {
      // RFC 8725 §3.11: the type is checked, so that no other JWT of ours passes for this one; §3.1: only the algorithms of our own keys,
      // among them those that nothing is signed with any more.
      if (decodeProtectedHeader(token).typ !== typ || !isCanonical(token.slice(token.lastIndexOf('.') + 1))) return undefined
      const { payload } = await compactVerify(token, this.#findKey, { algorithms: keys.map(({ alg = '' }) => alg) })
      return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
    } catch {
      return undefined
    }
  }
}

/** Whether a signature is the one text for its octets: bits after the last octet are nobody's (RFC 4648 §3.5), and nothing else vouches for them. */
function isCanonical(signature: string): boolean {
  return base64url.encode(base64url.decode(signature)) === signature
}
