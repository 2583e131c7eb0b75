import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigurationError } from 'grantor'
import type { Logger } from 'pino'

/** Where certificate and key are, in PEM; the certificate first, then its chain. */
export interface TlsFiles {
  certificateFile: string
  keyFile: string
}

/** Milliseconds between two looks at the files. */
const POLL_INTERVAL = 60_000

// RFC 9325 §4.2: forward secrecy and AEAD only. Node serves TLS 1.3 only if its suites are named here, too.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384'
].join(':')

/** What `node:https` serves with these files: TLS 1.2 and 1.3. @throws ConfigurationError if they cannot be used */
export function readTls({ certificateFile, keyFile }: TlsFiles): SecureContextOptions & { cert: string; key: string } {
  try {
    const [cert, key] = [readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8')]
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate')
    const options: SecureContextOptions = {
      cert,
      key,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: CIPHERS,
      honorCipherOrder: true
    }
    // Reads the rest of the chain as well, and refuses it here rather than in a handshake.
    createSecureContext(options)
    return { ...options, cert, key }
  } catch (cause) {
    throw new ConfigurationError(`cannot serve TLS with ${certificateFile} and ${keyFile}: ${(cause as Error).message}`, { cause })
  }
}

/** Takes up new certificates while connections stay open: when told to, and when it finds the files changed. */
export class CertificateReloader {
  readonly #server: Server
  readonly #files: TlsFiles
  readonly #log: Logger
  #served: string
  #polling: NodeJS.Timeout | undefined

  constructor(server: Server, files: TlsFiles, { cert, key }: { cert: string; key: string }, log: Logger) {
    this.#server = server
    this.#files = files
    this.#served = cert + key
    this.#log = log
  }

  // Reading is the one way to notice that works for renamed files, for links that change their target (Kubernetes), and on network disks.
  start(): void {
    this.#polling = setInterval(() => this.reload(), POLL_INTERVAL).unref()
  }

  stop(): void {
    clearInterval(this.#polling)
  }

  /** New files that cannot be used are logged, and the certificate stays as it was. */
  reload(): void {
    try {
      const options = readTls(this.#files)
      if (options.cert + options.key === this.#served) return
      this.#server.setSecureContext(options)
      this.#served = options.cert + options.key
      this.#log.info({ validTo: new X509Certificate(options.cert).validTo }, 'new certificate')
    } catch (error) {
      this.#log.error({ reason: (error as Error).message }, 'the new certificate cannot be used; the old one stays')
    }
  }
}
