import { type Answer, OutboundError } from './base.ts'

/** An answer of any status but a redirect; whether it is the one that was hoped for is for the caller to say. */
export interface OutboundResponse {
  status: number
  headers: { get(name: string): string | null }
  /** The media type in lower case, without parameters; empty if there is none. */
  contentType: string
  body: string
}

/**
 * The answer with its whole body, or without any if there is no `maxBytes`.
 * @throws OutboundError for a redirect, a compressed body, one that is too large or not UTF-8.
 */
export async function readAnswer({ status, headers, body }: Answer, maxBytes: number | undefined): Promise<OutboundResponse> {
  // 0 is what a browser's `fetch` says of a redirect that it was told not to follow.
  if (status === 0 || (status >= 300 && status < 400)) throw new OutboundError('redirect')
  const [mediaType = ''] = (headers.get('content-type') ?? '').split(';')
  const contentType = mediaType.trim().toLowerCase()
  if (maxBytes === undefined) return { status, headers, contentType, body: '' }
  // A few compressed bytes unfold to any size; identity is all that was accepted (RFC 9110 §12.5.3).
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') throw new OutboundError('compressed')
  return { status, headers, contentType, body: await readText(body, maxBytes) }
}

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let length = 0
  let text = ''
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw new OutboundError('too_large')
    text += decode(decoder, chunk, { stream: true })
  }
  text += decode(decoder)
  // RFC 8259 §8.1: "MUST NOT add a byte order mark"
  if (text.startsWith('\ufeff')) throw new OutboundError('not_utf8')
  return text
}

function decode(decoder: TextDecoder, chunk?: Uint8Array, options?: TextDecodeOptions): string {
  try {
    return decoder.decode(chunk as Uint8Array<ArrayBuffer> | undefined, options)
  } catch (cause) {
    throw new OutboundError('not_utf8', cause)
  }
}
