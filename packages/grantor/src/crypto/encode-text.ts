import { base64url } from 'jose'

const { Buffer } = globalThis as { Buffer?: { from(text: string): { toString(encoding: string): string } } }

/** The base64url of a text in UTF-8; by Buffer where there is one, which takes a tenth of the time. */
export const encodeText: (text: string) => string = Buffer ? (text) => Buffer.from(text).toString('base64url') : base64url.encode
