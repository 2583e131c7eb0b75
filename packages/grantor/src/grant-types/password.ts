import type { ServerContext, TokenIssuance } from '../context.ts'
import { InvalidGrantError } from '../errors.ts'
import type { TokenRequest } from '../requests.ts'
import { GrantTypeBase } from './base.ts'

/** Says who the person with this name and password is, by `subject`; undefined if nobody. It must limit guesses itself. */
export type PasswordAuthenticator = (
  username: string,
  password: string,
  request: TokenRequest
) => Promise<{ subject: string; claims?: Record<string, unknown> } | undefined>

/**
 * The client sends a person's name and password (RFC 6749 §4.3). RFC 9700 §2.4: it "MUST NOT be used"; it exists for migrations and is
 * served only where somebody names it.
 */
export class PasswordGrantType extends GrantTypeBase {
  readonly grantType: string = 'password'
  readonly #authenticate: PasswordAuthenticator

  constructor(server: ServerContext, options: { authenticate: PasswordAuthenticator }) {
    super(server)
    this.#authenticate = options.authenticate
  }

  async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
    const { params, scope } = request
    const person = await this.#authenticate(params.require('username'), params.require('password'), request)
    // RFC 6749 §5.2: invalid_grant covers "resource owner credentials".
    if (!person) throw new InvalidGrantError('the user name or the password is wrong')
    return { subject: person.subject, scope, refreshToken: true, ...(person.claims && { claims: person.claims }) }
  }
}
