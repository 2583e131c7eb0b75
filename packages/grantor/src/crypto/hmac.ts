import type { NodeBuffer, NodeCrypto } from './node-builtins.ts'

/** Octets that SHA-256 takes at a time. */
const BLOCK = 64
const DIGEST = 32
/** In UTF-16 code units, of which none takes more than three octets. */
const MAX_TEXT = 512

/**
 * HMAC-SHA-256 as RFC 2104 §2 defines it, by two one-shot hashes: half the time of node:crypto's Hmac object, which is a stream, and each
 * request needs from one to six. What is longer than a token goes to that object.
 */
export function hmacSha256(crypto: NodeCrypto, Buffer: NodeBuffer, key: Uint8Array): (text: string) => string {
  const [inner, outer] = [Buffer.alloc(BLOCK + 3 * MAX_TEXT), Buffer.alloc(BLOCK + DIGEST)]
  for (let i = 0; i < BLOCK; i++) {
    inner[i] = (key[i] ?? 0) ^ 0x36
    outer[i] = (key[i] ?? 0) ^ 0x5c
  }
  // By their ends; few lengths come, and each comes again and again.
  const texts: Uint8Array[] = []
  const secret = crypto.createSecretKey(key)
  return (text) => {
    if (key.length > BLOCK || text.length > MAX_TEXT) return crypto.createHmac('sha256', secret).update(text).digest('base64url')
    const end = BLOCK + inner.write(text, BLOCK, 'utf8')
    texts[end] ??= inner.subarray(0, end)
    outer.write(crypto.hash('sha256', texts[end], 'latin1'), BLOCK, 'latin1')
    inner.fill(0, BLOCK, end)
    return crypto.hash('sha256', outer, 'base64url')
  }
}
