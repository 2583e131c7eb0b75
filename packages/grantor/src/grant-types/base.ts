import type { IssuedAccessToken, IssuedRefreshToken, ServerContext, TokenIssuance, TokenResponse } from '../context.ts'
import type { Awaitable } from '../crypto/port.ts'
import { InvalidGrantError, ServerError } from '../errors.ts'
import type { Grant } from '../models/grant.ts'
import type { TokenRequest } from '../requests.ts'
import type { Consumption } from '../stores/store.ts'

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
    const { server } = this
    const { client } = request
    const grant = issuance.grant ?? this.#newGrant(request, issuance)
    const access = await server.tokens.accessToken(request, issuance, grant)
    const refresh = grant && this.mayRefresh(request, issuance) ? await server.tokens.refreshToken(request, issuance, grant) : undefined
    // What nothing can renew ends with its only token; until then it counts as something that the person allowed.
    const stored = grant && grant !== issuance.grant && !refresh ? { ...grant, expiresAt: server.now() + access.expiresIn } : grant
    if (this.beforeStoring) await this.beforeStoring(request, issuance)
    const repeated = await this.#store(request, issuance, stored, { access, refresh })
    if (repeated) return repeated
    server.emit(
      'token.issued',
      {
        clientId: client.client_id,
        grantType: this.grantType,
        scope: access.scope,
        refreshToken: refresh !== undefined,
        ...(grant && { subject: grant.subject, grantId: grant.id })
      },
      request.id
    )
    return this.answer(request, access, refresh)
  }

  /** RFC 6749 §5.1 */
  protected answer({ confirmation }: TokenRequest, access: IssuedAccessToken, refresh: { token: string } | undefined): TokenResponse {
    return {
      access_token: access.token,
      token_type: confirmation && 'jkt' in confirmation ? 'DPoP' : 'Bearer',
      expires_in: access.expiresIn,
      ...(refresh && { refresh_token: refresh.token }),
      ...(access.scope !== '' && { scope: access.scope })
    }
  }

  /** Spends what pays, where `spends` cannot say it: when all is judged and written, and only the store can still fail. @throws InvalidGrantError if it was spent before. */
  protected beforeStoring?(request: TokenRequest, issuance: TokenIssuance): Promise<void>

  /** A refresh token needs a grant type that allows it, a client that may use it, and a server that takes it back. */
  protected mayRefresh({ client }: TokenRequest, issuance: TokenIssuance): boolean {
    return issuance.refreshToken === true && client.grant_types.includes('refresh_token') && this.server.hasGrantType('refresh_token')
  }

  /** What the spent record keeps for a replay. */
  protected leaves(_request: TokenRequest, _issuance: TokenIssuance, _issued: IssuedTokens): Record<string, unknown> | undefined {
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

  async #store(
    request: TokenRequest,
    issuance: TokenIssuance,
    grant: Grant | undefined,
    issued: IssuedTokens
  ): Promise<TokenResponse | undefined> {
    const { artifacts, grants } = this.server.store
    const yields = [issued.access.artifact, issued.refresh?.artifact].filter((artifact) => artifact !== undefined)
    if (issuance.spends) {
      if (grant !== issuance.grant) throw new ServerError('what is spent must belong to a grant that exists')
      const leaves = this.leaves(request, issuance, issued)
      const spent = await artifacts.consume(issuance.spends, {
        now: this.server.now(),
        yields,
        ...(leaves && { leaves }),
        ...(grant?.expiresAt !== undefined && { retainUntil: grant.expiresAt })
      })
      if (!spent) throw new InvalidGrantError('it has expired')
      return spent.first ? undefined : this.replayed(request, issuance, spent)
    }
    if (grant !== undefined && grant !== issuance.grant) await grants.insert(grant, yields)
    else for (const artifact of yields) await artifacts.insert(artifact)
    return undefined
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
