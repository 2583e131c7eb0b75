import { challenge, challenged, sentToken } from '../bearer.ts'
import type { PresentedToken, ServerContext, TokenScheme } from '../context.ts'
import { InvalidTokenError } from '../errors.ts'
import { isLive } from '../models/grant.ts'
import { defaultAudience } from '../models/resource.ts'
import type { OAuthRequest } from '../requests.ts'

/** Lets requests through to what this server protects with its own access tokens, such as userinfo. */
export class ResourceGuard {
  readonly #server: ServerContext
  readonly #schemes: ReadonlyMap<string, TokenScheme>

  /** @param schemes by their names in lower case */
  constructor(server: ServerContext, schemes: ReadonlyMap<string, TokenScheme>) {
    this.#server = server
    this.#schemes = schemes
  }

  async protect<T>(request: OAuthRequest, answer: (token: PresentedToken) => Promise<T>): Promise<T> {
    let scheme: TokenScheme | undefined
    try {
      const sent = await sentToken(request)
      scheme = sent && this.#schemes.get(sent.scheme)
      if (!sent || !scheme) throw this.#required()
      const presented = await this.#server.tokens.find(sent.token)
      if (!presented) throw new InvalidTokenError()
      request.clientId = presented.token.client_id
      if (!this.#isGoodHere(presented)) throw new InvalidTokenError()
      await scheme.prove(request, sent.token, presented)
      return await answer(presented)
    } catch (error) {
      throw challenged(error, (fault) => this.#challenge(fault, scheme?.scheme))
    }
  }

  #isGoodHere({ token: { aud }, grant, revoked }: PresentedToken): boolean {
    const { settings } = this.#server
    // RFC 9700 §2.3: a token for another resource is not for this one.
    const isForUs = aud.includes(settings.issuer) || aud.includes(defaultAudience(settings))
    return !revoked && isForUs && (!grant || isLive(grant, this.#server.now()))
  }

  /** RFC 6750 §3.1: without any authentication information the challenge "SHOULD NOT include an error code". */
  #required(): InvalidTokenError {
    const every = [...this.#schemes.values()].map((one) => challenge(one.scheme, one.challenge)).join(', ')
    return new InvalidTokenError('an access token is required', { headers: { 'www-authenticate': every } })
  }

  /** The scheme that was used, with what is wrong; beside a bearer token those that it might have come by. */
  #challenge(fault: Record<string, string>, used = 'Bearer'): string {
    return [...this.#schemes.values()]
      .filter(({ scheme }) => scheme === used || used === 'Bearer')
      .map(({ scheme, challenge: own }) => challenge(scheme, scheme === used ? { ...fault, ...own } : own))
      .join(', ')
  }
}
