import { InvalidRequestError, OAuthError, ServerError } from './errors.ts'
import type { HttpRequest, HttpResponse } from './http.ts'

/** Bytes of a request body; no OAuth request needs more. */
export const MAX_BODY = 65_536

/** @throws InvalidRequestError (415) for a compressed body, which could unfold to any size. */
export function refuseCompressed(encoding: string | null | undefined): void {
  if (encoding && encoding !== 'identity') throw new InvalidRequestError('the body must not be compressed', { status: 415 })
}

/** @throws InvalidRequestError (413) */
export function bodyTooLarge(): InvalidRequestError {
  return new InvalidRequestError(`the body is larger than ${MAX_BODY} bytes`, { status: 413, headers: { connection: 'close' } })
}

/** Nobody reads the answer; the operator reads that nothing broke here. */
export function clientWentAway(cause?: unknown): InvalidRequestError {
  return new InvalidRequestError('the client went away before its request was complete', { cause })
}

export function bodyAlreadyRead(): ServerError {
  return new ServerError('the body was read before the request came here; hand it over unread, or parsed as `body`')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8, or refused: nothing is replaced. @throws InvalidRequestError */
export function decodeBody(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new InvalidRequestError('the body is not UTF-8', { cause })
  }
}

/** A web `Request` as plain data. */
export function fromWebRequest(request: Request): HttpRequest {
  return {
    method: request.method,
    url: request.url,
    headers: request.headers,
    async body() {
      refuseCompressed(request.headers.get('content-encoding'))
      if (request.bodyUsed) throw bodyAlreadyRead()
      return decodeBody(
        await collect((request.body ?? []) as AsyncIterable<Uint8Array>).catch((cause: unknown) => {
          throw cause instanceof OAuthError ? cause : clientWentAway(cause)
        })
      )
    }
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_BODY) throw bodyTooLarge()
    chunks.push(chunk)
  }
  return join(chunks, length)
}

/** The chunks as one. */
export function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only) return only
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** A response as a web `Response`. */
export function toWebResponse({ status, headers, body }: HttpResponse, method: string): Response {
  const list = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value]] : value.map((one) => [name, one])
  )
  return new Response(method === 'HEAD' ? null : (body ?? null), { status, headers: list as [string, string][] })
}
