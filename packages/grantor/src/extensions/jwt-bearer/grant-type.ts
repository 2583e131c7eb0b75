import { consentedGrants, isGrantedAt } from '../../assertions/consent.ts'
import { type SpentAssertion, spendAssertion } from '../../assertions/spend.ts'
import type { TrustedClaims } from '../../assertions/trusted-issuer.ts'
import { TrustedIssuers } from '../../assertions/trusted-issuers.ts'
import type { ServerContext, TokenIssuance } from '../../context.ts'
import { InvalidGrantError, InvalidScopeError } from '../../errors.ts'
import { GrantTypeBase } from '../../grant-types/base.ts'
import { AUTHORIZATION_DETAILS, grantedDetails } from '../../models/authorization-detail.ts'
import { isWithin, parseScope } from '../../models/scope.ts'
import type { TokenRequest } from '../../requests.ts'
import type { AssertionIssuer, JwtBearerOptions } from './options.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Of a token in which somebody acts for another: what comes of it here would not say so any more. */
const DELEGATION = ['act', 'may_act']

/** Another server's word on who somebody is, once (RFC 7523 §2.1). The client is who it always is: one that authenticates, or says who it is (RFC 7521 §4.1). */
export class JwtBearerGrantType extends GrantTypeBase {
  readonly grantType: string = JWT_BEARER
  readonly #issuers: TrustedIssuers<AssertionIssuer>

  constructor(server: ServerContext, { issuers }: JwtBearerOptions) {
    super(server)
    this.#issuers = new TrustedIssuers(server, issuers)
  }

  async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const { client, params } = request
    const { issuer, claims } = await this.#issuers.read(params.require('assertion'), client)
    if (!issuer.clients.includes(client.client_id) || (claims.client_id ?? client.client_id) !== client.client_id)
      throw new InvalidGrantError('the assertion is not for this client')
    const delegation = DELEGATION.find((claim) => Object.hasOwn(claims, claim))
    if (delegation !== undefined) throw new InvalidGrantError(`${delegation} of the assertion is not understood here`)
    const assertion = spendable(claims)
    const subject = await issuer.subjectOf(claims)
    if (subject === undefined) throw new InvalidGrantError('the subject of the assertion is nobody here')
    const scope = scopeFor(request, issuer)
    const needsConsent = client.require_consent !== false
    const grants = needsConsent ? await consentedGrants(this.server, client, { subject, scope }) : []
    // RFC 8707 §2.2: one of several authorizations may be for the resource; without resource indicators the parameter says nothing.
    const grant = grants.find((one) => isGrantedAt(one, params.all('resource'), this.server)) ?? grants[0]
    if (needsConsent && !grant) throw new InvalidGrantError('the person did not allow this client what it asks for')
    // Under a grant that is there already a refresh token would be good for all of it, whatever the issuer's word is good for.
    const refreshToken = issuer.refreshToken === true && grant === undefined
    return {
      subject,
      scope,
      refreshToken,
      idToken: false,
      details: { assertion, ...(grant && { [AUTHORIZATION_DETAILS]: grantedDetails(grant) }) },
      ...(grant && { grant })
    }
  }

  /** Of all who come with the assertion one gets a token. */
  protected override async beforeStoring({ client, id }: TokenRequest, { details }: TokenIssuance): Promise<void> {
    const assertion = details?.assertion as SpentAssertion
    if (await spendAssertion(this.server, assertion)) return
    this.server.emit('assertion.replayed', { clientId: client.client_id, issuer: assertion.iss }, id)
    throw new InvalidGrantError('the assertion was used before')
  }
}

/** @throws InvalidGrantError without a `jti` nobody could tell whether it was used before. */
function spendable({ iss, jti, exp }: TrustedClaims): SpentAssertion {
  if (typeof jti !== 'string' || jti === '') throw new InvalidGrantError('jti of the assertion is missing or wrong')
  return { iss, jti, exp }
}

/** @throws InvalidScopeError if it exceeds what the issuer's word is good for. */
function scopeFor({ params, scope }: TokenRequest, issuer: AssertionIssuer): readonly string[] {
  const allowed = issuer.scope === undefined ? scope : (parseScope(issuer.scope) ?? [])
  if (params.has('scope') && !isWithin(scope, allowed))
    throw new InvalidScopeError('the scope exceeds what is issued for this assertion', { detail: { allowed } })
  return scope.filter((token) => allowed.includes(token))
}
