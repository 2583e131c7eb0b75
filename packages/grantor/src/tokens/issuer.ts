import type {
  IssuedAccessToken,
  IssuedRefreshToken,
  PresentedToken,
  ServerContext,
  TokenFormat,
  TokenIssuance,
  TokenReceiver,
  TokenService
} from '../context.ts'
import { type Awaitable, when } from '../crypto/port.ts'
import { ConfigurationError, InvalidGrantError } from '../errors.ts'
import { type AccessToken, type AccessTokenTrace, NEVER, REFRESH_TOKEN, type RefreshToken, type SourceToken } from '../models/artifacts.ts'
import { type Client, isPublic } from '../models/client.ts'
import { type Grant, grantedResources } from '../models/grant.ts'
import { parseScope } from '../models/scope.ts'
import { targetOf } from './target.ts'

// What the protocol says of a token (RFC 9068 §2.2, RFC 7662 §2.2) is said by nobody else, present or not.
const RESERVED_CLAIMS = [
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'cnf', 'auth_time', 'acr'],
  ...['active', 'token_type', 'made_of']
]

/** Decides what a token says and for how long, and leaves the writing to its format. */
export class TokenIssuer implements TokenService {
  readonly #server: ServerContext
  readonly #formats: ReadonlyMap<string, TokenFormat>

  constructor(server: ServerContext, formats: ReadonlyMap<string, TokenFormat>) {
    this.#server = server
    this.#formats = formats
  }

  accessToken({ client, confirmation }: TokenReceiver, issuance: TokenIssuance, grant?: Grant): Awaitable<IssuedAccessToken> {
    const { subject, claims, madeOf, predecessor, repeats } = issuance
    if (repeats && !this.#formats.has(repeats.format))
      throw new InvalidGrantError('the access token was of a format that is not known here')
    const { id, format, aud, scope, iat, expiresAt } = repeats ?? this.#decided(client, issuance, grant)
    const value: AccessToken = { client_id: client.client_id, scope, aud, iat }
    if (subject !== undefined) value.sub = subject
    if (confirmation) value.cnf = confirmation
    if (madeOf) value.made_of = madeOf
    if (claims) value.claims = withoutReserved(claims)
    // RFC 6749 §5.1: "The lifetime in seconds of the access token". Nothing is left of one that is repeated after its end.
    const expiresIn = Math.max(0, expiresAt - this.#server.now())
    return when(this.#format(format).issue(value, { id, expiresAt, grant, predecessor }), ({ token, artifact }) => {
      return { token, artifact, id, format, aud, scope, iat, expiresAt, expiresIn }
    })
  }

  #decided(client: Client, { scope, resource, expiresAt }: TokenIssuance, grant: Grant | undefined): AccessTokenTrace {
    const iat = this.#server.now()
    // What was taken away from the client since the person allowed it is no longer granted, whichever grant type asks.
    const registered = parseScope(client.scope) ?? []
    const limited = scope.filter((one) => registered.includes(one))
    // RFC 9700 §2.3: an access token is for what was asked for, never for all.
    const target = targetOf(this.#server, client, { scope: limited, resource: resource ?? grantedResources(grant) })
    return {
      id: this.#server.identifier(),
      format: target.format,
      aud: target.audience,
      scope: target.scope.join(' '),
      iat,
      expiresAt: Math.min(iat + target.lifetime, grant?.expiresAt ?? NEVER, expiresAt ?? NEVER)
    }
  }

  refreshToken({ client, confirmation }: TokenReceiver, { predecessor }: TokenIssuance, grant: Grant): Awaitable<IssuedRefreshToken> {
    const { refreshTokenLifetime } = this.#server.policy(client)
    const iat = this.#server.now()
    const expiresAt = Math.min(iat + refreshTokenLifetime, grant.expiresAt ?? NEVER)
    const value: RefreshToken = { client_id: client.client_id, iat }
    // RFC 9449 §5: a public client's refresh token is bound to its key; a confidential client proves itself by authenticating.
    if (confirmation && isPublic(client)) value.cnf = confirmation
    if (confirmation) value.bound = 'jkt' in confirmation ? 'jkt' : 'x5t#S256'
    return when(this.#server.opaque.mint(REFRESH_TOKEN, undefined, predecessor), ({ token, id, secretHash }) => {
      return { token, artifact: { kind: REFRESH_TOKEN, id, secretHash, grantId: grant.id, expiresAt, value } }
    })
  }

  async find(token: string): Promise<PresentedToken | undefined> {
    for (const format of this.#formats.values()) {
      const presented = await format.read(token)
      if (!presented) continue
      const client = await this.#server.clients.find(presented.token.client_id)
      // A client's own tokens hang on no grant that would die with it.
      if (!client || (wasExchanged(presented) && !(await this.#isSupported(presented)))) return { ...presented, revoked: true }
      return presented
    }
    return undefined
  }

  /** Whether all that an exchanged token hangs on is still there: the tokens it was made of, and the client whose grant it has. */
  async #isSupported({ token: { made_of = [] }, grant }: PresentedToken): Promise<boolean> {
    if (grant && !(await this.#server.clients.find(grant.clientId))) return false
    const alive = await Promise.all(made_of.map((source) => this.#isAlive(source)))
    return alive.every((one) => one)
  }

  async #isAlive({ format, jti, client_id }: SourceToken): Promise<boolean> {
    const client = await this.#server.clients.find(client_id)
    return client !== undefined && ((await this.#formats.get(format)?.isAlive(jti)) ?? false)
  }

  revoke(token: PresentedToken): Promise<void> {
    return this.#format(token.format).revoke(token)
  }

  #format(name: string): TokenFormat {
    const format = this.#formats.get(name)
    if (!format) throw new ConfigurationError(`there is no access token format ${name}; there are ${[...this.#formats.keys()].join(', ')}`)
    return format
  }
}

/** RFC 8693: it was made of other tokens, or has the grant of another client. */
function wasExchanged({ token: { client_id, made_of }, grant }: PresentedToken): boolean {
  return made_of !== undefined || (grant !== undefined && grant.clientId !== client_id)
}

function withoutReserved(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.includes(name)))
}
