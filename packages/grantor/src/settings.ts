import { ConfigurationError } from './errors.ts'
import type { Policy, PolicyOverrides, ResourceServer } from './models/policy.ts'

/** How the server behaves. Lifetimes in seconds. Every member of `Policy` may differ per client and per resource. */
export interface Settings extends Policy {
  /** The `iss` of everything: an https URL without query or fragment; `http` only on a loopback host. All URLs derive from it, none from a request. */
  issuer: string
  /** Allows an `http` issuer beyond loopback, for a network that is itself private. Default false. */
  insecureIssuer: boolean
  /** Where the endpoints are, below the issuer: `{ token: '/oauth/token' }`. */
  paths: Readonly<Record<string, string>>
  /** The scope of a request that names none (RFC 6749 §3.3). Default: all that the client is registered for. */
  defaultScope: string | undefined
  /** The APIs that tokens are for. */
  resources: readonly ResourceServer[]
  /** The audience of a token that was requested for none. Default: the issuer. */
  defaultResource: string | undefined
  /** JWS algorithms to keep signing keys for; the first signs by default. Default `['ES256']`. */
  signingAlgorithms: readonly string[]
  /** After so long a signing key makes way for the next. Default 90 days. */
  signingKeyLifetime: number
  /** For so long the next signing key is published before it signs, so that every cached JWKS knows it. Default 1 day. */
  signingKeyLead: number
  /**
   * `redirect_uri` may be left out where OAuth 2.1 lets it: in an authorization request, by a client that registered exactly one (§4.1.1),
   * and in a token request, where PKCE does what it did (§4.1.3). Default false.
   */
  allowOmittedRedirectUri: boolean
  /** How long a person may take to sign in and consent. Default 1800. */
  interactionLifetime: number
  /** The longest life of a client's assertion (RFC 7523 §3). Default 3600. */
  assertionLifetime: number
  /** How far another party's clock may be ahead. Default 30. */
  clockSkew: number
  /** Failed redemptions by the right client that burn a code. Default 5. */
  codeFailureLimit: number
  /** Base of the `error_uri` of every error; the code is appended. Default: none is sent. */
  errorUri: string | undefined
  /** False while the server is under maintenance: everything but metadata and keys answers 503. Default true. */
  available: boolean | (() => boolean)
}

/** What may be left out is filled with the defaults. */
export type SettingsInput = Partial<Settings> & { issuer: string }

const DAY = 86_400

const POLICY: Policy = {
  accessTokenLifetime: 3600,
  authorizationCodeLifetime: 60,
  refreshTokenLifetime: 14 * DAY,
  grantLifetime: 90 * DAY,
  refreshTokenReuseWindow: 30,
  refreshTokenRotation: 'always',
  requirePkce: true,
  accessTokenFormat: 'opaque'
}

const DEFAULTS: Omit<Settings, 'issuer'> = {
  ...POLICY,
  insecureIssuer: false,
  paths: {},
  defaultScope: undefined,
  resources: [],
  defaultResource: undefined,
  signingAlgorithms: ['ES256'],
  signingKeyLifetime: 90 * DAY,
  signingKeyLead: DAY,
  allowOmittedRedirectUri: false,
  interactionLifetime: 1800,
  assertionLifetime: 3600,
  clockSkew: 30,
  codeFailureLimit: 5,
  errorUri: undefined,
  available: true
}

/** The names of all settings, for whoever checks a configuration. */
export const SETTING_NAMES: readonly string[] = ['issuer', ...Object.keys(DEFAULTS)]

/** @throws ConfigurationError if a setting cannot work. */
export function resolveSettings(input: SettingsInput): Settings {
  const settings = { ...DEFAULTS, ...defined(input) }
  checkIssuer(settings)
  checkPolicy(settings, 'settings')
  for (const resource of settings.resources) {
    if (!URL.canParse(resource.identifier) || resource.identifier.includes('#')) {
      throw new ConfigurationError(`resources: ${resource.identifier} is not an absolute URI without a fragment (RFC 8707 §2)`)
    }
    checkPolicy(resource.settings ?? {}, `resources: ${resource.identifier}`)
  }
  for (const name of ['signingKeyLifetime', 'interactionLifetime', 'assertionLifetime', 'codeFailureLimit'] as const) {
    if (!(settings[name] > 0)) throw new ConfigurationError(`${name} must be a positive number`)
  }
  if (!(settings.signingKeyLead >= 0 && settings.signingKeyLead < settings.signingKeyLifetime)) {
    throw new ConfigurationError('signingKeyLead must be shorter than signingKeyLifetime')
  }
  return settings
}

/** For so long after its last signature a signing key is listed and accepted: as long as what it signed may live. */
export function keyRetention({ signingKeyLifetime, accessTokenLifetime, resources }: Settings): number {
  return Math.max(signingKeyLifetime, accessTokenLifetime, ...resources.map(({ settings }) => settings?.accessTokenLifetime ?? 0))
}

/** @throws ConfigurationError on an unknown member or a value that cannot work. */
export function checkPolicy(policy: PolicyOverrides, where: string): void {
  for (const [name, value] of Object.entries(policy)) {
    if (name.endsWith('Lifetime') && name in POLICY && !(typeof value === 'number' && value > 0)) {
      throw new ConfigurationError(`${where}: ${name} is a number of seconds above 0`)
    }
  }
  if (policy.refreshTokenReuseWindow !== undefined && !(policy.refreshTokenReuseWindow >= 0)) {
    throw new ConfigurationError(`${where}: refreshTokenReuseWindow is a number of seconds, 0 for none`)
  }
  // RFC 6749 §4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED."
  if ((policy.authorizationCodeLifetime ?? 0) > 600) throw new ConfigurationError(`${where}: authorizationCodeLifetime is at most 600`)
  if (policy.refreshTokenRotation !== undefined && !['always', 'public-clients'].includes(policy.refreshTokenRotation)) {
    throw new ConfigurationError(`${where}: refreshTokenRotation is 'always' or 'public-clients'`)
  }
  if (policy.requirePkce !== undefined && typeof policy.requirePkce !== 'boolean')
    throw new ConfigurationError(`${where}: requirePkce is true or false`)
  if (where !== 'settings') refuseUnknown(Object.keys(policy), Object.keys(POLICY), where)
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

function checkIssuer({ issuer, insecureIssuer }: Settings): void {
  // RFC 8414 §2: "a URL that uses the "https" scheme and has no query or fragment components"
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (!url || issuer.includes('?') || issuer.includes('#') || url.username !== '' || url.password !== '') {
    throw new ConfigurationError('issuer must be an absolute URL without user information, query or fragment (RFC 8414 §2)')
  }
  const loopback = url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'https:' && !loopback && !(url.protocol === 'http:' && insecureIssuer)) {
    throw new ConfigurationError(
      'issuer must be an https URL; http is for loopback hosts, or for a private network with insecureIssuer: true'
    )
  }
  if (issuer.endsWith('/') && url.pathname !== '/') throw new ConfigurationError('issuer must not end with a slash')
  if (url.href !== issuer && url.href !== `${issuer}/`)
    throw new ConfigurationError(`issuer must be written in its normal form: ${url.href}`)
}

function defined<T extends object>(input: T): T {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as T
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
