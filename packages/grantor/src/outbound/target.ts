import { ConfigurationError } from '../errors.ts'
import { isAddress, isPublicAddress } from './addresses.ts'
import { OutboundError } from './base.ts'

const MAX_URL = 2048
// The special-use names of IANA (RFC 6761), and those that networks use for themselves (RFC 6762 appendix G).
const SPECIAL_NAME = /(^|\.)(alt|arpa|corp|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private|test)$/

export interface Target {
  url: URL
  trusted: boolean
}

/** The hosts and origins that the operator named. */
export class AllowList {
  readonly #names: ReadonlySet<string>

  /** @throws ConfigurationError for an entry that is neither a host nor an origin, as a URL writes it. */
  constructor(names: readonly string[]) {
    for (const name of names) {
      if (!isHost(name) && !isOrigin(name)) {
        throw new ConfigurationError(`outbound: allow has hosts and origins, such as idp.internal or http://localhost:8080, not ${name}`)
      }
    }
    this.#names = new Set(names)
  }

  /** An origin counts for itself alone, a host for https on every port. */
  has({ origin, hostname, protocol }: URL): boolean {
    return this.#names.has(origin) || (protocol === 'https:' && this.#names.has(hostname))
  }
}

/** @throws OutboundError for what is no URL of a web server. */
export function readUrl(text: string): URL {
  // RFC 3986 §2: ASCII without spaces. The URL parser would repair `https:host`, backslashes, tabs and other alphabets.
  if (text.length > MAX_URL || !/^[a-z][a-z0-9+.-]*:\/\/(?![/?#])[!-[\]-~]+$/i.test(text) || !URL.canParse(text)) {
    throw new OutboundError('malformed_url')
  }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutboundError('blocked_scheme')
  if (url.username !== '' || url.password !== '') throw new OutboundError('malformed_url')
  return url
}

/** What a URL says about where it leads, before any name is resolved. @throws OutboundError */
export function judge(url: URL, allowed: AllowList): Target {
  const trusted = allowed.has(url)
  if (trusted) return { url, trusted }
  if (url.protocol !== 'https:') throw new OutboundError('blocked_scheme')
  if (isAddress(url.hostname)) {
    if (!isPublicAddress(bareHost(url))) throw new OutboundError('blocked_address')
  } else if (!url.hostname.includes('.') || url.hostname.endsWith('.') || SPECIAL_NAME.test(url.hostname)) {
    throw new OutboundError('blocked_name')
  }
  if (url.port !== '') throw new OutboundError('blocked_port')
  return { url, trusted }
}

/** The host as resolvers and sockets want it: an IPv6 address without brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function isHost(name: string): boolean {
  return /^(\[[0-9a-f:]+\]|[a-z0-9._-]+)$/.test(name) && URL.canParse(`https://${name}`) && new URL(`https://${name}`).hostname === name
}

function isOrigin(name: string): boolean {
  return /^https?:\/\//.test(name) && URL.canParse(name) && new URL(name).origin === name && !name.includes('*')
}
