import { ConfigurationError } from '../errors.ts'
import { isPublicAddress } from './addresses.ts'
import { type Answer, type Exchange, OutboundError, type Transport } from './base.ts'
import { bareHost } from './target.ts'

/** Bytes of an answer's head. */
const MAX_HEAD = 16_384

/** As much of Node's modules as is used here; the library imports nothing from `node:`, so that it loads anywhere. */
export interface NodeModules {
  http: NodeHttp
  https: NodeHttp
  tls: { rootCertificates: readonly string[]; getCACertificates?(type: 'default'): readonly string[] }
  crypto: { X509Certificate: new (pem: string) => object }
  /** All addresses of a name, as the system's resolver knows them. */
  lookup(name: string, options: { all: true }): Promise<ResolvedAddress[]>
}
interface NodeHttp {
  request(options: object, onAnswer: (message: NodeMessage) => void): NodeClientRequest
}
interface NodeClientRequest {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'close', listener: () => void): unknown
  end(body?: string): unknown
}
interface NodeMessage extends AsyncIterable<Uint8Array> {
  statusCode?: number | undefined
  headers: Record<string, string | string[] | undefined>
}
interface ResolvedAddress {
  address: string
  family: number
}
type LookupCallback = (error: null, address: string | readonly ResolvedAddress[], family?: number) => void

/**
 * Resolves a name once, judges every address it has, and connects to those and no others. `ca`: certificates in PEM that are trusted
 * besides the system's. @throws ConfigurationError if one is none.
 */
export function nodeTransport({ http, https, tls, crypto, lookup }: NodeModules, ca: readonly string[]): Transport {
  for (const pem of ca) checkCertificate(crypto, pem)
  const trusted = ca.length > 0 ? { ca: [...(tls.getCACertificates?.('default') ?? tls.rootCertificates), ...ca] } : {}

  async function resolve({ url, trusted }: Exchange): Promise<readonly ResolvedAddress[]> {
    const addresses = await lookup(bareHost(url), { all: true }).catch((cause) => {
      throw new OutboundError('unresolved_name', cause)
    })
    if (addresses.length === 0) throw new OutboundError('unresolved_name')
    // A name with one forbidden address is an attack or a mistake: none of its addresses is used.
    if (!trusted && !addresses.every(({ address }) => isPublicAddress(address))) throw new OutboundError('blocked_address')
    return addresses
  }

  function send({ url, method, headers, body }: Exchange, addresses: readonly ResolvedAddress[], signal: AbortSignal): Promise<Answer> {
    return new Promise((done, fail) => {
      const options = {
        host: bareHost(url),
        port: url.port,
        path: url.pathname + url.search,
        method,
        headers,
        signal,
        // The name stays in SNI and Host; only the resolver is replaced, so that a second answer of it cannot lead elsewhere.
        lookup: pinned(addresses),
        // An agent of its own: no connection and no TLS session is shared, and no proxy of the environment is asked.
        agent: false,
        maxHeaderSize: MAX_HEAD,
        // NODE_TLS_REJECT_UNAUTHORIZED does not count here.
        rejectUnauthorized: true,
        ...trusted
      }
      const module = url.protocol === 'https:' ? https : http
      const request = module.request(options, (message) => done(toAnswer(message)))
      request.on('error', (cause) => fail(new OutboundError('connection_failed', cause)))
      // An answer that changes the protocol (101) ends so, without an error.
      request.on('close', () => fail(new OutboundError('connection_failed')))
      request.end(body)
    })
  }

  return async (exchange, signal) => {
    const addresses = await resolve(exchange)
    signal.throwIfAborted()
    return send(exchange, addresses, signal)
  }
}

function pinned(addresses: readonly ResolvedAddress[]) {
  const [{ address, family } = { address: '', family: 0 }] = addresses
  return (_name: string, { all }: { all?: boolean }, callback: LookupCallback) =>
    all ? callback(null, addresses) : callback(null, address, family)
}

function toAnswer(message: NodeMessage): Answer {
  return {
    status: message.statusCode ?? 0,
    headers: {
      get(name) {
        const value = message.headers[name]
        return value === undefined ? null : typeof value === 'string' ? value : value.join(', ')
      }
    },
    body: message
  }
}

function checkCertificate({ X509Certificate }: NodeModules['crypto'], pem: string): void {
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new ConfigurationError('outbound: ca has something that is not a certificate in PEM', { cause })
  }
}
