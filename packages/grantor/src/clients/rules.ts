/** Says what a value must be, if it is not; undefined: nothing is wrong with it. */
export type MetadataRule = (value: unknown) => string | undefined

/** The longest URL that is stored, in characters. */
const MAX_URL = 2048
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)/

export const text: MetadataRule = (value) => (typeof value === 'string' ? undefined : 'a string')

export const flag: MetadataRule = (value) => (typeof value === 'boolean' ? undefined : 'true or false')

export const seconds: MetadataRule = (value) => (Number.isInteger(value) && Number(value) >= 0 ? undefined : 'a whole number of seconds')

/** A name that people read: one line, nothing in it that changes what stands around it. */
export const displayName: MetadataRule = (value) =>
  typeof value === 'string' && value.length <= 200 && !/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u.test(value)
    ? undefined
    : 'at most 200 characters without control characters'

/** An https URL without user information or control characters; http only on this computer. */
export const webUrl: MetadataRule = (value) =>
  typeof value === 'string' &&
  value.length <= MAX_URL &&
  (LOOPBACK.test(value) || value.startsWith('https://')) &&
  /^https?:\/\/[^\s\\@]+$/.test(value) &&
  URL.canParse(value)
    ? undefined
    : 'an https URL'

/** As `webUrl`, and never on http, for what this server itself calls or what names a party. */
export const httpsUrl: MetadataRule = (value) =>
  webUrl(value) === undefined && String(value).startsWith('https://') ? undefined : 'an https URL'

export const origin: MetadataRule = (value) =>
  typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value ? undefined : 'an origin'

export function oneOf(...values: readonly string[]): MetadataRule {
  return (value) => (values.includes(value as string) ? undefined : `one of ${values.join(', ')}`)
}

/** At most 20 entries, each by the rule. */
export function listOf(rule: MetadataRule): MetadataRule {
  return (value) => {
    if (!Array.isArray(value) || value.length > 20) return 'a list of at most 20 entries'
    const faults = value.map((entry) => (entry === '' ? 'not empty' : rule(entry)))
    const fault = faults.find((one) => one !== undefined)
    return fault === undefined ? undefined : `a list, each entry of it ${fault}`
  }
}
