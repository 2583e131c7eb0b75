import { ConfigurationError } from '../errors.ts'
import { type OutboundResponse, readAnswer } from './answer.ts'
import { OutboundError, type OutboundReason, type Transport } from './base.ts'
import { runtimeTransport } from './runtime.ts'
import { Slots } from './slots.ts'
import { AllowList, judge, readUrl, type Target } from './target.ts'

/** Where outbound requests may lead, and what they may cost. */
export interface OutboundOptions {
  /**
   * Hosts (`idp.internal`, `10.1.2.3`, `[fd00::1]`: https, any port) and origins (`http://localhost:8080`: only this one, `http` too) that
   * may be reached although they are private. Default: none.
   */
  allow?: readonly string[]
  /** Certificates in PEM that are trusted besides the system's. */
  ca?: readonly string[]
  /** Milliseconds for everything: to wait for a turn, resolve, connect, and read the whole answer. Default 5000. */
  timeout?: number
  /** How many requests run at once; the others wait. Default 64. */
  concurrency?: number
  /** How many of them to one origin. Default 8. */
  originConcurrency?: number
}

export interface OutboundRequest {
  url: string
  /** Default: POST with a body, GET without. */
  method?: 'GET' | 'POST'
  /** Media types that are wanted. Default: any. */
  accept?: string
  body?: string
  /** The media type of `body`. */
  contentType?: string
  /** A token for whoever answers (RFC 6750 §2.1). */
  bearer?: string
  /** Bytes of the answer's body. Default 65536. */
  maxBytes?: number
  /** True: only the status counts; the body is neither read nor judged. */
  statusOnly?: boolean
}

/**
 * Fetches a URL that somebody else wrote. Coalescing, caching and budgets are the caller's.
 * @throws OutboundError if the URL may not be fetched, or the answer breaks a limit.
 */
export type Outbound = (request: OutboundRequest) => Promise<OutboundResponse>

/** A request that came to nothing: where it was to go (never its path or query), and why. */
export interface OutboundRefusal {
  origin: string
  reason: OutboundReason
}

/** What the guard stands on. */
export interface OutboundPorts {
  transport: Transport
  /** Calls back after so many milliseconds, unless the returned function is called before. */
  after(milliseconds: number, callback: () => void): () => void
}

/** The names of all options, for whoever checks a configuration. */
export const OUTBOUND_NAMES: readonly (keyof OutboundOptions)[] = ['allow', 'ca', 'timeout', 'concurrency', 'originConcurrency']

const MAX_BYTES = 65_536

/**
 * The guard through which every URL is fetched that a client, a document or a request names (RFC 9101 §10.4.1).
 * @throws ConfigurationError if an option cannot work.
 */
export function createOutbound(
  { allow = [], ca = [], timeout = 5000, concurrency = 64, originConcurrency = 8 }: OutboundOptions,
  refused: (refusal: OutboundRefusal) => void,
  { transport = runtimeTransport(ca), after = startTimer }: Partial<OutboundPorts> = {}
): Outbound {
  for (const [name, value] of Object.entries({ timeout, concurrency, originConcurrency })) {
    if (!(value > 0)) throw new ConfigurationError(`outbound: ${name} must be a positive number`)
  }
  const allowed = new AllowList(allow)
  const slots = new Slots(concurrency, originConcurrency)

  async function exchange(target: Target, request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    const release = await slots.take(target.url.origin, signal)
    try {
      const { body, method = body === undefined ? 'GET' : 'POST' } = request
      const answer = await transport({ ...target, method, headers: headersOf(request), ...(body !== undefined && { body }) }, signal)
      return await readAnswer(answer, request.statusOnly ? undefined : (request.maxBytes ?? MAX_BYTES))
    } finally {
      release()
    }
  }

  /** Whoever is at fault, the caller waits no longer than this; a resolver cannot be called off. */
  async function withDeadline(target: Target, request: OutboundRequest): Promise<OutboundResponse> {
    const controller = new AbortController()
    const late = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason))
    })
    const cancel = after(timeout, () => controller.abort(new OutboundError('timeout')))
    const answered = exchange(target, request, controller.signal)
    try {
      return await Promise.race([answered, late])
    } finally {
      cancel()
      // Closes the connection of an answer that was refused before its end.
      controller.abort()
    }
  }

  return async (request) => {
    let origin = ''
    try {
      const url = readUrl(request.url)
      origin = url.origin
      return await withDeadline(judge(url, allowed), request)
    } catch (cause) {
      const error = cause instanceof OutboundError ? cause : new OutboundError('connection_failed', cause)
      refused({ origin, reason: error.reason })
      throw error
    }
  }
}

/** All that a stranger learns of this server: no cookie, no credential but their own, no referrer, no name or version but this. */
function headersOf({ accept = '*/*', contentType, bearer }: OutboundRequest): Record<string, string> {
  return {
    'user-agent': 'grantor',
    'accept-encoding': 'identity',
    accept,
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` })
  }
}

function startTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds)
  return () => clearTimeout(timer)
}
