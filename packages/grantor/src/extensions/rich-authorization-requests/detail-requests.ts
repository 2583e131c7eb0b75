import type { ServerContext, TokenIssuance } from '../../context.ts'
import { InvalidAuthorizationDetailsError, InvalidRequestError } from '../../errors.ts'
import { AUTHORIZATION_DETAILS, type AuthorizationDetail, detailsAt, grantedDetails } from '../../models/authorization-detail.ts'
import { grantedResources } from '../../models/grant.ts'
import { defaultAudience } from '../../models/resource.ts'
import type { AuthorizationRequest, TokenRequest } from '../../requests.ts'
import { isWithinGranted } from './comparison.ts'
import type { AuthorizationDetailType } from './options.ts'
import type { AuthorizationDetailsReader } from './reader.ts'

/** What requests ask for beside scope: read, judged, and held against what was granted. */
export class DetailRequests {
  readonly #server: ServerContext
  readonly #types: ReadonlyMap<string, AuthorizationDetailType>
  readonly #reader: AuthorizationDetailsReader

  constructor(server: ServerContext, types: ReadonlyMap<string, AuthorizationDetailType>, reader: AuthorizationDetailsReader) {
    this.#server = server
    this.#types = types
    this.#reader = reader
  }

  /** What the person will be asked for. @throws InvalidAuthorizationDetailsError, InvalidRequestError */
  async authorized({ client, params, responseType }: AuthorizationRequest): Promise<readonly AuthorizationDetail[] | undefined> {
    const text = params.get(AUTHORIZATION_DETAILS)
    if (text === undefined) return undefined
    // RFC 9396 §7: the token response "MUST also return the authorization_details"; what comes through the browser has no place for them.
    if (responseType.split(' ').includes('token'))
      throw new InvalidRequestError('authorization_details needs a response_type without token')
    return this.#reader.read(text, client)
  }

  /** RFC 9396 §6: for a grant that begins at the token endpoint, "the client's policy" says what may be issued, if its grant type does not. */
  async limit(request: TokenRequest, issuance: TokenIssuance): Promise<TokenIssuance> {
    if (issuance.grant || issuance.details?.[AUTHORIZATION_DETAILS]) return issuance
    const details = await this.#named(request, async () => {
      const { authorization_details: registered } = request.client
      return registered ? this.#reader.judge(registered, request.client) : []
    })
    return details ? { ...issuance, details: { ...issuance.details, [AUTHORIZATION_DETAILS]: details } } : issuance
  }

  /**
   * What the access token carries: what was asked for now, or all that a person granted, "filtered to the specific audience" (RFC 9396 §9.1).
   * @throws InvalidAuthorizationDetailsError if it is more than was granted, or nothing of it is for the audience
   */
  async claims(request: TokenRequest, issuance: TokenIssuance): Promise<Record<string, unknown> | undefined> {
    const { grant, details } = issuance
    // What the grant type says of it itself counts; only what is named of that is issued.
    const isLimited = details?.[AUTHORIZATION_DETAILS] !== undefined
    const granted = this.#reader.still(grantedDetails(isLimited ? { details } : grant), request.client)
    const assigned = (await this.#named(request, async () => granted)) ?? (isLimited ? [] : granted)
    const carried = this.#at(assigned, issuance)
    if (carried.length > 0) return { [AUTHORIZATION_DETAILS]: carried }
    if (assigned.length > 0 && (issuance.scope.length === 0 || request.params.has(AUTHORIZATION_DETAILS)))
      throw new InvalidAuthorizationDetailsError('nothing of authorization_details is for the resource')
    return undefined
  }

  /** What a token request names of all that it may have. */
  async #named(
    { params, client }: TokenRequest,
    allowed: () => Promise<readonly AuthorizationDetail[]>
  ): Promise<readonly AuthorizationDetail[] | undefined> {
    const text = params.get(AUTHORIZATION_DETAILS)
    if (text === undefined) return undefined
    const named = await this.#reader.read(text, client)
    const granted = await allowed()
    if (!named.every((detail) => isWithinGranted(detail, granted, this.#types)))
      throw new InvalidAuthorizationDetailsError('authorization_details exceeds what was granted')
    return named
  }

  /** RFC 9396 §9.1: "filtered to the specific audience". */
  #at(details: readonly AuthorizationDetail[], { resource, grant }: TokenIssuance): readonly AuthorizationDetail[] {
    const { settings } = this.#server
    const asked = resource ?? grantedResources(grant)
    return detailsAt(details, asked?.length ? asked : [defaultAudience(settings)], settings.resources)
  }
}
