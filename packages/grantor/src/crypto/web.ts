import { base64url } from 'jose'
import type { CryptoPort } from './port.ts'

const encoder = new TextEncoder()
const SIGNATURES: Record<string, { import: object; sign: object }> = {
  ES256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  RS256: { import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, sign: { name: 'RSASSA-PKCS1-v1_5' } },
  PS256: { import: { name: 'RSA-PSS', hash: 'SHA-256' }, sign: { name: 'RSA-PSS', saltLength: 32 } },
  EdDSA: { import: { name: 'Ed25519' }, sign: { name: 'Ed25519' } }
}

/** Cryptography for runtimes that have WebCrypto only. */
export function webCrypto(): CryptoPort {
  const { subtle } = crypto
  const aes = (key: string, usage: 'encrypt' | 'decrypt') => subtle.importKey('raw', bytes(key), 'AES-GCM', false, [usage])
  return {
    random: (size) => base64url.encode(crypto.getRandomValues(new Uint8Array(size))),
    sha256: async (data) => encode(await subtle.digest('SHA-256', typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data))),
    hmac(key) {
      const secret = subtle.importKey('raw', bytes(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
      return async (text) => encode(await subtle.sign('HMAC', await secret, encoder.encode(text)))
    },
    async encrypt(key, text, context) {
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const parameters = { name: 'AES-GCM', iv, additionalData: encoder.encode(context) }
      const sealed = new Uint8Array(await subtle.encrypt(parameters, await aes(key, 'encrypt'), encoder.encode(text)))
      const joined = new Uint8Array(iv.length + sealed.length)
      joined.set(iv)
      joined.set(sealed, iv.length)
      return base64url.encode(joined)
    },
    async decrypt(key, sealed, context) {
      const data = bytes(sealed)
      if (data.length < 28) return undefined
      const parameters = { name: 'AES-GCM', iv: data.subarray(0, 12), additionalData: encoder.encode(context) }
      try {
        return new TextDecoder().decode(await subtle.decrypt(parameters, await aes(key, 'decrypt'), data.subarray(12)))
      } catch {
        return undefined
      }
    },
    async signer(privateJwk, alg) {
      const algorithm = SIGNATURES[alg]
      if (!algorithm) throw new TypeError(`no signatures with ${alg}`)
      const key = await subtle.importKey('jwk', privateJwk, algorithm.import as EcKeyImportParams, false, ['sign'])
      return async (data) => encode(await subtle.sign(algorithm.sign as EcdsaParams, key, encoder.encode(data)))
    }
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(base64url.decode(text))
}

function encode(buffer: ArrayBuffer): string {
  return base64url.encode(new Uint8Array(buffer))
}
