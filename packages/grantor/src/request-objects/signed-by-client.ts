import { decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose'
import type { ServerContext } from '../context.ts'
import { allowedOf } from '../crypto/algorithms.ts'
import { InvalidRequestObjectError } from '../errors.ts'
import type { Client } from '../models/client.ts'

/** Characters. */
const MAX_LENGTH = 65_536
/** RFC 9101 §10.8: explicit typing keeps other JWTs out; a client that was written for OpenID Connect says `JWT` or nothing. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'oauth-authz-req+jwt', 'application/oauth-authz-req+jwt']

/** Judges requests that their clients signed, whichever endpoint they came to. */
export class SignedByClient {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /**
   * The claims, if one of the client's keys signed them with one of these algorithms, and their time has come and not passed.
   * RFC 9101 §6.2: "The signature MUST be validated using a key associated with the client and the algorithm specified".
   * @throws InvalidRequestObjectError
   */
  async verify(object: string, client: Client, algorithms: readonly string[]): Promise<JWTPayload> {
    checkLength(object)
    const { alg = '', kid, typ } = headerOf(object)
    if (!allowedOf(algorithms, this.#server.settings.allowedAlgorithms).includes(alg))
      throw new InvalidRequestObjectError('the request object is not signed as this client signs')
    if (!TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : typ))
      throw new InvalidRequestObjectError('the typ of the JWT is not that of a request object')
    const claims = await this.#server.clientKeys.verify(object, { owner: client, alg, kid }, {}, wrongClaim)
    if (!claims) throw new InvalidRequestObjectError('no key of this client verifies the request object')
    return claims
  }

  /** Who it is from and for, as far as it says. @throws InvalidRequestObjectError */
  checkParties(claims: JWTPayload, { client_id }: Client): void {
    const { issuer, clockSkew } = this.#server.settings
    if (claims.iss !== undefined && claims.iss !== client_id) throw wrongClaim('iss')
    if (claims.aud !== undefined && ![claims.aud].flat().includes(issuer)) throw wrongClaim('aud')
    if (claims.iat !== undefined && claims.iat > this.#server.now() + clockSkew) throw wrongClaim('iat')
    // RFC 7519 §4.1.7: "The "jti" value is a case-sensitive string."
    if (claims.jti !== undefined && typeof claims.jti !== 'string') throw wrongClaim('jti')
    // RFC 9101 §10.8: an assertion that authenticates the client has one; a request object has not.
    if (claims.sub !== undefined) throw wrongClaim('sub')
  }

  /** That it says whom it is for, and is neither older nor lives longer than so many seconds. @throws InvalidRequestObjectError */
  checkTimes({ aud, nbf, exp }: JWTPayload, maxLifetime: number): void {
    if (aud === undefined) throw wrongClaim('aud')
    if (nbf === undefined || nbf < this.#server.now() - maxLifetime - this.#server.settings.clockSkew) throw wrongClaim('nbf')
    if (exp === undefined || exp > nbf + maxLifetime) throw wrongClaim('exp')
  }
}

/** @throws InvalidRequestObjectError */
export function checkLength(object: string): void {
  if (object.length > MAX_LENGTH) throw new InvalidRequestObjectError(`the request object is longer than ${MAX_LENGTH} characters`)
}

export function wrongClaim(claim: string, cause?: unknown): InvalidRequestObjectError {
  return new InvalidRequestObjectError(`${claim} of the request object is missing, wrong or out of place`, { cause })
}

/** @throws InvalidRequestObjectError if it is not a JWS in compact form. */
function headerOf(object: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(object)
  } catch (cause) {
    throw new InvalidRequestObjectError('the request object is not a signed JWT', { cause })
  }
}
