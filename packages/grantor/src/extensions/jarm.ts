import { checkEncryption, encryptionMetadata } from '../clients/encryption-metadata.ts'
import { oneOf } from '../clients/rules.ts'
import type { ServerContext } from '../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../crypto/algorithms.ts'
import { ConfigurationError } from '../errors.ts'
import type { Extension } from '../extension.ts'
import type { HttpResponse } from '../http.ts'
import type { Client } from '../models/client.ts'
import { Params } from '../params.ts'
import { type Recipient, ResponseModeBase } from '../response-modes/base.ts'
import { FormPostResponseMode } from '../response-modes/form-post.ts'
import { FragmentResponseMode } from '../response-modes/fragment.ts'
import { QueryResponseMode } from '../response-modes/query.ts'
import { encryptTo } from '../tokens/encrypt-to.ts'
import { DEFAULT_ALGORITHM, responseAlgorithms, responseSigner } from '../tokens/response-algorithms.ts'
import { signJwt } from '../tokens/sign-jwt.ts'

/** Seconds. §2.1: "a maximum JWT lifetime of 10 minutes is RECOMMENDED". */
const LIFETIME = 300
// §2.1 gives it no type of its own, and clients take no other for a JWT.
const TYPE = 'JWT'

/** Authorization responses, errors too, in a JWT that this server signs, and encrypts for clients that want it (JWT Secured Authorization Response Mode). */
export const jarm: Extension = (server, interactions) => {
  if (!interactions) throw new ConfigurationError('jarm: without interactions there is no authorization endpoint')
  const algorithms = responseAlgorithms(server)
  return {
    responseModes: [
      new JwtResponseMode(server, 'query.jwt', new QueryResponseMode()),
      new JwtResponseMode(server, 'fragment.jwt', new FragmentResponseMode()),
      new JwtResponseMode(server, 'form_post.jwt', new FormPostResponseMode()),
      new JwtResponseMode(server, 'jwt')
    ],
    signingAlgorithms: [DEFAULT_ALGORITHM],
    // §4
    metadata: {
      authorization_signing_alg_values_supported: algorithms,
      authorization_encryption_alg_values_supported: ENCRYPTION_ALGS,
      authorization_encryption_enc_values_supported: ENCRYPTION_ENCS
    },
    // §3
    clientMetadata: { authorization_signed_response_alg: oneOf(...algorithms), ...encryptionMetadata('authorization') },
    validateClient: async (client) => checkEncryption(client, 'authorization')
  }
}

/** All parameters of the response as claims of the one parameter `response` (§2.3). */
class JwtResponseMode extends ResponseModeBase {
  readonly responseMode: string
  override readonly mayCarryTokens: boolean
  readonly #server: ServerContext
  readonly #way: ResponseModeBase | undefined

  /** @param way how the JWT travels; left out: as the response type says (§2.3.4) */
  constructor(server: ServerContext, responseMode: string, way?: ResponseModeBase) {
    super()
    this.#server = server
    this.responseMode = responseMode
    this.#way = way
    // §2.3.1: query.jwt "MUST NOT be used in conjunction with response types that contain token or id_token unless the response JWT is
    // encrypted"; here not even then.
    this.mayCarryTokens = way?.mayCarryTokens ?? true
  }

  async respond(redirectUri: string, params: Params, to: Recipient): Promise<HttpResponse> {
    const response = await this.#encrypted(await this.#signed(params, to.client), to.client)
    return (this.#way ?? to.usual).respond(redirectUri, Params.from({ response }), to)
  }

  /** §2.1 */
  async #signed(params: Params, client: Client): Promise<string> {
    const signer = await responseSigner(this.#server, client.authorization_signed_response_alg)
    const parameters = Object.fromEntries([...params.names()].map((name) => [name, params.get(name)]))
    const exp = this.#server.now() + LIFETIME
    return signJwt(signer, TYPE, { ...parameters, iss: this.#server.settings.issuer, aud: client.client_id, exp })
  }

  /** §2.2: "signed then encrypted". */
  async #encrypted(jwt: string, client: Client): Promise<string> {
    const { authorization_encrypted_response_alg: alg, authorization_encrypted_response_enc: enc } = client
    return alg === undefined ? jwt : encryptTo(this.#server, client, jwt, { alg, enc, cty: TYPE })
  }
}
