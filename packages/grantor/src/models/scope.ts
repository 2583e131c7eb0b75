// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), and spaces between them.
const CHARACTERS = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * The scope tokens of a space-separated string, each once, in the order given. Absent or blank: none.
 * Undefined when a character is not allowed or there are more than `max` of them (RFC 6749 §3.3).
 */
export function parseScope(scope: string | undefined, max = 200): readonly string[] | undefined {
  if (scope === undefined) return []
  if (scope.length > 8192 || !CHARACTERS.test(scope)) return undefined
  const tokens = scope.split(' ').filter((token) => token !== '')
  if (tokens.length > max) return undefined
  return tokens.filter((token, index) => tokens.indexOf(token) === index)
}

/** Whether every token of `scope` is one of `allowed`. */
export function isWithin(scope: readonly string[], allowed: readonly string[]): boolean {
  return scope.every((token) => allowed.includes(token))
}
