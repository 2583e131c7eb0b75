import type { ServerContext, TokenIssuance } from '../context.ts'
import { AccessDeniedError, AuthorizationPendingError, ExpiredTokenError, InvalidGrantError, SlowDownError } from '../errors.ts'
import { isLive } from '../models/grant.ts'
import type { TokenRequest } from '../requests.ts'
import { GrantTypeBase } from './base.ts'
import type { FoundPolledRequest, PolledRequests } from './polled-requests.ts'

/** A client asks whether a person decided its request, and gets tokens once they allowed it (RFC 8628 §3.4, §3.5). */
export abstract class PolledGrantType<A> extends GrantTypeBase {
  /** The parameter that says which request, such as `device_code`. */
  protected abstract readonly parameter: string
  readonly #requests: PolledRequests<A>

  constructor(server: ServerContext, requests: PolledRequests<A>) {
    super(server)
    this.#requests = requests
  }

  async validateRequest({ client, params }: TokenRequest): Promise<TokenIssuance> {
    const found = await this.#requests.findByToken(params.require(this.parameter))
    if (!found || found.value.client_id !== client.client_id)
      throw new InvalidGrantError(`the ${this.parameter} is unknown`, { detail: { owner: found?.value.client_id } })
    const { id, secretHash, value } = found
    // What was redeemed goes on to be spent, which tells that it was.
    if (found.consumedAt === undefined) await this.#check(found)
    const grant = value.grantId === undefined ? undefined : await this.server.store.grants.find(value.grantId)
    if (!isLive(grant, this.server.now())) throw new InvalidGrantError('the authorization was revoked')
    return {
      grant,
      subject: grant.subject,
      scope: grant.scope,
      spends: { kind: this.#requests.kind, id, ...(secretHash && { secretHash }) },
      refreshToken: true
    }
  }

  /** Whatever the page showed of where the request came from is kept no longer. */
  protected override leaves(): Record<string, unknown> {
    return { about: {} }
  }

  /** @throws OAuthError unless the person allowed it. Its one write counts the poll. */
  async #check(found: FoundPolledRequest<A>): Promise<void> {
    const { status, usableUntil } = found.value
    if (usableUntil <= this.server.now()) throw new ExpiredTokenError()
    // RFC 6749 §5.2: errors of the token endpoint have the status 400.
    if (status === 'denied') throw new AccessDeniedError(undefined, { status: 400 })
    if (status === 'pending') throw (await this.#requests.poll(found)) ? new AuthorizationPendingError() : new SlowDownError()
  }
}
