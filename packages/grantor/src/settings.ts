import { allowedOf, HMAC_KEY_SIZES, PUBLIC_KEY_SIGNATURES, SIGNATURES } from './crypto/algorithms.ts'
import { ConfigurationError } from './errors.ts'
import type { Policy, ResourceServer } from './models/policy.ts'
import {
  absoluteUri,
  checkValues,
  count,
  defined,
  flag,
  isRecord,
  limit,
  listOf,
  oneOf,
  paths,
  refuseUnknown,
  type SettingRule,
  scope,
  scopeToken,
  seconds,
  text,
  webUrl
} from './setting-rules.ts'

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
  /**
   * The only JWS algorithms: nothing is signed here with another, and nothing of others is taken that is. Default: all that are known, and
   * RS256 for clients that register none, where a specification says so; without RS256, the first of the server's.
   */
  allowedAlgorithms: readonly string[] | undefined
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
  /** Failed authentications of one client from one address within a minute, after which more are answered 429; 0 = no limit. Default 60. */
  clientFailureLimit: number
  /** Refusals about the person, such as `login_required`, to one client in one browser within 30 seconds, after which more are a page (429); 0 = no limit. Default 10. */
  authorizationRefusalLimit: number
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
  assertionAudience: 'issuer',
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
  allowedAlgorithms: undefined,
  signingKeyLifetime: 90 * DAY,
  signingKeyLead: DAY,
  allowOmittedRedirectUri: false,
  interactionLifetime: 1800,
  assertionLifetime: 3600,
  clockSkew: 30,
  codeFailureLimit: 5,
  clientFailureLimit: 60,
  authorizationRefusalLimit: 10,
  errorUri: undefined,
  available: true
}

const POLICY_RULES: Readonly<Record<keyof Policy, SettingRule>> = {
  accessTokenLifetime: seconds(1),
  // RFC 6749 §4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED."
  authorizationCodeLifetime: seconds(1, 600),
  refreshTokenLifetime: seconds(1),
  grantLifetime: seconds(1),
  refreshTokenReuseWindow: seconds(0),
  refreshTokenRotation: oneOf('always', 'public-clients'),
  requirePkce: flag,
  assertionAudience: oneOf('issuer', 'token_endpoint'),
  accessTokenFormat: text
}

const RULES: Readonly<Record<keyof Settings, SettingRule>> = {
  ...POLICY_RULES,
  issuer: text,
  insecureIssuer: flag,
  paths,
  defaultScope: scope,
  // Each is looked at in `checkResource`.
  resources: listOf((value) => (isRecord(value) ? undefined : 'an object')),
  defaultResource: absoluteUri,
  signingAlgorithms: listOf(text),
  allowedAlgorithms: listOf(text),
  signingKeyLifetime: seconds(1),
  signingKeyLead: seconds(0),
  allowOmittedRedirectUri: flag,
  interactionLifetime: seconds(1),
  assertionLifetime: seconds(1),
  clockSkew: seconds(0, 600),
  codeFailureLimit: count,
  clientFailureLimit: limit,
  authorizationRefusalLimit: limit,
  errorUri: webUrl,
  available: (value) => (typeof value === 'function' ? undefined : flag(value))
}

const RESOURCE_RULES: Readonly<Record<keyof ResourceServer, SettingRule>> = {
  identifier: absoluteUri,
  name: text,
  scopes: listOf(scopeToken),
  clientId: text,
  signingAlgorithm: text,
  settings: (value) => (isRecord(value) ? undefined : 'an object')
}

/** The names of all settings, for whoever checks a configuration. */
export const SETTING_NAMES: readonly string[] = Object.keys(RULES)

/** All settings, with the defaults for those left out. @throws ConfigurationError if one cannot work; the names are not looked at. */
export function resolveSettings(input: SettingsInput): Settings {
  const settings = { ...DEFAULTS, ...defined(input) }
  checkValues(settings, RULES, 'settings')
  checkIssuer(settings)
  for (const resource of settings.resources) checkResource(resource)
  const identifiers = settings.resources.map(({ identifier }) => identifier)
  const repeated = identifiers.find((identifier, i) => identifiers.indexOf(identifier) < i)
  if (repeated !== undefined) throw new ConfigurationError(`resources: ${repeated} is there twice`)
  if (settings.signingKeyLead >= settings.signingKeyLifetime)
    throw new ConfigurationError('settings: signingKeyLead must be shorter than signingKeyLifetime')
  return settings
}

/**
 * Whether what the settings choose is there to be chosen.
 * @param offered the access token formats of this server, and the JWS algorithms of its signers
 * @throws ConfigurationError
 */
export function checkChoices(settings: Settings, offered: { tokenFormats: readonly string[]; signers: readonly string[] }): void {
  const rules = {
    accessTokenFormat: oneOf(...offered.tokenFormats),
    signingAlgorithms: listOf(oneOf(...SIGNATURES, ...offered.signers)),
    allowedAlgorithms: listOf(oneOf(...PUBLIC_KEY_SIGNATURES, ...Object.keys(HMAC_KEY_SIZES), ...offered.signers))
  }
  checkValues(settings, rules, 'settings')
  const kept = [...settings.signingAlgorithms, ...offered.signers]
  if (kept.length === 0) throw new ConfigurationError('settings: signingAlgorithms is empty, and there is no signer')
  const refused = kept.find((alg) => allowedOf([alg], settings.allowedAlgorithms).length === 0)
  if (refused !== undefined)
    throw new ConfigurationError(`settings: allowedAlgorithms has no ${refused}, which this server is to sign with`)
  for (const { identifier, signingAlgorithm, settings: own = {} } of settings.resources) {
    checkValues({ signingAlgorithm }, { signingAlgorithm: oneOf(...kept) }, `resources: ${identifier}`)
    checkValues(own, { accessTokenFormat: oneOf(...offered.tokenFormats) }, `resources: ${identifier}`)
  }
}

/** For so long after its last signature a signing key is listed and accepted: as long as what it signed may live. */
export function keyRetention({ signingKeyLifetime, accessTokenLifetime, resources }: Settings): number {
  return Math.max(signingKeyLifetime, accessTokenLifetime, ...resources.map(({ settings }) => settings?.accessTokenLifetime ?? 0))
}

/** @throws ConfigurationError on an unknown member or a value that cannot work. */
export function checkPolicy(policy: unknown, where: string): void {
  if (!isRecord(policy)) throw new ConfigurationError(`${where} is an object`)
  refuseUnknown(Object.keys(policy), Object.keys(POLICY_RULES), where)
  checkValues(policy, POLICY_RULES, where)
}

function checkResource(resource: ResourceServer): void {
  const where = `resources: ${resource.identifier}`
  refuseUnknown(Object.keys(resource), Object.keys(RESOURCE_RULES), where)
  checkValues({ ...resource, identifier: resource.identifier ?? null }, RESOURCE_RULES, where)
  if (resource.settings !== undefined) checkPolicy(resource.settings, where)
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
