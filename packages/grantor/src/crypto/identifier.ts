import { pairsOf } from './pairs.ts'
import type { CryptoPort } from './port.ts'

// The characters of base64url in the order of their code points, so that ids sort by time.
const PAIRS = pairsOf('-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz')

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
