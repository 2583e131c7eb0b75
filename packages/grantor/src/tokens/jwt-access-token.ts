import type { IssueOptions, Minted, PresentedToken, ServerContext } from '../context.ts'
import { InvalidRequestError } from '../errors.ts'
import { type AccessToken, type Mark, REVOKED_JTI } from '../models/artifacts.ts'
import { type Grant, isLive } from '../models/grant.ts'
import type { Found } from '../stores/store.ts'
import { TokenFormatBase } from './base.ts'
import { MAX_JWT_LENGTH, OwnJwts } from './own-jwts.ts'
import { signJwt } from './sign-jwt.ts'

const TYPE = 'at+jwt'

/** An access token that its resource verifies alone (RFC 9068); here, it dies with its grant all the same. */
export class JwtAccessToken extends TokenFormatBase {
  readonly format: string = 'jwt'
  readonly #own: OwnJwts

  constructor(server: ServerContext) {
    super(server)
    this.#own = new OwnJwts(server)
  }

  async issue(token: AccessToken, { id, expiresAt, grant }: IssueOptions): Promise<Minted> {
    const resource = this.server.settings.resources.find(({ identifier }) => token.aud.includes(identifier))
    const { claims, scope, aud, client_id, sub = client_id, iat, cnf, made_of } = token
    const client = grant && (await this.server.clients.find(client_id))
    // JSON leaves out what is undefined.
    const payload = {
      ...claims,
      iss: this.server.settings.issuer,
      // The client can read it: a person has no other name here than in its ID tokens (OpenID Connect Core §8.1).
      sub: client ? await this.server.subjectFor(client, sub) : sub,
      aud: aud.length === 1 ? aud[0] : aud,
      client_id,
      iat,
      cnf,
      made_of,
      // RFC 9068 §2.2.3: "If an authorization request includes a scope parameter, the corresponding issued JWT access token SHOULD include a "scope" claim"
      scope: scope === '' ? undefined : scope,
      exp: expiresAt,
      // RFC 9068 §2.2.1, RFC 9470 §6.1.
      auth_time: grant?.authTime,
      acr: grant?.acr,
      // The grant is named in the `jti`, so that its death is known wherever the token comes back to this server.
      jti: grant ? `${grant.id}.${id}` : id
    }
    const signer = await this.server.keys.signer(resource?.signingAlgorithm)
    const signed = await signJwt(signer, TYPE, payload)
    // One that would not be recognised here again could not be revoked.
    if (signed.length > MAX_JWT_LENGTH) throw new InvalidRequestError('the access token would be too long; ask for less')
    return { token: signed }
  }

  async read(token: string): Promise<PresentedToken | undefined> {
    const payload = (await this.#own.verify(token, TYPE)) as Payload | undefined
    if (!payload || payload.iss !== this.server.settings.issuer || payload.exp <= this.server.now()) return undefined
    const { iss: _iss, exp, jti, aud, scope = '', client_id, sub, iat, cnf, made_of, auth_time: _authTime, acr: _acr, ...claims } = payload
    const { grantId, grant, mark } = await this.#stateOf(jti)
    return {
      id: jti,
      format: this.format,
      token: {
        client_id,
        sub: grant?.subject ?? sub,
        scope,
        aud: typeof aud === 'string' ? [aud] : aud,
        iat,
        ...(cnf && { cnf }),
        ...(made_of && { made_of }),
        ...(Object.keys(claims).length > 0 && { claims })
      },
      expiresAt: exp,
      revoked: mark !== undefined || (grantId !== undefined && grant === undefined),
      ...(grant && { grant })
    }
  }

  async revoke({ id, expiresAt }: PresentedToken): Promise<void> {
    await this.server.store.artifacts.insert({ kind: REVOKED_JTI, id, value: {}, expiresAt })
  }

  async isAlive(id: string): Promise<boolean> {
    const { grantId, grant, mark } = await this.#stateOf(id)
    return mark === undefined && (grantId === undefined || isLive(grant, this.server.now()))
  }

  async #stateOf(jti: string): Promise<{ grantId?: string; grant?: Grant | undefined; mark: Found<Mark> | undefined }> {
    const grantId = jti.includes('.') ? jti.slice(0, jti.indexOf('.')) : undefined
    const [grant, mark] = await Promise.all([
      grantId === undefined ? undefined : this.server.store.grants.find(grantId),
      this.server.store.artifacts.find(REVOKED_JTI, jti, this.server.now())
    ])
    return { ...(grantId !== undefined && { grantId }), grant, mark }
  }
}

interface Payload extends Omit<AccessToken, 'aud' | 'scope' | 'claims'> {
  iss: string
  exp: number
  jti: string
  sub: string
  aud: string | readonly string[]
  scope?: string
  auth_time?: number
  acr?: string
  [claim: string]: unknown
}
