/** On both forms of the curve: 0, 1, p-1, and p and p+1, which are 0 and 1 again. Octets in hexadecimal, least first (RFC 7748 §5, RFC 8032 §5.1.2). */
const OF_BOTH = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`, `ed${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(30)}7f`]
const POINTS: Readonly<Record<string, readonly string[]>> = {
  Ed25519: [
    ...OF_BOTH,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
  ],
  X25519: [
    ...OF_BOTH,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'
  ]
}

/**
 * Whether a public key has a small order: under such an Ed25519 key one signature may fit every message, and with such an X25519 key every
 * shared secret is zero (RFC 7748 §6.1).
 * @param x 43 characters of base64url
 */
export function isOfSmallOrder(crv: string, x: string): boolean {
  const octets = [...atob(x.replaceAll('-', '+').replaceAll('_', '/'))].map((octet) => octet.charCodeAt(0))
  // The first bit is the sign of the other coordinate, or ignored.
  const y = [...octets.slice(0, -1), (octets.at(-1) ?? 0) & 0x7f].map((octet) => octet.toString(16).padStart(2, '0')).join('')
  return POINTS[crv]?.includes(y) ?? false
}
