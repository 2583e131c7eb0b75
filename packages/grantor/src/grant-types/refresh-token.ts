import type { TokenIssuance, TokenResponse } from '../context.ts'
import { InvalidGrantError, InvalidScopeError } from '../errors.ts'
import { REFRESH_TOKEN, type RefreshToken } from '../models/artifacts.ts'
import { isPublic } from '../models/client.ts'
import { sameConfirmation } from '../models/confirmation.ts'
import { isLive } from '../models/grant.ts'
import { isWithin } from '../models/scope.ts'
import type { TokenRequest } from '../requests.ts'
import type { Consumption, Reference } from '../stores/store.ts'
import { GrantTypeBase, type IssuedTokens } from './base.ts'

const NARROWING = ['scope', 'resource', 'authorization_details']

/** New tokens without the person (RFC 6749 §6), each refresh token once (RFC 9700 §4.14.2). */
export class RefreshTokenGrantType extends GrantTypeBase {
  readonly grantType: string = 'refresh_token'

  async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const { client, params, scope, confirmation } = request
    const token = params.require('refresh_token')
    const found = await this.server.opaque.find(REFRESH_TOKEN, token)
    // RFC 6749 §10.4: "The authorization server MUST maintain the binding between a refresh token and the client to whom it was issued."
    if (!found || found.value.client_id !== client.client_id) {
      throw new InvalidGrantError('the refresh token is unknown or has expired', { detail: { owner: found?.value.client_id } })
    }
    const { grant, value, id, secretHash } = found
    if (!isLive(grant, this.server.now())) throw new InvalidGrantError('the authorization was revoked or has expired')
    if (value.cnf && !sameConfirmation(value.cnf, confirmation)) throw new InvalidGrantError('the refresh token is bound to another key')
    if (value.bound !== undefined && (!confirmation || !(value.bound in confirmation)))
      throw new InvalidGrantError('the tokens of this authorization are bound to a key; the request proves none')
    // RFC 6749 §6: "The requested scope MUST NOT include any scope not originally granted by the resource owner"
    const narrowed = params.has('scope') ? scope : grant.scope
    if (!isWithin(narrowed, grant.scope))
      throw new InvalidScopeError('the scope exceeds what was granted', { detail: { granted: grant.scope } })
    const rotates = isPublic(client) || this.server.policy(client).refreshTokenRotation === 'always' || found.consumedAt !== undefined
    if (!rotates) return { grant, subject: grant.subject, scope: narrowed }
    const spends: Reference = { kind: REFRESH_TOKEN, id }
    if (secretHash !== undefined) spends.secretHash = secretHash
    // Nobody may have the same again where there is no window: then no token is made of another.
    const predecessor = this.#reuseWindow(request) === 0 ? undefined : token
    return { grant, subject: grant.subject, scope: narrowed, spends, refreshToken: true, predecessor }
  }

  /** What the tokens are made of again for a retry, besides the one that was spent. */
  protected override leaves(
    request: TokenRequest,
    issuance: TokenIssuance,
    { access, refresh }: IssuedTokens
  ): Partial<RefreshToken> | undefined {
    if (!refresh || issuance.predecessor === undefined) return undefined
    const { format, id, scope, iat, expiresAt } = access
    return { successor: { asked: fingerprint(request), id: refresh.artifact.id, accessToken: { format, id, scope, iat, expiresAt } } }
  }

  /** A lost answer or a second tab within the window gets the same successor; later, it is theft until proven otherwise. */
  protected override async replayed(request: TokenRequest, issuance: TokenIssuance, spent: Consumption<unknown>): Promise<TokenResponse> {
    const { client, id } = request
    const { successor } = spent.value as RefreshToken
    const { grant } = issuance
    if (!grant || !successor || this.server.now() - spent.consumedAt > this.#reuseWindow(request)) {
      if (grant) this.server.emit('refresh_token.reused', { clientId: client.client_id, subject: grant.subject, grantId: grant.id }, id)
      return super.replayed(request, issuance, spent)
    }
    if (successor.asked !== fingerprint(request))
      throw new InvalidGrantError('the refresh token was used for another scope, resource or key')
    const refresh = await this.server.opaque.mint(REFRESH_TOKEN, successor.id, issuance.predecessor)
    // Another root secret makes another token, which nobody must get.
    if (!(await this.server.opaque.find(REFRESH_TOKEN, refresh.token)))
      throw new InvalidGrantError('the refresh token was used, and its answer is not known here')
    const access = await this.server.tokens.accessToken(request, { ...issuance, repeats: successor.accessToken }, grant)
    this.server.emit('refresh_token.repeated', { clientId: client.client_id, grantId: grant.id }, id)
    return this.answer(request, access, refresh)
  }

  #reuseWindow({ client }: TokenRequest): number {
    return this.server.policy(client).refreshTokenReuseWindow
  }
}

/** What a retry must have in common with the request it repeats; of most, nothing, and each spent record keeps it. */
function fingerprint({ params, scope, confirmation }: TokenRequest): string {
  if (!confirmation && !NARROWING.some((name) => params.has(name))) return ''
  const named = params.has('scope') ? [...scope].sort() : null
  return JSON.stringify([named, params.all('resource'), params.all('authorization_details'), confirmation ?? null])
}
