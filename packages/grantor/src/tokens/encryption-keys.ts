import { type CryptoKey, compactDecrypt, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import type { ServerContext } from '../context.ts'
import type { EncryptionKeys, JweAlgorithms, KeyStatus } from '../keyrings.ts'
import { type StoredKey, StoredKeys } from './stored-keys.ts'

const NONE: readonly JsonWebKey[] = []

/**
 * The keys that others encrypt to. A new one is listed `signingKeyLead` before the old one is not any more, and the old one opens what
 * comes for as long again: whoever has cached the key set is still understood.
 */
export class EncryptionKeyRing implements EncryptionKeys {
  readonly #contributed: ReadonlySet<string>
  readonly #stored: StoredKeys
  readonly #opened = new WeakMap<StoredKey, Promise<CryptoKey | Uint8Array>>()

  /** @param contributed the JWE algorithms (RFC 7518 §4.1) that extensions need keys for. */
  constructor(server: ServerContext, contributed: ReadonlySet<string>) {
    this.#contributed = contributed
    this.#stored = new StoredKeys(server, {
      kind: 'encryption_keys',
      use: 'enc',
      purpose: 'encryption-key-pair',
      algorithms: () => [...contributed],
      listed: 0,
      usable: server.settings.signingKeyLead
    })
  }

  async publicKeys(): Promise<readonly JsonWebKey[]> {
    return this.#contributed.size === 0 ? NONE : this.#stored.listed()
  }

  list(): Promise<readonly KeyStatus[]> {
    return this.#stored.list()
  }

  rotate(options?: { compromised?: boolean }): Promise<void> {
    return this.#stored.rotate(options)
  }

  retire(kid: string): Promise<void> {
    return this.#stored.retire(kid)
  }

  reseal(): Promise<number> {
    return this.#stored.reseal()
  }

  async decrypt(jwe: string, { alg, enc }: JweAlgorithms): Promise<string | undefined> {
    if (this.#contributed.size === 0) return undefined
    const header = headerOf(jwe)
    const keys = (await this.#stored.all()).filter(
      (key) => key.sealed !== undefined && key.alg === header.alg && (header.kid ?? key.kid) === key.kid
    )
    for (const stored of keys) {
      const key = await this.#open(stored)
      try {
        const { plaintext } = await compactDecrypt(jwe, key, {
          keyManagementAlgorithms: [...alg],
          contentEncryptionAlgorithms: [...enc],
          // A few compressed bytes unfold to any size.
          maxDecompressedLength: 0
        })
        return new TextDecoder('utf-8', { fatal: true }).decode(plaintext)
      } catch {
        // RFC 7516 §11.5: whoever sent it must not learn at which step it failed.
      }
    }
    return undefined
  }

  #open(key: StoredKey): Promise<CryptoKey | Uint8Array> {
    const opened = this.#opened.get(key) ?? this.#stored.open(key).then((jwk) => importJWK(jwk as JWK, key.alg))
    this.#opened.set(key, opened)
    return opened
  }
}

function headerOf(jwe: string): { kid?: unknown; alg?: unknown } {
  try {
    return decodeProtectedHeader(jwe)
  } catch {
    return {}
  }
}
