import type { CryptoPort } from './port.ts'

// The characters of base64url in the order of their code points, so that ids sort by time.
const SORTABLE = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'

// Two digits at a time: each piece of a text is a string of its own.
const PAIRS = Array.from({ length: 4096 }, (_, value) => SORTABLE.charAt(value >> 6) + SORTABLE.charAt(value & 63))

/** Characters of an identifier: 8 of time, 16 of chance. */
export const IDENTIFIER_LENGTH = 24

/**
 * A public identifier: 48 bits of time in milliseconds, then 96 random bits. Time first keeps a database's inserts local
 * (five times as fast as random keys, ARCHITECTURE §5.5).
 */
export function createIdentifier(crypto: CryptoPort, milliseconds: number): string {
  return pairs(Math.floor(milliseconds / 2 ** 24)) + pairs(milliseconds % 2 ** 24) + crypto.random(12)
}

/** 24 bits as four digits. */
function pairs(bits: number): string {
  return `${PAIRS[(bits >> 12) & 0xfff]}${PAIRS[bits & 0xfff]}`
}
