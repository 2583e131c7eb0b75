import type { IssuedAccessToken, IssuedRefreshToken, ServerContext, TokenIssuance, TokenResponse } from '../context.ts'
import { type Awaitable, when } from '../crypto/port.ts'
import { InvalidGrantError, ServerError } from '../errors.ts'
import type { EventDetails } from '../events.ts'
import type { Artifact } from '../models/artifacts.ts'
import type { Grant } from '../models/grant.ts'
import type { TokenRequest } from '../requests.ts'
import type { ConsumeOptions, Consumption, Reference } from '../stores/store.ts'

/** What one request is answered with. */
export interface IssuedTokens {
  access: IssuedAccessToken
  refresh: IssuedRefreshToken | undefined
}

/**
 * A grant type (RFC 6749 §1.3): what a client offers at the token endpoint in exchange for tokens. To make one, name it and say what
 * may be issued; authentication, storage, refresh, introspection and revocation come with it.
 */
export abstract class GrantTypeBase {
  /** The value of the `grant_type` parameter. */
  abstract readonly grantType: string
  protected readonly server: ServerContext

  constructor(server: ServerContext) {
    this.server = server
  }

  /**
   * Everything that can say no. Reads, never writes. The client is authenticated, may use this grant type, and is registered for the scope.
   * @throws OAuthError if nothing may be issued.
   */
  abstract validateRequest(request: TokenRequest): Awaitable<TokenIssuance>

  /**
   * Everything that changes state: spends what pays and stores the tokens in one step, then answers.
   * @throws InvalidGrantError if what pays was spent before.
   */
  async createTokenResponse(request: TokenRequest, issuance: TokenIssuance): Promise<TokenResponse> {
    const { tokens, store } = this.server
    const grant = issuance.grant ?? this.#newGrant(request, issuance)
    const access = await tokens.accessToken(request, issuance, grant)
    const refresh = grant && this.mayRefresh(request, issuance) ? await tokens.refreshToken(request, issuance, grant) : undefined
    const yields: Artifact<unknown>[] = []
    if (access.artifact) yields.push(access.artifact)
    if (refresh) yields.push(refresh.artifact)
    if (this.beforeStoring) await this.beforeStoring(request, issuance)
    if (issuance.spends) {
      if (grant !== issuance.grant) throw new ServerError('what is spent must belong to a grant that exists')
      const { spends } = issuance
      const leaves = this.leaves(request, issuance, { access, refresh })
      const spent = await when(leaves, (left) => this.#spend(spends, grant, yields, left))
      if (!spent) throw new InvalidGrantError('it has expired')
      if (!spent.first) return this.replayed(request, issuance, spent)
    } else if (grant && grant !== issuance.grant) {
      // What nothing can renew ends with its only token; until then it counts as something that the person allowed.
      await store.grants.insert(refresh ? grant : { ...grant, expiresAt: access.expiresAt }, yields)
    } else for (const artifact of yields) await store.artifacts.insert(artifact)
    this.#tell(request, grant, { access, refresh })
    return this.answer(request, access, refresh)
  }

  /** RFC 6749 §5.1 */
  protected answer({ confirmation }: TokenRequest, access: IssuedAccessToken, refresh: { token: string } | undefined): TokenResponse {
    const response: TokenResponse = {
      access_token: access.token,
      token_type: confirmation && 'jkt' in confirmation ? 'DPoP' : 'Bearer',
      expires_in: access.expiresIn
    }
    if (refresh) response.refresh_token = refresh.token
    if (access.scope !== '') response.scope = access.scope
    return response
  }

  /** Spends what pays, where `spends` cannot say it: when all is judged and written, and only the store can still fail. @throws InvalidGrantError if it was spent before. */
  protected beforeStoring?(request: TokenRequest, issuance: TokenIssuance): Promise<void>

  /** A refresh token needs a grant type that allows it, a client that may use it, and a server that takes it back. */
  protected mayRefresh({ client }: TokenRequest, issuance: TokenIssuance): boolean {
    return issuance.refreshToken === true && client.grant_types.includes('refresh_token') && this.server.hasGrantType('refresh_token')
  }

  /** What the spent record keeps for a replay. */
  protected leaves(
    _request: TokenRequest,
    _issuance: TokenIssuance,
    _issued: IssuedTokens
  ): Awaitable<Record<string, unknown> | undefined> {
    return undefined
  }

  /**
   * Somebody redeemed the same thing before, and this request is valid in all else: two parties hold it, so its family dies before the
   * answer is sent (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
   */
  protected async replayed(request: TokenRequest, issuance: TokenIssuance, _spent: Consumption<unknown>): Promise<TokenResponse> {
    const { grant } = issuance
    if (grant) await this.server.store.grants.revoke({ id: grant.id }, this.server.now())
    if (grant) this.server.emit('grant.revoked', { clientId: request.client.client_id, grantId: grant.id, reason: 'replay' }, request.id)
    throw new InvalidGrantError('it was used before; everything issued for it is revoked')
  }

  #spend(
    spends: Reference,
    grant: Grant | undefined,
    yields: readonly Artifact<unknown>[],
    leaves: Record<string, unknown> | undefined
  ): Promise<Consumption<unknown> | undefined> {
    const options: ConsumeOptions = { now: this.server.now(), yields }
    if (leaves) options.leaves = leaves
    if (grant?.expiresAt !== undefined) options.retainUntil = grant.expiresAt
    return this.server.store.artifacts.consume(spends, options)
  }

  #tell({ client, id }: TokenRequest, grant: Grant | undefined, { access, refresh }: IssuedTokens): void {
    const { grantType } = this
    const details: EventDetails['token.issued'] = {
      clientId: client.client_id,
      grantType,
      scope: access.scope,
      refreshToken: refresh !== undefined
    }
    if (grant) details.subject = grant.subject
    if (grant) details.grantId = grant.id
    this.server.emit('token.issued', details, id)
  }

  #newGrant({ client }: TokenRequest, { subject, scope, details, expiresAt, makesGrant }: TokenIssuance): Grant | undefined {
    if (subject === undefined || makesGrant === false) return undefined
    const now = this.server.now()
    const { grantLifetime } = this.server.policy(client)
    return {
      id: this.server.identifier(),
      clientId: client.client_id,
      subject,
      scope,
      createdAt: now,
      expiresAt: Math.min(now + grantLifetime, expiresAt ?? Number.POSITIVE_INFINITY),
      ...(details && { details })
    }
  }
}
