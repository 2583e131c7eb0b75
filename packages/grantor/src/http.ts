/** Who is at the other end of the connection, as far as the adapter can vouch for it. */
export interface RemoteInfo {
  address?: string
}

/** A certificate whose private key the sender of a request proved to hold in its TLS handshake (RFC 8705 §2). */
export interface ClientCertificate {
  /** The certificate alone, without its chain, in DER (X.690). */
  der: Uint8Array
  /** It is valid now, and its chain ends at an authority that the operator chose for clients (RFC 8705 §2.1). */
  isTrusted: boolean
}

/** A request as plain data: no framework, no web objects. */
export interface HttpRequest {
  method: string
  /** Path and query as received, or an absolute URL. */
  url: string
  headers: { get(name: string): string | null }
  /** The body as text. Rejects with an `InvalidRequestError` (413, 415, 400) when it is too large, compressed or not UTF-8. */
  body(): Promise<string>
  remote?: RemoteInfo | undefined
  /**
   * Read only where it is needed. Undefined: there was none.
   * @throws InvalidRequestError if what a proxy says of it cannot be understood
   */
  clientCertificate?: (() => ClientCertificate | undefined) | undefined
  /** The host's own name for the request, for answers, events and its log; one is made where there is none. */
  id?: string
}

/** A response as plain data. Header names are lower-case. */
export interface HttpResponse {
  status: number
  headers: Record<string, string | string[]>
  body?: string
}

/** RFC 6749 §5.1: nothing that holds a token or an error about one is cached. */
export const NO_STORE: Readonly<Record<string, string>> = { 'cache-control': 'no-store', pragma: 'no-cache' }

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json', ...NO_STORE }

/** A JSON response that no cache keeps. */
export function json(status: number, body: object, headers?: Record<string, string>): HttpResponse {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(body) }
}

/** 303, never 307 or 308: a credential in a body must not travel on (RFC 9700 §4.12). */
export function seeOther(location: string): HttpResponse {
  return { status: 303, headers: { location, ...NO_STORE, 'referrer-policy': 'no-referrer' } }
}

/** A page of our own: unframeable, out of reach of whoever opened it, uncached, without referrer. `csp` adds directives to `default-src 'none'`. */
export function html(status: number, body: string, csp = ''): HttpResponse {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; frame-ancestors 'none'; base-uri 'none'${csp && `; ${csp}`}`,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      ...NO_STORE
    },
    body
  }
}

/**
 * The page, within reach of the window that opened it. A page out of reach cuts the tie for good: an application that signs in by a popup
 * would take it for closed (HTML, cross-origin opener policies). Other sites see no more of it than whether it is there.
 */
export function withOpener(response: HttpResponse): HttpResponse {
  return { ...response, headers: { ...response.headers, 'cross-origin-opener-policy': 'unsafe-none' } }
}

/** The response, with these `Set-Cookie` headers besides its own. */
export function withCookies(response: HttpResponse, cookies: readonly string[]): HttpResponse {
  if (cookies.length === 0) return response
  const own = response.headers['set-cookie'] ?? []
  return { ...response, headers: { ...response.headers, 'set-cookie': [...(typeof own === 'string' ? [own] : own), ...cookies] } }
}

/** The directive of a Content-Security-Policy that lets a page load these URLs in frames; empty if there are none. */
export function frameSources(urls: readonly string[]): string {
  return urls.length === 0 ? '' : `frame-src ${[...new Set(urls.map((url) => new URL(url).origin))].join(' ')}`
}

/**
 * Whether a form came from a page of this origin, as far as the browser says. Under `Referrer-Policy: no-referrer` it sends `Origin: null`
 * with our own forms; then only its Sec-Fetch-Site vouches for them.
 */
export function isOwnOrigin({ headers }: HttpRequest, issuer: string): boolean {
  const origin = headers.get('origin')
  const site = headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin' && site !== 'none') return false
  return origin === null || origin === new URL(issuer).origin || (origin === 'null' && site === 'same-origin')
}

/** A text in the characters that `error_description` may have (RFC 6749 §5.2, RFC 6750 §3). */
export function plainText(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'")
}

/** Text as it may stand in HTML, in an attribute or between tags. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The name of a cookie of ours: bound to this host and to https, where there is https (RFC 6265bis §4.1.3.2). */
export function cookieName(issuer: string, name: string): string {
  return issuer.startsWith('https:') ? `__Host-${name}` : name
}

/** A `Set-Cookie` header. `maxAge` in seconds; 0 forgets it. */
export function setCookie(issuer: string, name: string, value: string, maxAge: number): string {
  const secure = issuer.startsWith('https:') ? '; Secure' : ''
  return `${cookieName(issuer, name)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${secure}`
}

/**
 * The one cookie of that name; undefined if there is none, or more than one: whoever can plant a second must not choose which counts.
 * Names are compared byte by byte.
 */
export function readCookie(request: HttpRequest, name: string): string | undefined {
  const values = (request.headers.get('cookie') ?? '')
    .split(';')
    .map(withoutBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
  return values.length === 1 ? values[0]?.slice(name.length + 1) : undefined
}

/** Without spaces and tabs around it, which is less than `trim` takes, in time that grows as the text does. */
function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text[start])) start++
  while (start < end && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
