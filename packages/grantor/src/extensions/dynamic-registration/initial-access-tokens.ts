import type { ServerContext } from '../../context.ts'
import { ConfigurationError, InvalidTokenError } from '../../errors.ts'
import { NEVER } from '../../models/artifacts.ts'
import { INITIAL_ACCESS_TOKEN, type InitialAccessToken, type RegistrationAllowance } from '../../models/registration.ts'
import type { Found } from '../../stores/store.ts'
import { checkAllowance } from './options.ts'

const DAY = 86_400

/** Tokens with which clients may be registered (RFC 7591 §1.2), for the operator to give away. */
export class InitialAccessTokens {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /**
   * Makes a token; only its keyed hash is stored.
   * @param options `uses`: registrations, default 1; `lifetime`: seconds, default 1 day; `allow`: what its clients may have, where that
   * differs from the server's word
   * @returns the token, and the id to revoke it by; `expiresAt` in seconds since the epoch
   * @throws ConfigurationError if the options cannot work
   */
  async create({ uses = 1, lifetime = DAY, allow }: { uses?: number; lifetime?: number; allow?: RegistrationAllowance } = {}): Promise<{
    token: string
    id: string
    expiresAt: number
  }> {
    if (!Number.isSafeInteger(uses) || uses < 1) throw new ConfigurationError('an initial access token has a whole number of uses')
    const expiresAt = this.#server.now() + lifetime
    if (!Number.isSafeInteger(lifetime) || lifetime < 1 || expiresAt > NEVER)
      throw new ConfigurationError('the lifetime of an initial access token is a whole number of seconds above 0')
    checkAllowance(allow)
    const { token, id, secretHash } = await this.#server.opaque.mint(INITIAL_ACCESS_TOKEN)
    const value = { left: uses, ...(allow && { allow }) }
    await this.#server.store.artifacts.insert({ kind: INITIAL_ACCESS_TOKEN, id, secretHash, value, expiresAt })
    this.#server.emit('initial_access_token.created', { tokenId: id, uses, expiresAt })
    return { token, id, expiresAt }
  }

  /** False: there is no such token. */
  async revoke(id: string): Promise<boolean> {
    const revoked = await this.#server.store.artifacts.delete(INITIAL_ACCESS_TOKEN, id)
    if (revoked) this.#server.emit('initial_access_token.revoked', { tokenId: id })
    return revoked
  }

  /** @throws InvalidTokenError if it is unknown, expired, revoked or used up. */
  async find(token: string): Promise<Found<InitialAccessToken>> {
    const found = await this.#server.opaque.find(INITIAL_ACCESS_TOKEN, token)
    if (!found || found.value.left < 1) throw new InvalidTokenError('the initial access token is unknown, expired, revoked or used up')
    return found
  }

  /** Takes one of its uses. @throws InvalidTokenError if there is none left */
  async spend(token: string): Promise<void> {
    const { id, value } = await this.find(token)
    const { left } = value
    const taken = await this.#server.store.artifacts.update(INITIAL_ACCESS_TOKEN, id, { left: left - 1 }, { left }, this.#server.now())
    // Whoever came in between took a use, so this ends.
    if (!taken) await this.spend(token)
  }
}
