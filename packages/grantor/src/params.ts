import { InvalidRequestError } from './errors.ts'

const MAX_PARAMETERS = 200

/**
 * The parameters of a request (RFC 6749 §3.1, §3.2): one without a value is as if absent, unknown ones are nobody's business, and one
 * that is sent twice is refused when it is asked for.
 */
export class Params {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#values = values
  }

  /** @throws InvalidRequestError if a character is not encoded as `application/x-www-form-urlencoded` asks, or there are too many. */
  static parse(encoded: string): Params {
    const values = new Map<string, string[]>()
    if (encoded === '') return new Params(values)
    const pairs = encoded.split('&', MAX_PARAMETERS + 1)
    if (pairs.length > MAX_PARAMETERS) throw new InvalidRequestError('too many parameters')
    for (const pair of pairs) {
      const equals = pair.indexOf('=')
      // RFC 6749 §3.1: "Parameters sent without a value MUST be treated as if they were omitted from the request."
      if (equals === -1 || equals === pair.length - 1) continue
      const name = decode(pair.slice(0, equals))
      const value = decode(pair.slice(equals + 1))
      const earlier = values.get(name)
      if (earlier) earlier.push(value)
      else values.set(name, [value])
    }
    return new Params(values)
  }

  static from(record: Record<string, string>): Params {
    return new Params(new Map(Object.entries(record).map(([name, value]) => [name, [value]])))
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** @throws InvalidRequestError if the parameter is repeated: "parameters MUST NOT be included more than once" (RFC 6749 §3.1, §3.2). */
  get(name: string): string | undefined {
    const values = this.#values.get(name)
    if (values !== undefined && values.length > 1) throw new InvalidRequestError(`${printable(name)} is given more than once`)
    return values?.[0]
  }

  /** @throws InvalidRequestError if the parameter is missing or repeated. */
  require(name: string): string {
    const value = this.get(name)
    if (value === undefined) throw new InvalidRequestError(`${name} is missing`)
    return value
  }

  /** All values of a parameter that may be repeated, as `resource` (RFC 8707 §2) and `audience` (RFC 8693 §2.1). */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** The same without these names. */
  without(names: readonly string[]): Params {
    return new Params(new Map([...this.#values].filter(([name]) => !names.includes(name))))
  }

  /** The same with these values in the place of its own. */
  with(record: Readonly<Record<string, string>>): Params {
    return new Params(new Map([...this.#values, ...Object.entries(record).map(([name, value]) => [name, [value]] as const)]))
  }

  /** The first name that is repeated and may not be. */
  repeated(repeatable: readonly string[] = ['resource', 'audience']): string | undefined {
    for (const [name, values] of this.#values) if (values.length > 1 && !repeatable.includes(name)) return name
    return undefined
  }

  names(): IterableIterator<string> {
    return this.#values.keys()
  }

  /** As sent in the body of a form or the query of a URL. */
  toString(): string {
    return [...this.#values].flatMap(([name, values]) => values.map((value) => `${encodeForm(name)}=${encodeForm(value)}`)).join('&')
  }
}

/** Whether it is an authentication request (OpenID Connect Core §3.1.2.1), as far as it says before it is judged. */
export function asksForOpenId(params: Params): boolean {
  return (params.all('scope')[0] ?? '').split(' ').includes('openid')
}

/** `application/x-www-form-urlencoded` of one name or value. */
export function encodeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%20/g, '+')
}

/** @throws InvalidRequestError rather than guess: a replaced character could make two values equal that are not. */
export function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text.includes('\0') ? refuse() : text
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? refuse() : decoded
  } catch {
    return refuse()
  }
}

function refuse(): never {
  throw new InvalidRequestError('the parameters are not valid application/x-www-form-urlencoded UTF-8')
}

/** A name from outside as it may stand in an `error_description` (RFC 6749 §5.2). */
function printable(name: string): string {
  return name.slice(0, 64).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
