/** Why a request was not made, or its answer not accepted. */
export type OutboundReason =
  | 'malformed_url'
  | 'blocked_scheme'
  | 'blocked_name'
  | 'blocked_address'
  | 'blocked_port'
  | 'unresolved_name'
  | 'connection_failed'
  | 'redirect'
  | 'compressed'
  | 'too_large'
  | 'not_utf8'
  | 'not_json'
  | 'timeout'

/**
 * The URL could not be fetched. The message is the same for every reason, so that nobody learns from it what is behind a URL; `reason` and
 * `cause` are for the operator's log.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason: OutboundReason

  constructor(reason: OutboundReason, cause?: unknown) {
    super('the URL could not be fetched', cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

/** A request that was judged, for a transport to send as it stands. */
export interface Exchange {
  url: URL
  /** The operator named this host or origin: its addresses need not be public. */
  trusted: boolean
  method: string
  headers: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  headers: { get(name: string): string | null }
  body: AsyncIterable<Uint8Array>
}

/** One exchange over the network: follows nothing, keeps nothing, ends when the signal says so. @throws OutboundError */
export type Transport = (exchange: Exchange, signal: AbortSignal) => Promise<Answer>
