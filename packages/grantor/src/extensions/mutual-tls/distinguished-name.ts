import { type DerValue, derText, derValues, objectIdentifier } from './der.ts'

/** RFC 4514 §3, and what else of RFC 4519, RFC 2985 and ETSI TS 119 495 is in the certificates of clients. */
const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cn: '2.5.4.3',
    sn: '2.5.4.4',
    serialnumber: '2.5.4.5',
    c: '2.5.4.6',
    l: '2.5.4.7',
    st: '2.5.4.8',
    street: '2.5.4.9',
    o: '2.5.4.10',
    ou: '2.5.4.11',
    title: '2.5.4.12',
    businesscategory: '2.5.4.15',
    postalcode: '2.5.4.17',
    givenname: '2.5.4.42',
    organizationidentifier: '2.5.4.97',
    uid: '0.9.2342.19200300.100.1.1',
    dc: '0.9.2342.19200300.100.1.25',
    emailaddress: '1.2.840.113549.1.9.1'
  })
)
const NUMBERS = /^[0-2](?:\.(?:0|[1-9]\d{0,15})){1,30}$/
const HEXADECIMAL = /^#(?:[0-9a-f]{2}){1,1000}$/i
// RFC 4514 §3: stringchar and pair; a string does not begin with a sharp, and the spaces at its ends are escaped.
const STRING = /^(?:\\[0-9a-f]{2}|\\[ "#+,;<=>\\]|[^"+,;<>\\\0])*$/i
const ESCAPED = /\\([0-9a-f]{2})|\\([ "#+,;<=>\\])|([^\\])/giu

/** An attribute's type and value; the value is a text, or what it is encoded as. */
type Attribute = readonly [type: string, value: string | { der: string }]

/** The distinguished name with these contents in a certificate (RFC 5280 §4.1.2.4), as a text that two have in common if they are the same. */
export function nameInCertificate(contents: Uint8Array): string {
  return comparable(
    derValues(contents).map((set) =>
      derValues(set.contents).map((pair) => {
        const [type, value] = derValues(pair.contents)
        if (!type || !value) throw new RangeError('an attribute without type or value')
        return [objectIdentifier(type.contents), attributeValue(value)]
      })
    )
  )
}

/** A distinguished name as RFC 4514 writes it, in the same form. Undefined: it is none, or has a type that is not known by name. */
export function nameInText(text: string): string | undefined {
  try {
    // RFC 4514 §2.1: "starting with the last element of the sequence and moving backwards toward the first".
    return comparable(
      split(text, ',')
        .reverse()
        .map((set) => split(set, '+').map(attributeOf))
    )
  } catch {
    return undefined
  }
}

/** The sets in their order, the attributes of each in none (X.501 §9.2). */
function comparable(name: readonly (readonly Attribute[])[]): string {
  return JSON.stringify(name.map((set) => set.map((attribute) => JSON.stringify(attribute)).sort()))
}

function attributeValue(value: DerValue): Attribute[1] {
  return derText(value) ?? { der: [...value.encoded].map((octet) => octet.toString(16).padStart(2, '0')).join('') }
}

function attributeOf(text: string): Attribute {
  const equals = text.indexOf('=')
  if (equals === -1) throw new RangeError('an attribute has a type and a value')
  const name = text.slice(0, equals).trim()
  const type = NUMBERS.test(name) ? name : TYPES.get(name.toLowerCase())
  if (type === undefined) throw new RangeError('a type that is not known by name')
  // Other implementations put spaces after separators; one that belongs to the value is escaped.
  return [type, textOf(text.slice(equals + 1).replace(/^ +/, ''))]
}

function textOf(raw: string): Attribute[1] {
  if (HEXADECIMAL.test(raw)) {
    const [value, ...more] = derValues(Uint8Array.from(raw.slice(1).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
    if (!value || more.length > 0) throw new RangeError('not one value')
    return attributeValue(value)
  }
  const isString = STRING.test(raw) && !raw.startsWith('#') && (!raw.endsWith(' ') || raw.endsWith('\\ '))
  if (!isString) throw new RangeError('a value that is not escaped')
  const encoded = raw.replace(ESCAPED, (_, pair?: string, special?: string, character?: string) =>
    pair === undefined ? encodeURIComponent(special ?? character ?? '') : `%${pair}`
  )
  return decodeURIComponent(encoded)
}

/** The parts between separators that are not escaped. */
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === separator) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)]
}
