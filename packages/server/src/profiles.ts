type Values = Readonly<Record<string, unknown>>

/** Configurations with a name: what each sets where the file is silent. */
const PROFILES = {
  /** What the plans of the OpenID Foundation's conformance suite need. Nothing here is fit for people: docs/certification.md says why. */
  'openid-certification': {
    // All modules but one send no code_challenge.
    requirePkce: false,
    // What OpenID Connect Core §9 says, and the suite does.
    assertionAudience: 'token_endpoint',
    extensions: ['request_objects'],
    requestObjects: { byReference: true },
    openid: {
      responseTypes: ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
      pairwiseKeyFile: './data/pairwise-key'
    },
    registration: {
      access: 'open',
      quota: false,
      allow: { grantTypes: ['authorization_code', 'implicit', 'refresh_token'] }
    },
    // Hundreds of modules sign the same person in from the same address, some of them at once.
    limits: { signInsPerAccount: 10_000, signInsPerAddress: 10_000 }
  },
  /** FAPI 2.0, by the preset of the library: docs/fapi.md. */
  fapi2: {},
  'fapi2-message-signing': {}
} as const satisfies Readonly<Record<string, Values>>

/** The names that `profile` may have in a configuration. */
export const PROFILE_NAMES = Object.keys(PROFILES) as (keyof typeof PROFILES)[]

/** A configuration with what its profile sets; what it says itself counts, in objects member by member. */
export function withProfile(input: Values): Values {
  const { profile } = input
  const values: Values = typeof profile === 'string' && Object.hasOwn(PROFILES, profile) ? PROFILES[profile as keyof typeof PROFILES] : {}
  const merged = Object.entries(values).map(([name, value]) => {
    const own = input[name]
    return [name, own === undefined ? value : isObject(value) && isObject(own) ? { ...value, ...own } : own]
  })
  return { ...input, ...Object.fromEntries(merged) }
}

function isObject(value: unknown): value is Values {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
