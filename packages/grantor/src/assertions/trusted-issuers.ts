import { decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, type JWTPayload } from 'jose'
import type { ServerContext } from '../context.ts'
import { allowedOf, namesOf, PUBLIC_KEY_SIGNATURES } from '../crypto/algorithms.ts'
import { ConfigurationError, InvalidGrantError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import { storableJson } from '../stores/storable.ts'
import type { TrustedClaims, TrustedIssuer } from './trusted-issuer.ts'

const MAX_LENGTH = 16_384
/**
 * RFC 8725 §3.11: a JWT of another kind is none of these: an access token, a logout token, an assertion that authenticates a client, an
 * ID-JAG. draft-ietf-oauth-rfc7523bis names the kind, and older issuers say nothing or `JWT`.
 */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'authorization-grant+jwt', 'application/authorization-grant+jwt']
/** What would have to be honoured, and is not known how to be: a key to prove, narrower rights, an event that is no statement of who somebody is. */
const NOT_UNDERSTOOD = ['cnf', 'authorization_details', 'events']

/** Reads the JWTs of other servers that say who somebody is (RFC 7523 §3). */
export class TrustedIssuers<I extends TrustedIssuer> {
  readonly #server: ServerContext
  readonly #issuers: ReadonlyMap<string, I>

  /** @throws ConfigurationError if one is this server itself: its tokens would pass for assertions. */
  constructor(server: ServerContext, issuers: readonly I[]) {
    this.#server = server
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    if (this.#issuers.has(server.settings.issuer)) throw new ConfigurationError('this server is no trusted issuer of itself')
  }

  /**
   * A JWT that its issuer made for this server, and that is valid now. Whether it was used before is the caller's to ask.
   * @throws InvalidGrantError (RFC 7523 §3.1)
   */
  async read(assertion: string, client: Client): Promise<{ issuer: I; claims: TrustedClaims }> {
    const { header, iss } = peek(assertion)
    const issuer = this.#issuers.get(iss)
    if (!issuer) throw new InvalidGrantError('the issuer of the JWT is not trusted here', { detail: { received: iss.slice(0, 200) } })
    if (!TYPES.includes(typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ))
      throw new InvalidGrantError('the typ of the JWT is not that of an authorization grant')
    return { issuer, claims: this.#judged(await this.#verified(assertion, header, { issuer, client })) }
  }

  async #verified(
    assertion: string,
    { alg, kid }: JWTHeaderParameters,
    { issuer, client }: { issuer: I; client: Client }
  ): Promise<JWTPayload> {
    const { algorithms = PUBLIC_KEY_SIGNATURES, jwks, jwksUri } = issuer
    const { clientKeys, settings } = this.#server
    if (!allowedOf(algorithms.flatMap(namesOf), settings.allowedAlgorithms).includes(alg))
      throw new InvalidGrantError('the JWT is not signed as its issuer signs')
    const owner = { ...(jwks && { jwks }), ...(jwksUri !== undefined && { jwks_uri: jwksUri }) }
    const expected = {
      requiredClaims: ['iss', 'sub', 'aud', 'exp'],
      issuer: issuer.issuer,
      audience: [...this.#audiences(client)]
    }
    const claims = await clientKeys.verify(assertion, { owner, alg, kid }, expected, wrong)
    if (!claims) throw new InvalidGrantError('no key of its issuer verifies the JWT')
    return claims
  }

  #judged(claims: JWTPayload): TrustedClaims {
    const { clockSkew, assertionLifetime } = this.#server.settings
    const latest = this.#server.now() + clockSkew
    const { iss, sub, aud, exp, iat } = claims
    if (typeof iss !== 'string') throw wrong('iss')
    if (typeof sub !== 'string' || sub === '') throw wrong('sub')
    // One that is for others, too, could be sent here by one of them.
    if ([aud].flat().length !== 1) throw wrong('aud')
    // RFC 7523 §3: the server "may reject JWTs with an "exp" claim value that is unreasonably far in the future".
    if (exp === undefined || exp > latest + assertionLifetime) throw wrong('exp')
    if (iat !== undefined && !(typeof iat === 'number' && iat <= latest)) throw wrong('iat')
    const unknown = NOT_UNDERSTOOD.find((claim) => Object.hasOwn(claims, claim))
    if (unknown !== undefined) throw new InvalidGrantError(`${unknown} of the JWT is not understood here`)
    checkStorable(claims)
    return { ...claims, iss, sub, exp }
  }

  /** RFC 7523 §3: "The token endpoint URL of the authorization server MAY be used"; here only by clients that were written for it. */
  #audiences(client: Client): readonly string[] {
    const { issuer } = this.#server.settings
    return this.#server.policy(client).assertionAudience === 'issuer' ? [issuer] : [issuer, this.#server.endpoint('token')]
  }
}

function wrong(claim: string, cause?: unknown): InvalidGrantError {
  return new InvalidGrantError(`${claim} of the JWT is missing or wrong`, { cause })
}

/** Whoever asks a database for what any claim says, asks it for something that it can have. @throws InvalidGrantError */
function checkStorable(claims: JWTPayload): void {
  try {
    storableJson(claims)
  } catch (cause) {
    throw new InvalidGrantError('the JWT has NUL or half of a surrogate pair in it', { cause })
  }
}

/** Header and issuer that an unverified JWT claims. @throws InvalidGrantError if it is not a JWS in compact form. */
function peek(assertion: string): { header: JWTHeaderParameters; iss: string } {
  if (assertion.length > MAX_LENGTH) throw new InvalidGrantError('the JWT is too long')
  try {
    const header = decodeProtectedHeader(assertion) as JWTHeaderParameters
    const { iss } = decodeJwt(assertion)
    if (typeof iss === 'string') return { header, iss }
  } catch (cause) {
    throw new InvalidGrantError('it is not a signed JWT', { cause })
  }
  throw wrong('iss')
}
