// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), and spaces between them.
const CHARACTERS = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/**
 * The scope tokens of a space-separated string, each once, in the order given. Absent or blank: none.
 * Undefined when a character is not allowed or there are more than `max` of them (RFC 6749 §3.3).
 */
export function parseScope(scope: string | undefined, max = 200): readonly string[] | undefined {
  if (scope === undefined) return []
  if (scope.length > 8192 || !CHARACTERS.test(scope)) return undefined
  const tokens: string[] = []
  let count = 0
  // By hand: each request reads a scope or three, and `split` leaves the engine's fast code.
  for (let start = 0, end = 0; start < scope.length; start = end + 1) {
    end = scope.indexOf(' ', start)
    if (end === -1) end = scope.length
    if (end === start) continue
    if (++count > max) return undefined
    const token = scope.slice(start, end)
    if (!tokens.includes(token)) tokens.push(token)
  }
  return tokens
}

/** Whether every token of `scope` is one of `allowed`. */
export function isWithin(scope: readonly string[], allowed: readonly string[]): boolean {
  return scope.every((token) => allowed.includes(token))
}
