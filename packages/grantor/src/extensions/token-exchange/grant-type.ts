import { consentedGrants, isGrantedAt } from '../../assertions/consent.ts'
import type { ServerContext, TokenIssuance, TokenResponse } from '../../context.ts'
import { InvalidRequestError, UnauthorizedClientError } from '../../errors.ts'
import { GrantTypeBase } from '../../grant-types/base.ts'
import { AUTHORIZATION_DETAILS } from '../../models/authorization-detail.ts'
import { isPublic } from '../../models/client.ts'
import { sameConfirmation } from '../../models/confirmation.ts'
import type { TokenRequest } from '../../requests.ts'
import { actOf, checkMayAct, type PresentedActor, readActor } from './actors.ts'
import type { ExchangeAllowance, TokenExchangeOptions } from './options.ts'
import { ACCESS_TOKEN_TYPE, refuse, type SubjectToken, SubjectTokens } from './subject-tokens.ts'
import { audienceOf, scopeOf } from './target.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** All that one token may hang on: a look-up each, whenever it is shown. */
const MAX_SOURCES = 10

/** What the event tells, kept between the two verbs. */
interface Exchanged {
  from: string
  subject: string
  actor?: string
}

/** A token for a token (RFC 8693 §2). */
export class TokenExchangeGrantType extends GrantTypeBase {
  readonly grantType: string = TOKEN_EXCHANGE
  readonly #options: TokenExchangeOptions
  readonly #subjects: SubjectTokens

  constructor(server: ServerContext, options: TokenExchangeOptions) {
    super(server)
    this.#options = options
    this.#subjects = new SubjectTokens(server, options.issuers ?? [])
  }

  async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const { params, client } = request
    this.#checkClient(request)
    const requested = params.get('requested_token_type') ?? ACCESS_TOKEN_TYPE
    if (requested !== ACCESS_TOKEN_TYPE) throw new InvalidRequestError('requested_token_type is none that is issued here')
    const subject = await this.#subjects.read(params.require('subject_token'), params.require('subject_token_type'), client)
    const allowance = (await this.#allowance(request, subject)) ?? refuse({ owner: subject.from })
    this.#checkKey(request, subject)
    const presented = await readActor(this.server, this.#subjects, request)
    if (!presented && allowance.impersonation !== true) throw new InvalidRequestError('actor_token is missing')
    const actor = presented?.actor
    checkMayAct(subject, actor ?? { sub: client.client_id, client_id: client.client_id }, this.server.settings.issuer)
    const resource = audienceOf(this.server, request, { subject, allowance })
    const act = actOf(subject, actor)
    const { may_act } = subject.claims
    const exchanged: Exchanged = { from: subject.from, subject: subject.subject, ...(actor && { actor: actor.sub }) }
    const scope = scopeOf(request, { subject, allowance })
    return {
      ...(await this.#grantFor(request, subject, { scope, resource })),
      subject: subject.subject,
      scope,
      resource,
      ...endOf(subject, presented),
      idToken: false,
      claims: { ...(act && { act }), ...(may_act !== undefined && { may_act }) },
      // Never more than the subject token has, which may be less than its grant (RFC 9396 §6).
      details: { exchanged, [AUTHORIZATION_DETAILS]: subject.scope ? (subject.claims[AUTHORIZATION_DETAILS] ?? []) : [] }
    }
  }

  override async createTokenResponse(request: TokenRequest, issuance: TokenIssuance): Promise<TokenResponse> {
    const response = await super.createTokenResponse(request, issuance)
    const { grant, resource = [], details } = issuance
    const exchanged = details?.exchanged as Exchanged
    const about = { clientId: request.client.client_id, audience: resource, ...(grant && { grantId: grant.id }) }
    this.server.emit('token.exchanged', { ...about, ...exchanged }, request.id)
    // RFC 8693 §2.2.1: REQUIRED.
    return { ...response, issued_token_type: ACCESS_TOKEN_TYPE }
  }

  /** RFC 8693 §5: "Omitting client authentication allows for a compromised token to be leveraged via an STS into other tokens by anyone possessing the compromised token." */
  #checkClient({ client }: TokenRequest): void {
    if (isPublic(client)) throw new UnauthorizedClientError('token exchange is for clients that authenticate')
    const { allow = [] } = this.#options
    // Before the token is looked at: who may exchange nothing learns nothing of it.
    if (typeof allow !== 'function' && !allow.some((rule) => rule.client === client.client_id))
      throw new UnauthorizedClientError('this client may not exchange tokens')
  }

  async #allowance(request: TokenRequest, { from, subject, scope = [], audience }: SubjectToken): Promise<ExchangeAllowance | undefined> {
    const { client } = request
    const { allow = [] } = this.#options
    if (typeof allow === 'function') return allow({ client, from, subject, scope, audience, request })
    return allow.find((rule) => rule.client === client.client_id && rule.from.includes(from))
  }

  /** Of a person, that of the subject token; for whom another server names, one in which the person allowed the client this, or a new one if it need not ask. */
  async #grantFor(
    { client }: TokenRequest,
    subject: SubjectToken,
    { scope, resource }: { scope: readonly string[]; resource: readonly string[] }
  ): Promise<Pick<TokenIssuance, 'grant' | 'makesGrant'>> {
    if (subject.grant) return { grant: subject.grant }
    if (subject.scope) return { makesGrant: false }
    if (client.require_consent === false) return {}
    const grants = await consentedGrants(this.server, client, { subject: subject.subject, scope })
    // RFC 8707 §2.1: what the person allowed at one resource, is not allowed at another.
    const grant = grants.find((one) => isGrantedAt(one, resource, this.server))
    return { grant: grant ?? refuse({ reason: 'the person did not allow this client what it asks for' }) }
  }

  /** What was bound to a key is not exchanged for what is not; the new token is bound to the key of who asks for it, which is another's than the first owner's. */
  #checkKey({ client, confirmation }: TokenRequest, { confirmation: bound, from }: SubjectToken): void {
    if (!bound) return
    if (!confirmation) throw new InvalidRequestError('the subject token is bound to a key; the request proves none')
    if (from === client.client_id && !sameConfirmation(bound, confirmation))
      throw new InvalidRequestError('the subject token is bound to another key')
  }
}

/** The new token ends with those that it was made of, at the latest. */
function endOf(subject: SubjectToken, presented: PresentedActor | undefined): Required<Pick<TokenIssuance, 'expiresAt' | 'madeOf'>> {
  const tokens = presented ? [subject, presented.token] : [subject]
  const madeOf = tokens.flatMap(({ sources }) => sources)
  if (madeOf.length > MAX_SOURCES) throw new InvalidRequestError('the subject token was exchanged too often')
  return { expiresAt: Math.min(...tokens.map(({ expiresAt }) => expiresAt)), madeOf }
}
