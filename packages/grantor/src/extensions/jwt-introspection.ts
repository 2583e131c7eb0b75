import { checkEncryption, encryptionMetadata } from '../clients/encryption-metadata.ts'
import { oneOf } from '../clients/rules.ts'
import type { ServerContext } from '../context.ts'
import { ENCRYPTION_ALGS, ENCRYPTION_ENCS } from '../crypto/algorithms.ts'
import { InvalidRequestError } from '../errors.ts'
import type { Extension } from '../extension.ts'
import { type HttpResponse, NO_STORE } from '../http.ts'
import type { Client } from '../models/client.ts'
import { encryptTo } from '../tokens/encrypt-to.ts'
import { DEFAULT_ALGORITHM, responseAlgorithms, responseSigner } from '../tokens/response-algorithms.ts'
import { signJwt } from '../tokens/sign-jwt.ts'

const TYPE = 'token-introspection+jwt'
const MEDIA_TYPE = `application/${TYPE}`

/** Introspection responses in a JWT, which an API can keep and show as proof of what it was told (RFC 9701). */
export const jwtIntrospection: Extension = (server) => {
  const algorithms = responseAlgorithms(server)
  return {
    signingAlgorithms: [DEFAULT_ALGORITHM],
    metadata: {
      introspection_signing_alg_values_supported: algorithms,
      introspection_encryption_alg_values_supported: ENCRYPTION_ALGS,
      introspection_encryption_enc_values_supported: ENCRYPTION_ENCS
    },
    // RFC 9701 §6
    clientMetadata: { introspection_signed_response_alg: oneOf(...algorithms), ...encryptionMetadata('introspection') },
    validateClient: async (client) => checkEncryption(client, 'introspection'),
    async introspectionResponse(body, client, { headers }) {
      // RFC 9701 §4: "with an Accept HTTP header field set to "application/token-introspection+jwt""
      if (isAsked(headers.get('accept') ?? '')) return respond(server, body, client)
      // RFC 9701 §8.2: whoever registered for encryption is not answered in clear because a header is missing.
      if (client.introspection_encrypted_response_alg !== undefined)
        throw new InvalidRequestError(`this client is answered in a JWT only: send Accept: ${MEDIA_TYPE}`)
      return undefined
    }
  }
}

/** By its own name only: who accepts everything expects the JSON of RFC 7662. */
function isAsked(accept: string): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...params] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === MEDIA_TYPE && !params.some((param) => /^q=0(\.0*)?$/.test(param))
  })
}

/** RFC 9701 §5: "a Nested JWT" where it is encrypted, too. There is no `sub` and no `exp`, so that nobody takes it for an access token (§8.1). */
async function respond(server: ServerContext, body: Readonly<Record<string, unknown>>, client: Client): Promise<HttpResponse> {
  const signer = await responseSigner(server, client.introspection_signed_response_alg)
  const payload = { iss: server.settings.issuer, aud: client.client_id, iat: server.now(), token_introspection: body }
  const signed = await signJwt(signer, TYPE, payload)
  const { introspection_encrypted_response_alg: alg, introspection_encrypted_response_enc: enc } = client
  const jwt = alg === undefined ? signed : await encryptTo(server, client, signed, { alg, enc, cty: 'JWT' })
  return { status: 200, headers: { 'content-type': MEDIA_TYPE, ...NO_STORE }, body: jwt }
}
