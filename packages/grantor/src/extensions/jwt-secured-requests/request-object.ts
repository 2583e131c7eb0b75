import type { JWTPayload } from 'jose'
import type { ServerContext } from '../../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS, namesOf, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidRequestObjectError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { checkLength, SignedByClient, wrongClaim } from '../../request-objects/signed-by-client.ts'
import type { RequestObjectOptions } from './options.ts'

/** Opens request objects (RFC 9101 §6): decrypts, verifies, and judges what they say of themselves. */
export class RequestObjectReader {
  readonly #server: ServerContext
  readonly #options: RequestObjectOptions
  readonly #signed: SignedByClient

  constructor(server: ServerContext, options: RequestObjectOptions) {
    this.#server = server
    this.#options = options
    this.#signed = new SignedByClient(server)
  }

  /** The claims. @throws InvalidRequestObjectError */
  async read(object: string, client: Client): Promise<JWTPayload> {
    checkLength(object)
    const { request_object_signing_alg: registered } = client
    const algorithms = registered === undefined ? PUBLIC_KEY_SIGNATURES : namesOf(registered)
    const claims = await this.#signed.verify(await this.#decrypted(object, client), client, algorithms)
    // RFC 9101 §6.3: they "MUST be identical".
    if (claims.client_id !== client.client_id) throw wrongClaim('client_id')
    this.#signed.checkParties(claims, client)
    // RFC 9101 §4: "request and request_uri parameters MUST NOT be included in Request Objects."
    for (const name of ['request', 'request_uri']) if (Object.hasOwn(claims, name)) throw wrongClaim(name)
    // FAPI 2.0 Message Signing §5.3.1
    if (this.#options.maxLifetime !== undefined) this.#signed.checkTimes(claims, this.#options.maxLifetime)
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
}
