import type { CryptoPort } from '../../crypto/port.ts'

/** RFC 8628 §6.1: no vowels, so that no word comes about, and nothing that is taken for something else. 20⁸ codes, 34.5 bits. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
/** Characters of what a person may type. */
export const MAX_TYPED = 64

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The greatest multiple of 20 among 64: what is beyond would make some letters likelier. */
const FAIR = 60

/** A code as it is compared and stored. */
export function randomUserCode(crypto: CryptoPort): string {
  let code = ''
  while (code.length < LENGTH) {
    const numbers = [...crypto.random(12)].map((character) => BASE64URL.indexOf(character)).filter((number) => number < FAIR)
    code += numbers.map((number) => LETTERS[number % LETTERS.length]).join('')
  }
  return code.slice(0, LENGTH)
}

/**
 * What a person typed, as it is compared; undefined: it cannot be a code. Letters of any width and case are one, and dashes, blanks and what
 * cannot be seen are left out (RFC 8628 §6.1); nothing is taken for another letter.
 */
export function canonicalUserCode(typed: string): string | undefined {
  if (typed.length > MAX_TYPED) return undefined
  const code = typed
    .normalize('NFKC')
    .replace(/[\s\p{Pd}\p{Cf}\u2212_]/gu, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
  return code.length === LENGTH && [...code].every((letter) => LETTERS.includes(letter)) ? code : undefined
}

/** As people see it: XXXX-XXXX. */
export function shownUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`
}
