import { flag, oneOf } from '../../clients/rules.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidClientMetadataError, InvalidRequestError, InvalidRequestObjectError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import type { Params } from '../../params.ts'
import { paramsOf } from './parameters.ts'
import { RequestObjectReader } from './request-object.ts'

/** How request objects are taken. */
export interface RequestObjectOptions {
  /** Keys are kept that clients may encrypt request objects to. Default false. */
  encrypted?: boolean
  /** Every authorization request must be a signed request object (RFC 9101 §10.5). Default false: of those clients only that are registered so. */
  required?: boolean
  /**
   * Seconds: `aud`, `nbf` and `exp` are required, and a request object is neither older nor lives longer than this. FAPI 2.0 Message
   * Signing §5.3.1 asks for 3600. Default: what it says of its times is honoured, and it may say nothing.
   */
  maxLifetime?: number
}

/** Authorization requests in a JWT that the client signed, and perhaps encrypted (RFC 9101; OpenID Connect Core §6). */
export function requestObjects({ encrypted = false, required = false, maxLifetime }: RequestObjectOptions = {}): Extension {
  return (server) => {
    const reader = new RequestObjectReader(server, { encrypted, maxLifetime })
    return {
      metadata: {
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: PUBLIC_KEY_SIGNATURES,
        require_signed_request_object: required,
        ...(encrypted && {
          request_object_encryption_alg_values_supported: ENCRYPTION_ALGS,
          request_object_encryption_enc_values_supported: ENCRYPTION_ENCS
        })
      },
      clientMetadata: {
        request_object_signing_alg: oneOf(...PUBLIC_KEY_SIGNATURES),
        require_signed_request_object: flag,
        ...(encrypted && {
          request_object_encryption_alg: oneOf(...ENCRYPTION_ALGS),
          request_object_encryption_enc: oneOf(...ENCRYPTION_ENCS)
        })
      },
      ...(encrypted && { encryptionAlgorithms: ENCRYPTION_ALGS }),
      validateClient,
      async resolveAuthorizationParams(params, request) {
        const client = params.has('client_id') ? await server.clients.find(params.require('client_id')) : undefined
        // Who is not a client, is told so by the endpoint.
        if (!client) return params
        const object = params.get('request')
        if (object !== undefined) {
          // OpenID Connect Core §6.2: "it MUST NOT be used with request"; RFC 9101 §5 likewise.
          if (params.has('request_uri')) throw new InvalidRequestError('request and request_uri exclude each other')
          const unfolded = paramsOf(await reader.read(object, client))
          checkOpenId(params, unfolded)
          return unfolded
        }
        // What `request_uri` stood for was judged where it was pushed.
        if ((required || client.require_signed_request_object) && !request.params.has('request_uri'))
          throw new InvalidRequestError('this client must send its requests as signed request objects')
        return params
      }
    }
  }
}

/**
 * OpenID Connect Core §6.1: `response_type` stands outside, too, and its value "MUST match those in the Request Object, if present". Apart
 * from that, RFC 9101 §6.3: "MUST only use the parameters in the Request Object".
 */
function checkOpenId(params: Params, unfolded: Params): void {
  const isOpenId = (params.all('scope')[0] ?? '').split(' ').includes('openid')
  const [outside, inside] = [params.get('response_type'), unfolded.get('response_type')]
  if (isOpenId && outside !== undefined && inside !== undefined && outside !== inside)
    throw new InvalidRequestObjectError('response_type is another in the request object than beside it')
}

async function validateClient(client: Client): Promise<void> {
  // OpenID Connect Registration §2: "When request_object_encryption_enc is included, request_object_encryption_alg MUST also be provided."
  if (client.request_object_encryption_enc !== undefined && client.request_object_encryption_alg === undefined)
    throw new InvalidClientMetadataError('request_object_encryption_enc needs request_object_encryption_alg')
}
