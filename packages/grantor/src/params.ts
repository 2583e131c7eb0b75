import { InvalidRequestError } from './errors.ts'

const MAX_PARAMETERS = 200

/**
 * The parameters of a request (RFC 6749 §3.1, §3.2): one without a value is as if absent, unknown ones are nobody's business, and one
 * that is sent twice is refused when it is asked for.
 */
export class Params {
  static readonly NONE = new Params()
  /** The first value of each. */
  readonly #values: ReadonlyMap<string, string>
  /** All values of those that are repeated; undefined, as nearly always, if none is. */
  readonly #repeated: ReadonlyMap<string, readonly string[]> | undefined

  private constructor(values: ReadonlyMap<string, string> = new Map(), repeated?: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
    this.#repeated = repeated
  }

  /** @throws InvalidRequestError if a character is not encoded as `application/x-www-form-urlencoded` asks, or there are too many. */
  static parse(encoded: string): Params {
    if (encoded === '') return Params.NONE
    const values = new Map<string, string>()
    let repeated: Map<string, string[]> | undefined
    for (let start = 0, pairs = 1; start <= encoded.length; pairs++) {
      if (pairs > MAX_PARAMETERS) throw new InvalidRequestError('too many parameters')
      const ampersand = encoded.indexOf('&', start)
      const end = ampersand === -1 ? encoded.length : ampersand
      const equals = encoded.indexOf('=', start)
      // RFC 6749 §3.1: "Parameters sent without a value MUST be treated as if they were omitted from the request."
      if (equals !== -1 && equals < end - 1) {
        const name = decode(encoded.slice(start, equals))
        const value = decode(encoded.slice(equals + 1, end))
        const earlier = values.get(name)
        if (earlier === undefined) values.set(name, value)
        else {
          repeated ??= new Map()
          repeated.set(name, [...(repeated.get(name) ?? [earlier]), value])
        }
      }
      start = end + 1
    }
    return new Params(values, repeated)
  }

  static from(record: Record<string, string>): Params {
    return new Params(new Map(Object.entries(record)))
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  /** @throws InvalidRequestError if the parameter is repeated: "parameters MUST NOT be included more than once" (RFC 6749 §3.1, §3.2). */
  get(name: string): string | undefined {
    if (this.#repeated?.has(name)) throw new InvalidRequestError(`${printable(name)} is given more than once`)
    return this.#values.get(name)
  }

  /** @throws InvalidRequestError if the parameter is missing or repeated. */
  require(name: string): string {
    const value = this.get(name)
    if (value === undefined) throw new InvalidRequestError(`${name} is missing`)
    return value
  }

  /** All values of a parameter that may be repeated, as `resource` (RFC 8707 §2) and `audience` (RFC 8693 §2.1). */
  all(name: string): readonly string[] {
    const value = this.#values.get(name)
    return this.#repeated?.get(name) ?? (value === undefined ? [] : [value])
  }

  /** The same without these names. */
  without(names: readonly string[]): Params {
    const others = <T>(map: Iterable<readonly [string, T]> = []) => new Map([...map].filter(([name]) => !names.includes(name)))
    return new Params(others(this.#values), others(this.#repeated))
  }

  /** The same with these values in the place of its own. */
  with(record: Readonly<Record<string, string>>): Params {
    return new Params(new Map([...this.#values, ...Object.entries(record)]), this.without(Object.keys(record)).#repeated)
  }

  /** The first name that is repeated and may not be. */
  repeated(repeatable: readonly string[] = ['resource', 'audience']): string | undefined {
    return [...(this.#repeated?.keys() ?? [])].find((name) => !repeatable.includes(name))
  }

  names(): IterableIterator<string> {
    return this.#values.keys()
  }

  /** As sent in the body of a form or the query of a URL. */
  toString(): string {
    let text = ''
    for (const [name, first] of this.#values)
      for (const value of this.#repeated?.get(name) ?? [first]) text += `${text && '&'}${encodeForm(name)}=${encodeForm(value)}`
    return text
  }
}

/** Whether it is an authentication request (OpenID Connect Core §3.1.2.1), as far as it says before it is judged. */
export function asksForOpenId(params: Params): boolean {
  return (params.all('scope')[0] ?? '').split(' ').includes('openid')
}

/** `application/x-www-form-urlencoded` of one name or value. */
export function encodeForm(text: string): string {
  // Names, codes, tokens and most states have nothing to encode, and to see that is quicker than to encode it.
  return /^[\w.~-]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed()).replace(/%20/g, '+')
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
