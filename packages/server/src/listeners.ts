import { randomFillSync } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { timeoutOptions } from './timeouts.ts'
import { ASKING, CertificateReloader, readTls } from './tls.ts'

const MAX_HEADERS = 16_384
const TLS_HANDSHAKE_TIMEOUT = 10_000
/** Milliseconds. */
const SHUTDOWN_TIMEOUT = 25_000
const SWEEP_INTERVAL = 50

interface Listener {
  server: Server
  port: number
}

/** Where requests come in: one port, and perhaps another that asks for certificates. */
export class Listeners {
  readonly #host: string
  readonly #listeners: readonly [Listener, ...Listener[]]
  readonly #certificates: CertificateReloader | undefined

  /** @throws ConfigurationError if the certificate cannot be used */
  constructor(config: Config, answer: RequestListener, log: Logger) {
    this.#host = config.host
    const options = { ...timeoutOptions(config.timeouts), maxHeaderSize: MAX_HEADERS }
    if (!config.tls) {
      this.#listeners = [{ server: createServer(options, answer), port: config.port }]
      return
    }
    const { port, clientCaFile, header } = config.mutualTls
    const asks = config.extensions.includes('mutual_tls') && !header
    const files = { ...config.tls, ...(asks && clientCaFile !== undefined && { clientCaFile }) }
    const tls = readTls(files)
    const listener = (own: TlsOptions, at: number) => {
      const server = createTlsServer({ ...options, ...tls, ...own, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT }, answer)
      // What OpenSSL found wrong with a certificate stays in its list of errors, and Node takes it for a failure of the read that comes next:
      // who is to be told 401 is cut off. Whatever node:crypto does clears that list.
      if (own.requestCert) server.on('secureConnection', () => randomFillSync(Buffer.alloc(1)))
      return { server, own, port: at }
    }
    const isApart = asks && port !== undefined
    const first = listener(asks && !isApart ? ASKING : {}, config.port)
    const others = isApart ? [listener(ASKING, port)] : []
    this.#listeners = [first, ...others]
    this.#certificates = new CertificateReloader([first, ...others], files, tls, log)
  }

  /** @returns the first port */
  async open(): Promise<number> {
    for (const { server, port } of this.#listeners) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, this.#host, resolve)
      })
    }
    this.#certificates?.start()
    const [{ server }] = this.#listeners
    return (server.address() as AddressInfo).port
  }

  reloadCertificate(): void {
    this.#certificates?.reload()
  }

  /** Resolves when what was accepted is answered, or after a while. */
  async close(): Promise<void> {
    this.#certificates?.stop()
    await Promise.all(this.#listeners.map(({ server }) => closeServer(server)))
  }
}

async function closeServer(server: Server): Promise<void> {
  const deadline = setTimeout(() => server.closeAllConnections(), SHUTDOWN_TIMEOUT)
  // A connection that was busy when the server stopped listening would idle until its keep-alive ends.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL)
  if (server.listening) await new Promise((resolve) => server.close(resolve))
  clearTimeout(deadline)
  clearInterval(sweep)
}
