import { runtimeCrypto } from '../crypto/runtime.ts'
import { type ClientCertificate, type HttpRequest, type HttpResponse, NO_STORE } from '../http.ts'
import { encodeForm } from '../params.ts'
import { bodyAlreadyRead, bodyTooLarge, clientWentAway, decodeBody, join, MAX_BODY, refuseCompressed } from '../web.ts'

/** As much of node:http's IncomingMessage as is used here. */
export interface NodeRequest {
  method?: string | undefined
  url?: string | undefined
  headers: Record<string, string | string[] | undefined>
  /** As they came: whoever sends one twice is not taken for two who sent it once. */
  headersDistinct?: Record<string, string[] | undefined>
  /** Of TLS, it knows the certificate of the client, and whether an authority of the listener's `ca` vouches for it. */
  socket: {
    remoteAddress?: string | undefined
    authorized?: boolean
    authorizationError?: unknown
    getPeerX509Certificate?(): { raw: Uint8Array } | undefined
  }
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  resume(): unknown
  readableEnded?: boolean
  destroyed?: boolean
}

/** As much of node:http's ServerResponse as is used here. */
export interface NodeResponse {
  readonly headersSent?: boolean
  writeHead(status: number, headers: Record<string, string | string[]>): unknown
  end(body?: string): unknown
}

/** Answers a request, or says by undefined that it is not its own: an `AuthorizationServer`, or several in a row. */
export interface Responder {
  respond(request: HttpRequest): Promise<HttpResponse | undefined>
}

export interface NodeListenerOptions {
  /** Who sends a request. Default: the peer of the connection; behind a proxy, say whom it names, as Express has it in `request.ip`. */
  address?(request: NodeRequest): string | undefined
  /** Its certificate. Default: that of the connection, if the listener has `requestCert`; where a proxy ends TLS, say what that one says. */
  clientCertificate?(request: NodeRequest): ClientCertificate | undefined
}

/**
 * A listener for `node:http`, Express and Connect. It answers the server's own paths and passes every other on to `next`, or answers 404
 * where there is none. Mount it at the root, without a prefix: the issuer says where the endpoints are. It works behind a body parser too.
 */
export function nodeListener(
  server: Responder,
  { address = ({ socket }) => socket.remoteAddress, clientCertificate = ofConnection }: NodeListenerOptions = {}
): (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void {
  return (request, response, next) => {
    const http = fromNodeRequest(request, address(request), () => clientCertificate(request))
    const send = (answer: HttpResponse) => {
      // Somebody before us answered already, such as a middleware that limits the time.
      if (!response.headersSent) write(response, answer)
    }
    const sendOwn = (answer: HttpResponse) =>
      send({ ...answer, headers: { ...answer.headers, 'x-request-id': http.id ?? runtimeCrypto().random(9) } })
    server
      .respond(http)
      .then((answer) => (answer ? send(answer) : next ? next() : sendOwn(NOT_FOUND)))
      .catch((error: unknown) => (next ? next(error) : sendOwn(FAILED)))
      // What `next` throws is the host's, and must not end its process.
      .catch(() => sendOwn(FAILED))
  }
}

// RFC 9110 §15.1: a 404 may be kept by whoever is asked for it again, unless it says no.
const NOT_FOUND: HttpResponse = { status: 404, headers: { 'content-type': 'text/plain', ...NO_STORE }, body: 'Not found\n' }
const JSON_TYPE = /^application\/json\b/i
const FAILED: HttpResponse = { status: 500, headers: { 'content-type': 'text/plain', ...NO_STORE }, body: 'Internal server error\n' }

/** A node:http request as plain data; no web object is made. */
function fromNodeRequest(
  request: NodeRequest & { originalUrl?: string; id?: unknown; body?: unknown; rawBody?: unknown },
  address: string | undefined,
  clientCertificate: () => ClientCertificate | undefined
): HttpRequest {
  const { headers, id } = request
  return {
    method: request.method ?? 'GET',
    url: request.originalUrl ?? request.url ?? '/',
    headers: {
      get(name) {
        const value = headers[name]
        return value === undefined ? null : typeof value === 'string' ? value : value.join(', ')
      }
    },
    remote: address === undefined ? {} : { address },
    body: () => readBody(request),
    clientCertificate,
    // As pino-http and others name it.
    ...(typeof id === 'string' && { id })
  }
}

function ofConnection({ socket }: NodeRequest): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate?.()
  // After a renegotiation, `authorized` still speaks of the first certificate of the connection.
  return certificate && { der: certificate.raw, isTrusted: socket.authorized === true && !socket.authorizationError }
}

function write(response: NodeResponse, { status, headers, body = '' }: HttpResponse): void {
  // RFC 9110 §8.6: none "in any response with a status code of … 204 (No Content)", and in a 304 none but that of what was not sent.
  response.writeHead(status, status === 204 || status === 304 ? headers : { ...headers, 'content-length': String(byteLength(body)) })
  response.end(body)
}

function byteLength(text: string): number {
  return (globalThis as unknown as { Buffer: { byteLength(text: string): number } }).Buffer.byteLength(text)
}

async function readBody(request: NodeRequest & { body?: unknown; rawBody?: unknown }): Promise<string> {
  refuseCompressed(request.headers['content-encoding'] as string | undefined)
  const parsed = request.rawBody ?? (request.readableEnded ? request.body : undefined)
  if (parsed !== undefined) {
    if (typeof parsed === 'string') return parsed
    if (parsed instanceof Uint8Array) return decodeBody(parsed)
    return JSON_TYPE.test(String(request.headers['content-type'])) ? JSON.stringify(parsed) : encodeParsed(parsed)
  }
  if (request.readableEnded) throw bodyAlreadyRead()
  if (request.destroyed) throw clientWentAway()
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw discard(request)
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: Uint8Array) => {
      length += chunk.length
      if (length <= MAX_BODY) chunks.push(chunk)
      else {
        request.off('data', onData)
        reject(discard(request))
      }
    }
    request.on('data', onData)
    request.on('end', () => settle(() => decodeBody(join(chunks, length)), resolve, reject))
    request.on('error', (cause) => reject(clientWentAway(cause)))
    // It comes after every request: an error with its stack is made only where something is missing.
    request.on('close', () => {
      if (!request.readableEnded) reject(clientWentAway())
    })
  })
}

function discard(request: NodeRequest): Error {
  request.resume()
  return bodyTooLarge()
}

function settle<T>(produce: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(produce())
  } catch (error) {
    reject(error)
  }
}

/** What a body parser made of a form, as a form again; a repeated parameter is a list there, and stays repeated here. */
function encodeParsed(parsed: unknown): string {
  if (parsed === null || typeof parsed !== 'object') return ''
  return Object.entries(parsed)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => (typeof one === 'string' ? `${encodeForm(name)}=${encodeForm(one)}` : ''))
    )
    .filter((pair) => pair !== '')
    .join('&')
}
