/** RFC 3986 §2: the characters of a URI; user information has no place in one that names an endpoint. */
const HTTP_URI = /^https?:\/\/[A-Za-z0-9._~%[\]:-]+(?:[/?#][A-Za-z0-9._~%:/?#[\]@!$&'()*+,;=-]*)?$/i
const ESCAPE = /%[0-9A-F]{2}/gi
const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * An http or https URI without query and fragment (RFC 9449 §4.3), normalised by its syntax and scheme (RFC 3986 §6.2.2, §6.2.3): two are
 * equivalent if these are equal. Undefined: it is none.
 */
export function normalizedHttpUri(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || !HTTP_URI.test(uri) || !URL.canParse(uri)) return undefined
  // Lower-case scheme and host, no default port, no dot segments, a path: as the URL Standard parses.
  const { origin, pathname } = new URL(uri)
  // RFC 3986 §6.2.2.1, §6.2.2.2: hexadecimal digits in upper case; what needs no escape has none.
  return origin + pathname.replace(ESCAPE, normalizedEscape)
}

function normalizedEscape(escaped: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  return UNRESERVED.test(character) ? character : escaped.toUpperCase()
}
