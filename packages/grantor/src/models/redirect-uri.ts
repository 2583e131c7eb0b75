import type { Client } from './client.ts'

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?(?=\/|\?|$)/
// RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it contains a dot.
const PRIVATE_USE_SCHEME = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/(?!\/)/
// Response parameters that a registered query must not pretend to be (RFC 6749 §4.1.2, RFC 9207 §2).
const RESERVED = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'access_token', 'id_token', 'response']

/** `http` on a loopback literal or `localhost`, any port or none. */
export function isLoopback(uri: string): boolean {
  return LOOPBACK.test(uri)
}

/**
 * Whether `uri` may receive this client's authorization response. Byte-exact comparison (RFC 9700 §2.1, RFC 3986 §6.2.1); native
 * clients may use any port on the loopback host they registered (RFC 8252 §7.3). No URL parser takes part in the decision, so none
 * can be tricked.
 */
export function isRegisteredRedirectUri(client: Client, uri: string): boolean {
  if (redirectUriFault(uri, client.application_type) !== undefined) return false
  if (client.redirect_uris.includes(uri)) return true
  return (
    client.application_type === 'native' &&
    isLoopback(uri) &&
    client.redirect_uris.some((registered) => isLoopback(registered) && withoutPort(registered) === withoutPort(uri))
  )
}

/** What is wrong with a redirect URI, as a sentence; undefined if nothing. Schemes are allowed by name, never refused by name. */
export function redirectUriFault(uri: string, applicationType: 'web' | 'native' = 'web'): string | undefined {
  if (uri.length > 2048) return 'a redirect URI has at most 2048 characters'
  if (!/^[\x21-\x7e]+$/.test(uri) || /["\\<>^`{|}*]/.test(uri))
    return 'a redirect URI consists of the ASCII characters of RFC 3986, without a wildcard'
  // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component."
  if (uri.includes('#')) return 'a redirect URI has no fragment'
  if (!/^(?:[^%]|%[0-9A-Fa-f]{2})*$/.test(uri)) return 'a redirect URI is percent-encoded as RFC 3986 says'
  if (namesOfQuery(uri).some((name) => RESERVED.includes(name))) return 'a redirect URI has no response parameter in its query'
  if (!URL.canParse(uri)) return 'a redirect URI is an absolute URI'
  if (uri.startsWith('https://')) return authorityFault(uri)
  if (isLoopback(uri)) return undefined
  if (applicationType !== 'native') return 'a redirect URI of a web client is an https URL, or http on a loopback host'
  return PRIVATE_USE_SCHEME.test(uri)
    ? undefined
    : 'a private-use scheme is a reversed domain name followed by a single slash (RFC 8252 §7.1)'
}

/** The origin that a browser application with this redirect URI runs on; undefined for a private-use scheme. */
export function originOf(uri: string): string | undefined {
  return /^https?:\/\/[^/?#]+/.exec(uri)?.[0]
}

function authorityFault(uri: string): string | undefined {
  const authority = /^https:\/\/([^/?]*)/.exec(uri)?.[1] ?? ''
  if (authority === '' || authority.includes('@')) return 'a redirect URI has a host and no user information'
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(authority))
    return 'the host of a redirect URI is a DNS name or an IP address'
  return undefined
}

/** The names in the query, however a client may read it: `;` separates for some, and a name may be percent-encoded. */
function namesOfQuery(uri: string): readonly string[] {
  const mark = uri.indexOf('?')
  if (mark === -1) return []
  return uri
    .slice(mark + 1)
    .split(/[&;?]/)
    .map((pair) => percentDecoded(pair.split('=')[0] ?? ''))
}

/** Byte by byte, since a name that is no UTF-8 is none of the reserved ones. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):\d{1,5}/, '$1')
}
