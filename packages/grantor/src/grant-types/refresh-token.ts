import type { TokenIssuance, TokenResponse } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import { InvalidGrantError, InvalidScopeError } from '../errors.ts'
import { REFRESH_TOKEN, type RefreshToken } from '../models/artifacts.ts'
import { isPublic } from '../models/client.ts'
import { sameConfirmation } from '../models/confirmation.ts'
import { isLive } from '../models/grant.ts'
import { isWithin } from '../models/scope.ts'
import type { TokenRequest } from '../requests.ts'
import type { Consumption } from '../stores/store.ts'
import { GrantTypeBase } from './base.ts'

const SUCCESSOR = 'refresh_token_successor'

/** New tokens without the person (RFC 6749 §6), each refresh token once (RFC 9700 §4.14.2). */
export class RefreshTokenGrantType extends GrantTypeBase {
  readonly grantType: string = 'refresh_token'

  async validateRequest({ client, params, scope, confirmation }: TokenRequest): Promise<TokenIssuance> {
    const found = await this.server.opaque.find(REFRESH_TOKEN, params.require('refresh_token'))
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
    const spends = { kind: REFRESH_TOKEN, id, ...(secretHash && { secretHash }) }
    return { grant, subject: grant.subject, scope: narrowed, ...(rotates && { spends, refreshToken: true }) }
  }

  /** The answer, so that a retry gets the same one; readable only with the token that was spent. */
  protected override async leaves(request: TokenRequest, response: TokenResponse): Promise<Partial<RefreshToken> | undefined> {
    if (this.server.policy(request.client).refreshTokenReuseWindow === 0) return undefined
    const sealed = await this.server.crypto.encrypt(await this.#successorKey(request), JSON.stringify(response), SUCCESSOR)
    return { successor: { request: fingerprint(request), response: sealed } }
  }

  /** A lost answer or a second tab within the window gets the same successor; later, it is theft until proven otherwise. */
  protected override async replayed(request: TokenRequest, issuance: TokenIssuance, spent: Consumption<unknown>): Promise<TokenResponse> {
    const { client, id } = request
    const { successor } = spent.value as RefreshToken
    const age = this.server.now() - spent.consumedAt
    const { grant } = issuance
    if (!grant || !successor || age > this.server.policy(client).refreshTokenReuseWindow) {
      if (grant) this.server.emit('refresh_token.reused', { clientId: client.client_id, subject: grant.subject, grantId: grant.id }, id)
      return super.replayed(request, issuance, spent)
    }
    const answer =
      successor.request === fingerprint(request)
        ? await this.server.crypto.decrypt(await this.#successorKey(request), successor.response, SUCCESSOR)
        : undefined
    if (answer === undefined) throw new InvalidGrantError('the refresh token was used for another scope, resource or key')
    this.server.emit('refresh_token.repeated', { clientId: client.client_id, grantId: grant.id }, id)
    const response = JSON.parse(answer) as TokenResponse
    // RFC 6749 §5.1: "The lifetime in seconds of the access token". Where the window outlasts it, nothing is left: what the retry needs is the
    // refresh token beside it.
    return { ...response, expires_in: Math.max(0, response.expires_in - age) }
  }

  #successorKey({ params }: TokenRequest): Awaitable<string> {
    return this.server.secrets.hash(SUCCESSOR, params.require('refresh_token'))
  }
}

/** What a retry must have in common with the request it repeats. */
function fingerprint({ params, scope, confirmation }: TokenRequest): string {
  const named = ['resource', 'authorization_details'].map((name) => params.all(name))
  return JSON.stringify([params.has('scope') ? [...scope].sort() : null, ...named, confirmation ?? null])
}
