import { base64url } from 'jose'

const { Buffer } = globalThis as {
  Buffer?: { from(text: string, encoding?: string): { toString(encoding: string, start?: number, end?: number): string } }
}

/** The base64url of a text in UTF-8; by Buffer where there is one, which takes a tenth of the time. */
export const encodeText: (text: string) => string = Buffer ? (text) => Buffer.from(text).toString('base64url') : base64url.encode

/** The first octets of what is encoded in base64url, encoded again; by Buffer where there is one, for the same reason. */
export const firstOctets: (encoded: string, count: number) => string = Buffer
  ? (encoded, count) => Buffer.from(encoded, 'base64url').toString('base64url', 0, count)
  : (encoded, count) => base64url.encode(base64url.decode(encoded).subarray(0, count))
