import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { ConfigurationError } from 'grantor'
import type { Logger } from 'pino'

/** Where certificate and key are, in PEM; the certificate first, then its chain. */
export interface TlsFiles {
  certificateFile: string
  keyFile: string
  /** The authorities whose certificates clients may authenticate with, in PEM. */
  clientCaFile?: string
}

/**
 * For a listener that asks for certificates and refuses none: who may come with which is not for TLS to say. Each connection proves its key,
 * and none goes on from another (RFC 8705 §2: "the client Certificate and CertificateVerify messages are sent during the TLS handshake"). None
 * begins anew with another certificate: Node judges the first alone.
 */
export const ASKING: TlsOptions = {
  requestCert: true,
  rejectUnauthorized: false,
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION
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
export function readTls({
  certificateFile,
  keyFile,
  clientCaFile
}: TlsFiles): SecureContextOptions & { cert: string; key: string; ca: string[] } {
  try {
    const [cert, key] = [readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8')]
    // Without the file none: those that the system trusts speak for hosts, not for clients.
    const ca = clientCaFile === undefined ? [] : [readFileSync(clientCaFile, 'utf8')]
    for (const authority of ca) new X509Certificate(authority)
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('the key is not that of the certificate')
    const options: SecureContextOptions = {
      cert,
      key,
      ca,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: CIPHERS,
      honorCipherOrder: true
    }
    // Reads the rest of the chain as well, and refuses it here rather than in a handshake.
    createSecureContext(options)
    return { ...options, cert, key, ca }
  } catch (cause) {
    throw new ConfigurationError(
      `cannot serve TLS with ${[certificateFile, keyFile, clientCaFile ?? []].flat().join(' and ')}: ${(cause as Error).message}`,
      { cause }
    )
  }
}

/** A listener, and what of its TLS is its own. */
export interface TlsListener {
  server: Server
  own: TlsOptions
}

/** Takes up new certificates while connections stay open: when told to, and when it finds the files changed. */
export class CertificateReloader {
  readonly #listeners: readonly TlsListener[]
  readonly #files: TlsFiles
  readonly #log: Logger
  #served: string
  #polling: NodeJS.Timeout | undefined

  constructor(listeners: readonly TlsListener[], files: TlsFiles, served: ReturnType<typeof readTls>, log: Logger) {
    this.#listeners = listeners
    this.#files = files
    this.#served = textOf(served)
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
      if (textOf(options) === this.#served) return
      for (const { server, own } of this.#listeners) server.setSecureContext({ ...options, ...own })
      this.#served = textOf(options)
      this.#log.info({ validTo: new X509Certificate(options.cert).validTo }, 'new certificate')
    } catch (error) {
      this.#log.error({ reason: (error as Error).message }, 'the new certificate cannot be used; the old one stays')
    }
  }
}

function textOf({ cert, key, ca }: ReturnType<typeof readTls>): string {
  return [cert, key, ...ca].join('\n')
}
