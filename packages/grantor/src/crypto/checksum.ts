import { pairsOf } from './pairs.ts'

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})
const PAIRS = pairsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

/** Characters of a checksum. */
export const CHECKSUM_LENGTH = 6

/** CRC-32 of an ASCII string as six characters: tells a mistyped or truncated token from a real one without asking the store. */
export function checksum(text: string): string {
  let crc = -1
  for (let i = 0; i < text.length; i++) crc = (crc >>> 8) ^ (TABLE[(crc ^ text.charCodeAt(i)) & 0xff] as number)
  crc = ~crc
  return `${PAIRS[crc >>> 24]}${PAIRS[(crc >>> 12) & 0xfff]}${PAIRS[crc & 0xfff]}`
}
