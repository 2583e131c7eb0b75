import type { JWTPayload } from 'jose'
import type { ServerContext } from '../../context.ts'
import { allowedOf, namesOf, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidRequestError, InvalidRequestObjectError } from '../../errors.ts'
import type { Kind, Mark } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'
import type { Params } from '../../params.ts'
import { paramsOf } from '../../request-objects/parameters.ts'
import { SignedByClient, wrongClaim } from '../../request-objects/signed-by-client.ts'
import { isFirstUse } from '../../stores/first-use.ts'
import { AUTHENTICATION_PARAMETERS } from './parameters.ts'

/** Without those of RSA with the padding of PKCS #1 v1.5, which no profile of CIBA allows (FAPI-CIBA §5.2.2; FAPI 1.0 Part 2 §8.6). */
export function requestSignatures({ settings }: ServerContext): readonly string[] {
  return allowedOf(PUBLIC_KEY_SIGNATURES, settings.allowedAlgorithms).filter((alg) => !alg.startsWith('RS'))
}

const REQUEST_JTI: Kind<Mark> = 'authentication_request_jti'
/** Seconds: FAPI-CIBA §5.2.2 wants no signed request that is older or lives longer. */
const MAX_LIFETIME = 3600

/** A request as it counts. `spend`: takes note that it came, once nothing else is wrong with it. @throws InvalidRequestError if it came before */
export interface UnfoldedAuthentication {
  params: Params
  spend(): Promise<void>
}

/** Authentication requests in a JWT that the client signed (CIBA Core §7.1.1). */
export class SignedAuthenticationRequests {
  readonly #server: ServerContext
  readonly #signed: SignedByClient

  constructor(server: ServerContext) {
    this.#server = server
    this.#signed = new SignedByClient(server)
  }

  /** @throws InvalidRequestError: §13 has no other error for it */
  async unfold(params: Params, client: Client): Promise<UnfoldedAuthentication> {
    const object = params.get('request')
    const { backchannel_authentication_request_signing_alg: alg } = client
    // §4: "When omitted, the Client will not send signed authentication requests."
    if ((object === undefined) !== (alg === undefined))
      throw new InvalidRequestError(alg === undefined ? 'this client is not registered to sign requests' : 'this client signs its requests')
    if (object === undefined || alg === undefined) return { params, spend: async () => undefined }
    // §7.1.1: "authentication request parameters MUST NOT be present outside of the JWT".
    const outside = AUTHENTICATION_PARAMETERS.find((name) => params.has(name))
    if (outside !== undefined) throw new InvalidRequestError(`${outside} stands outside of the signed request`)
    try {
      const claims = await this.#signed.verify(object, client, namesOf(alg))
      this.#check(claims, client)
      return { params: paramsOf(claims), spend: () => this.#spend(claims, client) }
    } catch (error) {
      throw error instanceof InvalidRequestObjectError ? new InvalidRequestError(error.message, { cause: error.cause }) : error
    }
  }

  /** §7.1.1: `aud`, `iss`, `exp`, `iat`, `nbf` and `jti` are required. */
  #check(claims: JWTPayload, client: Client): void {
    for (const name of ['aud', 'iss', 'exp', 'iat', 'nbf', 'jti']) if (!claims[name]) throw wrongClaim(name)
    if (claims.client_id !== undefined && claims.client_id !== client.client_id) throw wrongClaim('client_id')
    this.#signed.checkParties(claims, client)
    this.#signed.checkTimes(claims, MAX_LIFETIME)
  }

  /** §7.1.1 jti: "A unique identifier for the JWT, which can be used to prevent reuse of the token." */
  async #spend({ jti, exp = 0 }: JWTPayload, { client_id }: Client): Promise<void> {
    const expiresAt = exp + this.#server.settings.clockSkew
    if (!(await isFirstUse(this.#server, { kind: REQUEST_JTI, name: [client_id, String(jti)], expiresAt })))
      throw new InvalidRequestError('this signed request came before')
  }
}
