import type { ServerContext } from '../../context.ts'
import { InvalidRequestError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { Params } from '../../params.ts'
import { OwnIdTokens } from '../../tokens/own-id-tokens.ts'
import { InvalidUserCodeError, MissingUserCodeError, UnknownUserIdError } from './errors.ts'
import type { ResolvedOptions, UserHint } from './options.ts'

const HINTS = ['login_hint', 'login_hint_token', 'id_token_hint'] as const

/** Whom a hint leads to. `isHidden`: the client must not learn whether there is such a person; without a `subject` there is none. */
export interface HintedUser {
  subject?: string
  isHidden: boolean
}

/** Finds the person whom a client means, and asks for the code that keeps others away (CIBA Core §7.1, §7.2). */
export class HintedUsers {
  readonly #server: ServerContext
  readonly #options: ResolvedOptions
  readonly #hints: OwnIdTokens

  constructor(server: ServerContext, options: ResolvedOptions) {
    this.#server = server
    this.#options = options
    this.#hints = new OwnIdTokens(server)
  }

  /** @throws InvalidRequestError, UnknownUserIdError, and what `findUser` throws */
  async find(params: Params, client: Client): Promise<HintedUser> {
    const hint = await this.#hintOf(params, client)
    const subject = await this.#options.findUser(hint, client)
    // Whoever has an ID token or a token about a person knows that there is one; a name can be guessed.
    const isHidden = this.#options.hideUnknownUsers && hint.kind === 'login_hint'
    if (subject) return { subject, isHidden }
    if (isHidden) return { isHidden }
    throw new UnknownUserIdError()
  }

  /** @throws MissingUserCodeError, InvalidUserCodeError */
  async checkUserCode({ subject }: HintedUser, params: Params, client: Client): Promise<void> {
    const code = client.backchannel_user_code_parameter ? params.get('user_code') : undefined
    const attempt = { ...(subject !== undefined && { subject }), ...(code !== undefined && { code }), client }
    const verdict = (await this.#options.userCode?.(attempt)) ?? 'right'
    if (verdict === 'missing') throw new MissingUserCodeError()
    if (verdict === 'wrong') throw new InvalidUserCodeError()
  }

  async #hintOf(params: Params, client: Client): Promise<UserHint> {
    const [kind, ...others] = HINTS.filter((name) => params.has(name))
    // §7.1: "it is REQUIRED that the Client provides one (and only one) of the hints".
    if (kind === undefined || others.length > 0) throw new InvalidRequestError(`exactly one of ${HINTS.join(', ')} says who is meant`)
    const value = params.require(kind)
    return kind === 'id_token_hint' ? { kind: 'subject', value: await this.#subjectOf(value, client) } : { kind, value }
  }

  /** A name that the person has everywhere leads back to them; one for this client alone only by the session that it was issued in. */
  async #subjectOf(token: string, client: Client): Promise<string> {
    const { sub, aud, sid } = (await this.#hints.recognise(token)) ?? {}
    if (sub === undefined || aud !== client.client_id)
      throw new InvalidRequestError('id_token_hint is not an ID token that this server issued to this client')
    if ((await this.#server.subjectFor(client, sub)) === sub) return sub
    const where = { clientId: client.client_id, sessionId: sid ?? '' }
    for (const { subject } of await this.#server.store.grants.list(where, this.#server.now(), undefined, { revoked: true }))
      if ((await this.#server.subjectFor(client, subject)) === sub) return subject
    throw new UnknownUserIdError()
  }
}
