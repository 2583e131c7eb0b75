/** One value in DER (X.690 §8.1). */
export interface DerValue {
  /** Its identifier octet. */
  tag: number
  contents: Uint8Array
  /** All of it, with tag and length. */
  encoded: Uint8Array
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const UTF16 = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true })
/** X.680 §8.4: UTF8String, NumericString, PrintableString, IA5String, BMPString. */
const TEXTS: Readonly<Record<number, (contents: Uint8Array) => string>> = {
  12: (contents) => UTF8.decode(contents),
  18: ascii,
  19: ascii,
  22: ascii,
  30: (contents) => UTF16.decode(contents)
}

/** The values that stand one after another. @throws RangeError if these bytes are no whole values in DER */
export function derValues(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const value = derValue(bytes, offset)
    values.push(value)
    offset += value.encoded.length
  }
  return values
}

/** An object identifier as numbers with dots (X.690 §8.19). @throws RangeError if it is none, or one with a number that is too large */
export function objectIdentifier(contents: Uint8Array): string {
  const numbers: number[] = []
  let number = 0
  for (const octet of contents) {
    number = number * 128 + (octet & 0x7f)
    if (number > Number.MAX_SAFE_INTEGER) throw new RangeError('an object identifier with a number that is too large')
    if (octet >= 0x80) continue
    numbers.push(number)
    number = 0
  }
  const [first, ...others] = numbers
  if (first === undefined || (contents.at(-1) ?? 0) >= 0x80) throw new RangeError('no object identifier')
  // X.690 §8.19.4: the first two numbers are one.
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - 40 * root, ...others].join('.')
}

/** The text in a value; undefined: it is none, or of a kind whose characters are not certain. @throws TypeError if it is malformed */
export function derText({ tag, contents }: DerValue): string | undefined {
  return TEXTS[tag]?.(contents)
}

/** @throws TypeError if it has other characters */
export function ascii(contents: Uint8Array): string {
  if (contents.some((octet) => octet > 0x7f)) throw new TypeError('not ASCII')
  return UTF8.decode(contents)
}

function derValue(bytes: Uint8Array, offset: number): DerValue {
  const tag = octetAt(bytes, offset)
  // X.690 §8.1.2.4: higher numbers take more octets; certificates have none (RFC 5280 appendix A).
  if ((tag & 0x1f) === 0x1f) throw new RangeError('a tag of several octets')
  const { length, size } = lengthAt(bytes, offset + 1)
  const start = offset + 1 + size
  if (start + length > bytes.length) throw new RangeError('a value that is cut off')
  return { tag, contents: bytes.subarray(start, start + length), encoded: bytes.subarray(offset, start + length) }
}

/** X.690 §10.1: "The definite form of length encoding shall be used, encoded in the minimum number of octets." */
function lengthAt(bytes: Uint8Array, offset: number): { length: number; size: number } {
  const first = octetAt(bytes, offset)
  if (first < 0x80) return { length: first, size: 1 }
  const octets = first & 0x7f
  if (octets === 0 || octets > 4) throw new RangeError('a length that no certificate has')
  let length = 0
  for (let index = 1; index <= octets; index++) length = length * 256 + octetAt(bytes, offset + index)
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new RangeError('a length that is not in DER')
  return { length, size: 1 + octets }
}

function octetAt(bytes: Uint8Array, offset: number): number {
  const octet = bytes[offset]
  if (octet === undefined) throw new RangeError('a value that is cut off')
  return octet
}
