import { z } from 'zod'

// OpenID Connect Core §5.3.2: a claim "SHOULD NOT be present with a null or empty string value".
const text = z.string().min(1)
const page = z.url({ protocol: /^https?$/ })

// OpenID Connect Core §5.1.1
const Address = z.strictObject({
  formatted: text.exactOptional(),
  street_address: text.exactOptional(),
  locality: text.exactOptional(),
  region: text.exactOptional(),
  postal_code: text.exactOptional(),
  country: text.exactOptional()
})

// OpenID Connect Core §5.1, without `sub`
const STANDARD = {
  name: text.exactOptional(),
  given_name: text.exactOptional(),
  family_name: text.exactOptional(),
  middle_name: text.exactOptional(),
  nickname: text.exactOptional(),
  preferred_username: text.exactOptional(),
  profile: page.exactOptional(),
  picture: page.exactOptional(),
  website: page.exactOptional(),
  email: z.email({ pattern: z.regexes.unicodeEmail }).exactOptional(),
  email_verified: z.boolean().exactOptional(),
  gender: text.exactOptional(),
  /** "represented as an ISO 8601-1 YYYY-MM-DD format. The year MAY be 0000, indicating that it is omitted. To represent only the year, YYYY format is allowed." */
  birthdate: z
    .string()
    .regex(/^\d{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$/, 'YYYY-MM-DD or YYYY')
    .exactOptional(),
  zoneinfo: text.exactOptional(),
  locale: text.exactOptional(),
  phone_number: text.exactOptional(),
  phone_number_verified: z.boolean().exactOptional(),
  address: Address.exactOptional(),
  updated_at: z.int().min(0).exactOptional()
}

const Schema = z
  .object(STANDARD)
  .catchall(z.json())
  .superRefine((claims, { addIssue }) => {
    for (const [name, value] of Object.entries(claims))
      for (const message of faultsOf(name, value)) addIssue({ code: 'custom', path: [name], message })
  })

const Patch = z.record(z.string(), z.json())
const VERIFIABLE = ['email', 'phone_number'] as const

/** What is said of a person: the standard claims, the same in other languages (`name#ja`), and others as JSON. `updated_at` in seconds. */
export type Claims = z.infer<typeof Schema>

// What a token says of itself (OpenID Connect Core §2, RFC 7519 §4.1) is never what a record says of a person.
const RESERVED: readonly string[] = [
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'auth_time', 'nonce', 'acr', 'amr', 'azp', 'sid'],
  ...['at_hash', 'c_hash', 's_hash', 'events', 'act', 'cnf', 'client_id', 'scope']
]

/** @throws TypeError with every fault, by name. */
export function parseClaims(input: unknown): Claims {
  const { data, error } = Schema.safeParse(input)
  if (error) throw new TypeError(`claims: ${z.prettifyError(error)}`)
  return data
}

/**
 * The claims with some of them replaced; null removes one. Another address or number is not verified, unless the same patch says so.
 * @throws TypeError with every fault, by name.
 */
export function patchClaims(claims: Claims, input: unknown): Claims {
  const { data: patch, error } = Patch.safeParse(input)
  if (error) throw new TypeError(`claims: ${z.prettifyError(error)}`)
  const unproven = VERIFIABLE.filter((name) => patch[name] !== undefined && patch[name] !== claims[name])
  const patched = { ...claims, ...Object.fromEntries(unproven.map((name) => [`${name}_verified`, null])), ...patch }
  return parseClaims(Object.fromEntries(Object.entries(patched).filter(([, value]) => value !== null)))
}

/** Whether it may be the `email` of a person. */
export function isEmail(address: string): boolean {
  return STANDARD.email.safeParse(address).success
}

// OpenID Connect Core §5.2: "BCP47 [RFC5646] language tags are added to member names, delimited by a # character."
function* faultsOf(claim: string, value: unknown): Iterable<string> {
  const [name = '', tag, ...more] = claim.split('#')
  if (name === '' || RESERVED.includes(name)) yield 'is not for a record of a person to say'
  if (tag === undefined) return
  if (more.length > 0 || !isLanguageTag(tag)) yield 'has no language tag after #'
  if (Object.hasOwn(STANDARD, name) && !STANDARD[name as keyof typeof STANDARD].safeParse(value).success)
    yield `is no value that ${name} may have`
}

function isLanguageTag(tag: string): boolean {
  try {
    return new Intl.Locale(tag).baseName !== ''
  } catch {
    return false
  }
}
