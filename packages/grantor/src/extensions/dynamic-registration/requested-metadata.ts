import type { ServerContext } from '../../context.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { ClientMetadata } from '../../models/client.ts'
import type { RegistrationAllowance } from '../../models/registration.ts'
import { responseTypeName } from '../../models/response-type.ts'
import { parseScope } from '../../models/scope.ts'
import type { OAuthRequest } from '../../requests.ts'
import { applicationTypeOf, checkCorrespondence, checkNames, checkUrls } from './member-rules.ts'
import type { DynamicRegistrationOptions } from './options.ts'
import { OWNED } from './owned-members.ts'
import type { SoftwareStatements } from './software-statements.ts'

const GRANT_TYPES = ['authorization_code', 'refresh_token']
// OpenID Connect Core §5.4, §11: about the person who consents, and nothing else.
const OPENID_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access']

/** What a client asks for, cut to what it may have. */
export class RequestedMetadata {
  readonly #server: ServerContext
  readonly #options: DynamicRegistrationOptions
  readonly #statements: SoftwareStatements

  constructor(server: ServerContext, options: DynamicRegistrationOptions, statements: SoftwareStatements) {
    this.#server = server
    this.#options = options
    this.#statements = statements
  }

  /**
   * RFC 7591 §2: the server "MAY reject or replace any of the client's requested metadata values and substitute them with suitable values".
   * @param own what the token of this client allows besides
   * @throws InvalidClientMetadataError, InvalidRedirectUriError, InvalidSoftwareStatementError, UnapprovedSoftwareStatementError, and
   * what the operator's policy throws
   */
  async judge(asked: Record<string, unknown>, own: RegistrationAllowance | undefined, request: OAuthRequest): Promise<ClientMetadata> {
    const wanted = this.#understood(await this.#statements.applied(asked))
    checkNames(wanted)
    checkUrls(wanted)
    const allow = { ...this.#options.allow, ...own }
    const grantTypes = this.#kept('grant_types', wanted['grant_types'] ?? ['authorization_code'], allow.grantTypes ?? GRANT_TYPES)
    const usual = Array.isArray(grantTypes) && grantTypes.includes('authorization_code') ? ['code'] : []
    const responseTypes = this.#kept('response_types', wanted['response_types'] ?? usual, allow.responseTypes)
    checkCorrespondence(grantTypes, responseTypes)
    const metadata = {
      ...wanted,
      application_type: applicationTypeOf(wanted),
      token_endpoint_auth_method: this.#authMethod(wanted['token_endpoint_auth_method'], allow),
      grant_types: grantTypes,
      response_types: responseTypes,
      scope: this.#scope(wanted['scope'], allow)
    } as ClientMetadata
    return (await this.#options.policy?.(metadata, request)) ?? metadata
  }

  /** RFC 7591 §2: "The authorization server MUST ignore any client metadata sent by the client that it does not understand". */
  #understood(asked: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(asked).filter(([name]) => this.#server.clients.understands(name) && !OWNED.includes(name)))
  }

  /** RFC 7591 §2: "If unspecified or omitted, the default is "client_secret_basic"". */
  #authMethod(method: unknown = 'client_secret_basic', { authMethods }: RegistrationAllowance): unknown {
    if (authMethods && typeof method === 'string' && !authMethods.includes(method))
      throw new InvalidClientMetadataError(`token_endpoint_auth_method is one of ${authMethods.join(', ')}`)
    return method
  }

  /** Those that are served and allowed. What is not a list is refused by the rule of the member. */
  #kept(name: 'grant_types' | 'response_types', wanted: unknown, allowed?: readonly string[]): unknown {
    if (!Array.isArray(wanted)) return wanted
    const permitted = allowed?.map(responseTypeName)
    const offered = this.#supported(name).filter((value) => permitted?.includes(value) ?? true)
    const kept = wanted.filter((value) => offered.includes(responseTypeName(String(value))))
    if (kept.length === 0 && wanted.length > 0)
      throw new InvalidClientMetadataError(`${name}: of these a client may register ${offered.join(', ') || 'none'}`)
    return kept
  }

  /** RFC 7591 §2: without a scope "an authorization server MAY register a client with a default set of scopes". */
  #scope(wanted: unknown, { scopes }: RegistrationAllowance): unknown {
    const allowed = scopes ?? this.#supported('scopes').filter((scope) => OPENID_SCOPES.includes(scope))
    if (wanted === undefined) return allowed.join(' ')
    const asked = typeof wanted === 'string' ? parseScope(wanted) : undefined
    return asked ? asked.filter((scope) => allowed.includes(scope)).join(' ') : wanted
  }

  #supported(what: 'grant_types' | 'response_types' | 'scopes'): readonly string[] {
    return (this.#server.metadata()[`${what}_supported`] ?? []) as readonly string[]
  }
}
