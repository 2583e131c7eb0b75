import type { TokenIssuance, TokenResponse } from '../context.ts'
import { InvalidGrantError, InvalidScopeError } from '../errors.ts'
import { REFRESH_TOKEN, type RefreshToken, type Successor } from '../models/artifacts.ts'
import { isPublic } from '../models/client.ts'
import { sameConfirmation } from '../models/confirmation.ts'
import { isLive } from '../models/grant.ts'
import { isWithin } from '../models/scope.ts'
import type { TokenRequest } from '../requests.ts'
import type { Consumption, Reference } from '../stores/store.ts'
import { GrantTypeBase, type IssuedTokens } from './base.ts'

// Every refresh has these, or proves by them who asks.
const USUAL = ['grant_type', 'refresh_token', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

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
    _issuance: TokenIssuance,
    { access, refresh }: IssuedTokens
  ): Partial<RefreshToken> | undefined {
    if (this.#reuseWindow(request) === 0) return undefined
    const { format, id, aud, scope, iat, expiresAt } = access
    const successor: Successor = { asked: fingerprint(request), accessToken: { format, id, aud, scope, iat, expiresAt } }
    if (refresh) successor.id = refresh.artifact.id
    return { successor }
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
    const { opaque, tokens } = this.server
    const repeated = { ...issuance, predecessor: request.params.require('refresh_token'), repeats: successor.accessToken }
    const refresh = successor.id === undefined ? undefined : await opaque.mint(REFRESH_TOKEN, successor.id, repeated.predecessor)
    const access = await tokens.accessToken(request, repeated, grant)
    // Made with another root secret, or by chance, they are other tokens, which open nothing.
    const isKnown =
      (!refresh || (await opaque.find(REFRESH_TOKEN, refresh.token))) && (access.expiresIn === 0 || (await tokens.find(access.token)))
    if (!isKnown) throw new InvalidGrantError('the refresh token was used, and its answer is not known here')
    this.server.emit('refresh_token.repeated', { clientId: client.client_id, grantId: grant.id }, id)
    return this.answer(request, access, refresh)
  }

  #reuseWindow({ client }: TokenRequest): number {
    return this.server.policy(client).refreshTokenReuseWindow
  }
}

/** What a retry must have in common with the request it repeats; of most, nothing, and each spent record keeps it. */
function fingerprint({ params, scope, confirmation }: TokenRequest): string {
  const names = [...params.names()].filter((name) => !USUAL.includes(name)).sort()
  if (names.length === 0 && !confirmation) return ''
  return JSON.stringify([names.map((name) => [name, name === 'scope' ? [...scope].sort() : params.all(name)]), confirmation ?? null])
}
