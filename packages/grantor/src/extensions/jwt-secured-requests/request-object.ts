import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import type { ServerContext } from '../../context.ts'
import { allowedOf, ENCRYPTION_ALGS, ENCRYPTION_ENCS, namesOf, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidRequestObjectError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import type { RequestObjectOptions } from './options.ts'

/** Characters. */
const MAX_LENGTH = 65_536
/** RFC 9101 §10.8: explicit typing keeps other JWTs out; a client that was written for OpenID Connect says `JWT` or nothing. */
const TYPES: readonly unknown[] = [undefined, 'jwt', 'oauth-authz-req+jwt', 'application/oauth-authz-req+jwt']

/** Opens request objects (RFC 9101 §6): decrypts, verifies, and judges what they say of themselves. */
export class RequestObjectReader {
  readonly #server: ServerContext
  readonly #options: RequestObjectOptions

  constructor(server: ServerContext, options: RequestObjectOptions) {
    this.#server = server
    this.#options = options
  }

  /** The claims. @throws InvalidRequestObjectError */
  async read(object: string, client: Client): Promise<JWTPayload> {
    if (object.length > MAX_LENGTH) throw new InvalidRequestObjectError(`the request object is longer than ${MAX_LENGTH} characters`)
    const claims = await this.#verified(await this.#decrypted(object, client), client)
    this.#check(claims, client)
    if (this.#options.maxLifetime !== undefined) this.#checkTimes(claims, this.#options.maxLifetime)
    return claims
  }

  /** RFC 9101 §6.1: "The result is a signed Request Object." */
  async #decrypted(object: string, client: Client): Promise<string> {
    if (object.split('.', 6).length !== 5) return object
    const { request_object_encryption_alg: alg, request_object_encryption_enc: enc } = client
    // OpenID Connect Registration §2: "If request_object_encryption_alg is specified, the default … value is A128CBC-HS256."
    const allowed = alg === undefined ? { alg: ENCRYPTION_ALGS, enc: ENCRYPTION_ENCS } : { alg: [alg], enc: [enc ?? 'A128CBC-HS256'] }
    const signed = this.#options.encrypted ? await this.#server.encryptionKeys.decrypt(object, allowed) : undefined
    if (signed === undefined) throw new InvalidRequestObjectError('the request object cannot be decrypted')
    return signed
  }

  /** RFC 9101 §6.2: "The signature MUST be validated using a key associated with the client and the algorithm specified". */
  async #verified(object: string, client: Client): Promise<JWTPayload> {
    const { alg = '', kid, typ } = headerOf(object)
    const { request_object_signing_alg: registered } = client
    const { clientKeys, settings } = this.#server
    const algorithms = allowedOf(registered === undefined ? PUBLIC_KEY_SIGNATURES : namesOf(registered), settings.allowedAlgorithms)
    if (!algorithms.includes(alg)) throw new InvalidRequestObjectError('the request object is not signed as this client signs')
    if (!TYPES.includes(typeof typ === 'string' ? typ.toLowerCase() : typ))
      throw new InvalidRequestObjectError('the typ of the JWT is not that of a request object')
    for (const jwk of await clientKeys.find(client, { alg, use: 'sig', ...(kid !== undefined && { kid }) })) {
      try {
        const { payload } = await jwtVerify(object, () => clientKeys.import(jwk, alg), {
          algorithms: [alg],
          clockTolerance: settings.clockSkew,
          currentDate: new Date(this.#server.now() * 1000)
        })
        return payload
      } catch (cause) {
        // Thrown after the signature proved to be right; anything else may be another key's.
        if (cause instanceof errors.JWTExpired || cause instanceof errors.JWTClaimValidationFailed) throw wrong(cause.claim, cause)
      }
    }
    throw new InvalidRequestObjectError('no key of this client verifies the request object')
  }

  #check(claims: JWTPayload, { client_id }: Client): void {
    const { issuer, clockSkew } = this.#server.settings
    // RFC 9101 §6.3: they "MUST be identical".
    if (claims.client_id !== client_id) throw wrong('client_id')
    if (claims.iss !== undefined && claims.iss !== client_id) throw wrong('iss')
    if (claims.aud !== undefined && ![claims.aud].flat().includes(issuer)) throw wrong('aud')
    if (claims.iat !== undefined && claims.iat > this.#server.now() + clockSkew) throw wrong('iat')
    // RFC 7519 §4.1.7: "The "jti" value is a case-sensitive string."
    if (claims.jti !== undefined && typeof claims.jti !== 'string') throw wrong('jti')
    // RFC 9101 §10.8: an assertion that authenticates the client has one; a request object has not.
    if (claims.sub !== undefined) throw wrong('sub')
    // RFC 9101 §4: "request and request_uri parameters MUST NOT be included in Request Objects."
    for (const name of ['request', 'request_uri']) if (Object.hasOwn(claims, name)) throw wrong(name)
  }

  /** FAPI 2.0 Message Signing §5.3.1 */
  #checkTimes({ aud, nbf, exp }: JWTPayload, maxLifetime: number): void {
    if (aud === undefined) throw wrong('aud')
    if (nbf === undefined || nbf < this.#server.now() - maxLifetime - this.#server.settings.clockSkew) throw wrong('nbf')
    if (exp === undefined || exp > nbf + maxLifetime) throw wrong('exp')
  }
}

function wrong(claim: string, cause?: unknown): InvalidRequestObjectError {
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
