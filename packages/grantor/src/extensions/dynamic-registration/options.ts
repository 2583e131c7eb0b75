import { keySetFault } from '../../clients/key-set.ts'
import { PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { ConfigurationError } from '../../errors.ts'
import type { HttpRequest } from '../../http.ts'
import type { ClientMetadata, JsonWebKeySet } from '../../models/client.ts'
import type { PolicyOverrides } from '../../models/policy.ts'
import type { RegistrationAllowance } from '../../models/registration.ts'
import type { OAuthRequest } from '../../requests.ts'
import { refuseUnknown } from '../../setting-rules.ts'
import { checkPolicy } from '../../settings.ts'

/** Who may register, and what their clients may have. Times in seconds. */
export interface DynamicRegistrationOptions {
  /** Anybody, or who was given a token for it (RFC 7591 §3). Default `initial-access-token`. */
  access?: 'open' | 'initial-access-token'
  allow?: RegistrationAllowance
  /** Lifetimes and policies of the clients made here, where they differ from the server's. */
  settings?: PolicyOverrides
  /** The last word on what a client gets: returns it, nothing to leave it as it is, or throws an `OAuthError` to refuse it. */
  policy?: (metadata: ClientMetadata, request: OAuthRequest) => Promise<ClientMetadata | undefined>
  /** Whose software statements are believed (RFC 7591 §2.3). A statement of anybody else is refused. */
  softwareStatements?: readonly SoftwareStatementIssuer[]
  /** Refuses a client without a software statement. Default false. */
  requireSoftwareStatement?: boolean
  /** A client that nobody uses for so long is deleted by `maintain()`, after a tenth more of that time. Default 90 days. */
  unusedLifetime?: number
  /** Registrations of one network; false: any number. */
  quota?: RegistrationQuota | false
}

/** Who signs software statements, and with which keys. */
export interface SoftwareStatementIssuer {
  /** The `iss` of its statements. */
  issuer: string
  jwks: JsonWebKeySet
  /** JWS algorithms. Default: every asymmetric one of RFC 7518 and RFC 8037. */
  algorithms?: readonly string[]
}

/** Counted in the memory of this process, by IPv4 address or IPv6 /64. */
export interface RegistrationQuota {
  /** Attempts in a window. Default 100. */
  limit?: number
  /** Default 3600. */
  window?: number
  /** Who asks, for servers behind a proxy; undefined: not counted. Default: the address of the connection. */
  address?: (request: HttpRequest) => string | undefined
}

const OPTION_NAMES = ['access', 'allow', 'settings', 'policy', 'softwareStatements', 'requireSoftwareStatement', 'unusedLifetime', 'quota']
const ALLOWANCE_NAMES = ['scopes', 'grantTypes', 'responseTypes', 'authMethods']

/** @throws ConfigurationError if it has a member that there is not, or one that is no list. */
export function checkAllowance(allow: RegistrationAllowance = {}): void {
  refuseUnknown(Object.keys(allow), ALLOWANCE_NAMES, 'dynamicRegistration: allow')
  for (const [name, values] of Object.entries(allow))
    if (values !== undefined && !isListOfText(values))
      throw new ConfigurationError(`dynamicRegistration: allow: ${name} is a list of texts`)
}

/** @throws ConfigurationError if the options cannot work. */
export function checkOptions(options: DynamicRegistrationOptions): void {
  refuseUnknown(Object.keys(options), OPTION_NAMES, 'dynamicRegistration')
  checkAllowance(options.allow)
  if (options.access !== undefined && !['open', 'initial-access-token'].includes(options.access))
    throw new ConfigurationError("dynamicRegistration: access is 'open' or 'initial-access-token'")
  for (const issuer of options.softwareStatements ?? []) checkIssuer(issuer)
  if (options.requireSoftwareStatement && !options.softwareStatements?.length)
    throw new ConfigurationError('dynamicRegistration: requireSoftwareStatement needs softwareStatements')
  if (options.unusedLifetime !== undefined && !(options.unusedLifetime > 0))
    throw new ConfigurationError('dynamicRegistration: unusedLifetime is a number of seconds above 0')
  const { limit = 1, window = 1 } = options.quota || {}
  if (!(limit > 0 && window > 0)) throw new ConfigurationError('dynamicRegistration: limit and window of the quota are above 0')
  checkPolicy(options.settings ?? {}, 'dynamicRegistration: settings')
}

function checkIssuer({ issuer, jwks, algorithms = [] }: SoftwareStatementIssuer): void {
  if (typeof issuer !== 'string' || issuer === '')
    throw new ConfigurationError('dynamicRegistration: softwareStatements: an issuer has a name')
  const fault = keySetFault(jwks)
  if (fault !== undefined) throw new ConfigurationError(`dynamicRegistration: softwareStatements: ${fault}`)
  // No symmetric one, and not `none`: a statement is signed by another than who presents it (RFC 7591 §2.3).
  const unknown = algorithms.find((algorithm) => !PUBLIC_KEY_SIGNATURES.includes(algorithm))
  if (unknown !== undefined)
    throw new ConfigurationError(`dynamicRegistration: softwareStatements: ${unknown} is none of ${PUBLIC_KEY_SIGNATURES.join(', ')}`)
}

function isListOfText(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
