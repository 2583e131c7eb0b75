import * as crypto from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hmacSha256 } from '../src/crypto/hmac.ts'
import type { NodeBuffer, NodeCrypto } from '../src/crypto/node-builtins.ts'

const create = (key: Uint8Array) => hmacSha256(crypto as unknown as NodeCrypto, Buffer as unknown as NodeBuffer, key)
const hex = (digest: string) => Buffer.from(digest, 'base64url').toString('hex')

describe('HMAC-SHA-256 of one-shot hashes (RFC 2104)', () => {
  test('RFC 4231, test cases 1, 2 and 6', () => {
    const cases: [Uint8Array, string, string][] = [
      [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [Buffer.from('Jefe'), 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
      [
        Buffer.alloc(131, 0xaa),
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'
      ]
    ]
    for (const [key, text, digest] of cases) expect(hex(create(key)(text))).toBe(digest)
  })

  test('the same as node:crypto for texts of every length up to and beyond its block, in any order', () => {
    const key = crypto.randomBytes(32)
    const mac = create(key)
    const lengths = [...Array(200).keys(), 511, 512, 513, 5000, 3]
    for (const length of lengths)
      for (const text of ['x'.repeat(length), 'ü'.repeat(length), '🔑'.repeat(length)])
        expect(mac(text)).toBe(crypto.createHmac('sha256', key).update(text).digest('base64url'))
  })
})
