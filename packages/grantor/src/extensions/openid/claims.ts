import { InvalidRequestError } from '../../errors.ts'

/** How one claim is asked for (OpenID Connect Core §5.5.1). */
export interface ClaimRequest {
  essential?: boolean
  value?: unknown
  values?: readonly unknown[]
}

/** The `claims` parameter (OpenID Connect Core §5.5); `null` asks for a claim in the default manner. */
export interface ClaimsRequest {
  id_token?: Readonly<Record<string, ClaimRequest | null>>
  userinfo?: Readonly<Record<string, ClaimRequest | null>>
}

/** The claims that each scope asks for. */
export type ScopeClaims = Readonly<Record<string, readonly string[]>>

/** OpenID Connect Core §5.4 */
export const STANDARD_SCOPES: ScopeClaims = {
  profile: [
    ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website'],
    ...['gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at']
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified']
}

const MAX_LENGTH = 8192
const MAX_CLAIMS = 100
// Whatever a source of claims says, these are the protocol's (OpenID Connect Core §2; RFC 7519 §4.1).
const RESERVED = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'events'
]

/** @throws InvalidRequestError if it is not the JSON object of OpenID Connect Core §5.5. Members that are not understood are ignored, as §5.5 says. */
export function parseClaims(text: string | undefined): ClaimsRequest | undefined {
  if (text === undefined) return undefined
  if (text.length > MAX_LENGTH) throw new InvalidRequestError(`claims is longer than ${MAX_LENGTH} characters`)
  const request = parseJson(text)
  if (!isObject(request)) throw new InvalidRequestError('claims is not a JSON object')
  const part = (name: 'id_token' | 'userinfo') => (request[name] === undefined ? {} : { [name]: requestsOf(name, request[name]) })
  return { ...part('id_token'), ...part('userinfo') }
}

function requestsOf(part: string, requests: unknown): Record<string, ClaimRequest | null> {
  if (!isObject(requests)) throw new InvalidRequestError(`claims: ${part} is not an object`)
  const entries = Object.entries(requests)
  if (entries.length > MAX_CLAIMS) throw new InvalidRequestError(`claims: ${part} asks for more than ${MAX_CLAIMS} claims`)
  return Object.fromEntries(
    entries.map(([name, request]) => {
      if (request === null) return [name, null]
      if (!isObject(request)) throw new InvalidRequestError(`claims: ${part} has a claim that is neither null nor an object`)
      const { essential, value, values } = request
      if (essential !== undefined && typeof essential !== 'boolean') throw new InvalidRequestError('claims: essential is true or false')
      if (values !== undefined && !Array.isArray(values)) throw new InvalidRequestError('claims: values is a list')
      return [name, { ...(essential && { essential }), ...(value !== undefined && { value }), ...(values && { values }) }]
    })
  )
}

/** The claims that some scopes ask for, each once. */
export function claimsOfScope(scope: readonly string[], scopes: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const names: string[] = []
  for (const token of scope) for (const name of scopes.get(token) ?? []) if (!names.includes(name)) names.push(name)
  return names
}

/**
 * What of the known claims may go out: those wanted, in every language (§5.2), with the sources of those that others vouch for (§5.6.2).
 * One that was asked for with another value is left out.
 */
export function selectClaims(
  known: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  requests?: Readonly<Record<string, ClaimRequest | null>>
): Record<string, unknown> {
  const asked = requests && new Map(Object.entries(requests).map(([name, request]) => [spelledAlike(name), request]))
  const selected: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(known))
    if (hasValue(value) && isWanted(name, wanted) && isAcceptable(value, asked?.get(spelledAlike(name)))) selected[name] = value
  return selectSources(known, wanted, selected)
}

/** Whether a claim is asked for by its name in any language, or in this one. */
function isWanted(name: string, wanted: readonly string[]): boolean {
  const base = baseName(name)
  if (RESERVED.includes(base)) return false
  return wanted.includes(base) || (base !== name && wanted.some((one) => spelledAlike(one) === spelledAlike(name)))
}

/** Adds aggregated and distributed claims (§5.6.2): the names that are wanted, and the sources that they refer to. */
function selectSources(
  { _claim_names, _claim_sources }: Readonly<Record<string, unknown>>,
  wanted: readonly string[],
  selected: Record<string, unknown>
): Record<string, unknown> {
  if (!isObject(_claim_names) || !isObject(_claim_sources)) return selected
  const names = Object.entries(_claim_names).filter(
    ([name, source]) => isWanted(name, wanted) && Object.hasOwn(_claim_sources, String(source))
  )
  if (names.length === 0) return selected
  const sources = names.map(([, source]) => [source, _claim_sources[String(source)]])
  return { ...selected, _claim_names: Object.fromEntries(names), _claim_sources: Object.fromEntries(sources) }
}

/** §5.3.2: a claim "SHOULD NOT be present with a null or empty string value". */
function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** A claim without the language that it is in (§5.2). */
export function baseName(name: string): string {
  const mark = name.indexOf('#')
  return mark === -1 ? name : name.slice(0, mark)
}

/** §5.2: "implementations SHOULD interpret the language tag values supplied in a case insensitive manner". */
function spelledAlike(name: string): string {
  const mark = name.indexOf('#')
  return mark === -1 ? name : name.slice(0, mark) + name.slice(mark).toLowerCase()
}

/** Whether a value is one that was asked for; without a request any is. */
export function isAcceptable(value: unknown, request: ClaimRequest | null | undefined): boolean {
  if (!request) return true
  const equals = (wanted: unknown) => JSON.stringify(wanted) === JSON.stringify(value)
  return (request.value === undefined || equals(request.value)) && (request.values === undefined || request.values.some(equals))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidRequestError('claims is not JSON', { cause })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
