import type { ServerContext, TokenIssuance } from '../../context.ts'
import { InvalidScopeError, InvalidTargetError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { grantedResources } from '../../models/grant.ts'
import { defaultAudience, isListedNowhere, mayAsk, scopeAt } from '../../models/resource.ts'
import { isWithin } from '../../models/scope.ts'
import type { Params } from '../../params.ts'
import type { AuthorizationRequest, TokenRequest } from '../../requests.ts'
import { targetOf } from '../../tokens/target.ts'

const MAX_RESOURCES = 20

/** What requests ask tokens for: read, judged, and held against what was granted. */
export class TargetRequests {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /**
   * Without the scope that other resources list: nobody need be asked for what no token of this request can carry.
   * @throws InvalidTargetError, InvalidScopeError
   */
  limitScope({ client, params, scope }: AuthorizationRequest): readonly string[] {
    const { settings } = this.#server
    const audience = this.#named(params, client) ?? [this.#default(client)]
    const carried = scopeAt(scope, audience, settings)
    if (carried.length === 0 && scope.length > 0)
      throw new InvalidScopeError('nothing of the scope is for the resource', { detail: { scope, audience } })
    return scope.filter((token) => carried.includes(token) || isListedNowhere(token, settings.resources))
  }

  /**
   * What the grant is for; undefined: the default audience.
   * @throws InvalidTargetError also if a token that the answer carries cannot be for all of it.
   */
  authorized({ client, params, scope, responseType }: AuthorizationRequest): readonly string[] | undefined {
    const resource = this.#named(params, client)
    if (responseType.split(' ').includes('token')) targetOf(this.#server, client, { scope, resource })
    return resource
  }

  /** RFC 8707 §2.2: "limit the acceptable resources to those that were originally granted by the resource owner or a subset thereof". */
  limit({ client, params }: TokenRequest, issuance: TokenIssuance): TokenIssuance {
    // RFC 8693 §2.1: an exchange has another parameter beside `resource`, and judges both together.
    if (issuance.madeOf) return issuance
    const resource = this.#limited(client, this.#named(params, client), issuance)
    return { ...issuance, resource, ...(!issuance.grant && { details: { ...issuance.details, resource } }) }
  }

  #limited(client: Client, named: readonly string[] | undefined, { resource, grant }: TokenIssuance): readonly string[] {
    if (named === undefined && resource) return resource
    const granted = resource ?? (grant && (grantedResources(grant) ?? [defaultAudience(this.#server.settings)]))
    if (named === undefined) return granted ? this.#still(granted, client) : [this.#default(client)]
    if (granted && !isWithin(named, granted)) throw new InvalidTargetError('the resource was not granted', { detail: { named, granted } })
    return named
  }

  /** What was taken away from the client since the person allowed it is no longer granted. */
  #still(granted: readonly string[], client: Client): readonly string[] {
    const left = granted.filter((identifier) => this.#mayAsk(identifier, client))
    if (left.length === 0) throw new InvalidTargetError('this client may no longer ask for what was granted', { detail: { granted } })
    return left
  }

  /** Each once. RFC 8707 §2: "Its value MUST be an absolute URI …. The URI MUST NOT include a fragment component"; here it is one that is known. */
  #named(params: Params, client: Client): readonly string[] | undefined {
    const named = [...new Set(params.all('resource'))]
    if (named.length === 0) return undefined
    if (named.length > MAX_RESOURCES) throw new InvalidTargetError(`more than ${MAX_RESOURCES} resources`)
    const refused = named.find((identifier) => !this.#mayAsk(identifier, client))
    if (refused !== undefined)
      throw new InvalidTargetError('the resource is not known here by exactly this identifier, or not for this client', {
        detail: { received: refused.slice(0, 200), registered: client.resources }
      })
    return named
  }

  #default(client: Client): string {
    const audience = defaultAudience(this.#server.settings)
    // RFC 8707 §2: invalid_target also where the resource is "missing".
    if (!this.#mayAsk(audience, client)) throw new InvalidTargetError('resource is missing: the default audience is not for this client')
    return audience
  }

  #mayAsk(identifier: string, client: Client): boolean {
    return mayAsk(identifier, client, this.#server.settings)
  }
}
