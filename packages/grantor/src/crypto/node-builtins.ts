/** As much of node:crypto as is used here; the library imports nothing from `node:`, so that it loads anywhere. */
export interface NodeCrypto {
  randomFillSync(buffer: Uint8Array): void
  hash(algorithm: string, data: string | Uint8Array, encoding: string): string
  createSecretKey(key: Uint8Array): object
  createHmac(algorithm: string, key: object): { update(data: string): { digest(encoding: string): string } }
  createCipheriv(algorithm: string, key: object, iv: Uint8Array): Cipher & { getAuthTag(): Uint8Array }
  createDecipheriv(algorithm: string, key: object, iv: Uint8Array): Cipher & { setAuthTag(tag: Uint8Array): void }
  createPrivateKey(key: { key: JsonWebKey; format: 'jwk' }): object
  sign(algorithm: string | null, data: Uint8Array, key: object): Uint8Array
}
interface Cipher {
  setAAD(data: Uint8Array): void
  update(data: Uint8Array): Uint8Array
  final(): Uint8Array
}
type Bytes = Uint8Array & {
  toString(encoding: string, start?: number, end?: number): string
  write(text: string, offset: number, encoding: string): number
}
/** As much of Buffer as is used here. */
export interface NodeBuffer {
  alloc(size: number): Bytes
  from(data: string | Uint8Array, encoding?: string): Uint8Array & { toString(encoding: string): string }
  concat(parts: readonly Uint8Array[]): Uint8Array & { toString(encoding: string): string }
}
