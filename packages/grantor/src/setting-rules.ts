import { ConfigurationError } from './errors.ts'
import { parseScope } from './models/scope.ts'

/** Says what a setting must be, if it is not; undefined: nothing is wrong with it. */
export type SettingRule = (value: unknown) => string | undefined

/** A hundred years: what is added to a clock stays a date and an integer in every database. */
const LONGEST = 100 * 366 * 86_400

export const flag: SettingRule = (value) => (typeof value === 'boolean' ? undefined : 'true or false')

export const text: SettingRule = (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text')

export const scope: SettingRule = (value) =>
  typeof value === 'string' && parseScope(value) ? undefined : 'a list of scope tokens separated by spaces (RFC 6749 §3.3)'

export const scopeToken: SettingRule = (value) =>
  scope(value) === undefined && parseScope(value as string)?.[0] === value ? undefined : 'a scope token (RFC 6749 §3.3)'

/** What identifies a resource (RFC 8707 §2). */
export const absoluteUri: SettingRule = (value) =>
  typeof value === 'string' && URL.canParse(value) && !value.includes('#') ? undefined : 'an absolute URI without a fragment (RFC 8707 §2)'

export const webUrl: SettingRule = (value) =>
  typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value) ? undefined : 'an http or https URL'

/** Where endpoints are, below the issuer. */
export const paths: SettingRule = (value) =>
  isRecord(value) && Object.values(value).every((path) => typeof path === 'string' && /^(?:\/[^/.][^/]*)+$/.test(path))
    ? undefined
    : 'an object with a path, such as /oauth/token, for each endpoint that it names'

export function seconds(least: 0 | 1, most: number = LONGEST): SettingRule {
  return (value) => (isWhole(value, least, most) ? undefined : `a whole number of seconds from ${least} to ${most}`)
}

export function count(value: unknown): string | undefined {
  return isWhole(value, 1, Number.MAX_SAFE_INTEGER) ? undefined : 'a whole number above 0'
}

export const limit: SettingRule = (value) => (value === 0 ? undefined : count(value) && 'a whole number, 0 for no limit')

export function oneOf(...values: readonly string[]): SettingRule {
  return (value) => (values.includes(value as string) ? undefined : `one of ${values.join(', ')}`)
}

export function listOf(rule: SettingRule): SettingRule {
  return (value) => {
    if (!Array.isArray(value)) return 'a list'
    const fault = value.map(rule).find((one) => one !== undefined)
    return fault === undefined ? undefined : `a list, each entry of it ${fault}`
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** @throws ConfigurationError with every fault, by name. What is undefined was not set. */
export function checkValues(values: object, rules: Readonly<Record<string, SettingRule>>, where: string): void {
  const faults = Object.entries(values).flatMap(([name, value]) => {
    const fault = value === undefined ? undefined : rules[name]?.(value)
    return fault === undefined ? [] : [`${where}: ${name} is ${fault}`]
  })
  if (faults.length > 0) throw new ConfigurationError(faults.join('\n'))
}

/**
 * Options, with the defaults for those that are not set.
 * @throws ConfigurationError if one is unknown or not what its rule says
 */
export function withDefaults<T extends object>(
  options: Partial<T>,
  defaults: T,
  rules: Readonly<Record<keyof T, SettingRule>>,
  where: string
): T {
  refuseUnknown(Object.keys(options), Object.keys(rules), where)
  checkValues(options, rules, where)
  return { ...defaults, ...defined(options) }
}

/** Without the members that are undefined. */
export function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}

/** @throws ConfigurationError naming the unknown name and the known one nearest to it. */
export function refuseUnknown(names: readonly string[], known: readonly string[], where: string): void {
  for (const name of names) {
    if (known.includes(name)) continue
    const nearest = [...known].sort((a, b) => distance(name, a) - distance(name, b))[0] ?? ''
    const hint = distance(name, nearest) <= Math.max(3, name.length / 3) ? `; did you mean ${nearest}?` : ''
    throw new ConfigurationError(`${where}: there is no ${name}${hint}`)
  }
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
