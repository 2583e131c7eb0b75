import type { TrustedIssuer } from '../../assertions/trusted-issuer.ts'
import { TrustedIssuers } from '../../assertions/trusted-issuers.ts'
import type { ServerContext } from '../../context.ts'
import { InvalidGrantError, InvalidRequestError } from '../../errors.ts'
import type { SourceToken } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'
import type { Confirmation } from '../../models/confirmation.ts'
import { type Grant, grantedResources, isLive } from '../../models/grant.ts'
import { defaultAudience } from '../../models/resource.ts'
import { parseScope } from '../../models/scope.ts'
import { OwnIdTokens } from '../../tokens/own-id-tokens.ts'

/** RFC 8693 §3 */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const ID_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:id_token'
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'

/** A token that somebody wants to exchange, genuine and alive. */
export interface SubjectToken {
  /** The client that it was issued to, or the issuer of a JWT of another server. */
  from: string
  /** Whom it is about: a person, or the client itself. */
  subject: string
  /** Absent: it is a client's own, or of another server. */
  grant?: Grant
  /** Absent: it is of another server. */
  scope?: readonly string[]
  audience: readonly string[]
  /** Seconds since the epoch. */
  expiresAt: number
  /** The key that it is bound to. */
  confirmation?: Confirmation
  claims: Readonly<Record<string, unknown>>
  /** What another token made of it ends with. */
  sources: readonly SourceToken[]
  /** It is what came of an exchange. */
  isExchanged: boolean
}

/** Reads subject tokens by what they are said to be. */
export class SubjectTokens {
  readonly #server: ServerContext
  readonly #idTokens: OwnIdTokens
  readonly #issuers: TrustedIssuers<TrustedIssuer>

  constructor(server: ServerContext, issuers: readonly TrustedIssuer[]) {
    this.#server = server
    this.#issuers = new TrustedIssuers(server, issuers)
    this.#idTokens = new OwnIdTokens(server)
  }

  /** @throws InvalidRequestError (RFC 8693 §2.2.2) */
  async read(token: string, type: string, client: Client): Promise<SubjectToken> {
    if (type === ACCESS_TOKEN_TYPE) return (await this.accessToken(token)) ?? refuse()
    if (type === ID_TOKEN_TYPE) return (await this.#idToken(token)) ?? refuse()
    if (type === JWT_TYPE) return this.#foreignJwt(token, client)
    throw new InvalidRequestError('subject_token_type is none that is exchanged here')
  }

  /** An access token of this server in any of its formats; undefined: it is none, or dead. */
  async accessToken(value: string): Promise<SubjectToken | undefined> {
    const presented = await this.#server.tokens.find(value)
    if (!presented || presented.revoked) return undefined
    const { id, format, token, grant, expiresAt } = presented
    if (grant && !isLive(grant, this.#server.now())) return undefined
    const { client_id, sub = client_id, scope, aud, cnf, claims = {}, made_of } = token
    return {
      from: client_id,
      subject: grant?.subject ?? sub,
      ...(grant && { grant }),
      scope: parseScope(scope) ?? [],
      audience: aud,
      expiresAt,
      ...(cnf && { confirmation: cnf }),
      claims,
      sources: [...(made_of ?? []), { format, jti: id, client_id }],
      isExchanged: made_of !== undefined
    }
  }

  /** An ID token of this server, as long as what the person granted in that session lives; it is good for no more than that. */
  async #idToken(value: string): Promise<SubjectToken | undefined> {
    const idToken = await this.#idTokens.recognise(value)
    const now = this.#server.now()
    if (!idToken || idToken.exp <= now) return undefined
    const grant = await this.#grantBehind(idToken)
    if (!grant) return undefined
    return {
      from: grant.clientId,
      subject: grant.subject,
      grant,
      scope: grant.scope,
      audience: grantedResources(grant) ?? [defaultAudience(this.#server.settings)],
      expiresAt: idToken.exp,
      claims: idToken.claims,
      sources: [],
      isExchanged: false
    }
  }

  /** A JWT in which another server says who somebody is. It may come again for as long as it is valid, as any subject token. */
  async #foreignJwt(value: string, client: Client): Promise<SubjectToken> {
    const { issuer, claims } = await this.#issuers.read(value, client).catch((error: unknown) => {
      throw error instanceof InvalidGrantError ? unusable({ reason: error.message, ...error.detail }) : error
    })
    // RFC 7519 §2: a NumericDate may have a fraction; the times of tokens here are whole seconds.
    const expiresAt = Math.floor(claims.exp)
    // What only the tolerance for clocks still lets pass has no time left that a token could have of it.
    if (expiresAt <= this.#server.now()) refuse({ reason: 'nothing is left of its lifetime' })
    const subject = (await issuer.subjectOf(claims)) ?? refuse({ reason: 'the subject is nobody here' })
    const audience = [defaultAudience(this.#server.settings)]
    return { from: claims.iss, subject, audience, expiresAt, claims, sources: [], isExchanged: false }
  }

  /** The newest, if the person authorized the client several times in one session. */
  async #grantBehind({ aud, sid, sub }: { aud: string; sid?: string; sub: string }): Promise<Grant | undefined> {
    const client = await this.#server.clients.find(aud)
    if (!client || sid === undefined) return undefined
    for (const grant of await this.#server.store.grants.list({ clientId: aud, sessionId: sid }, this.#server.now()))
      if (grant.scope.includes('openid') && (await this.#server.subjectFor(client, grant.subject)) === sub) return grant
    return undefined
  }
}

/** One sentence for every reason: what is wrong with somebody else's token is not for everybody to learn. */
export function refuse(detail?: Record<string, unknown>): never {
  throw unusable(detail)
}

function unusable(detail: Record<string, unknown> = {}): InvalidRequestError {
  return new InvalidRequestError('the subject token is unknown, expired, revoked or not for this client to exchange', { detail })
}
