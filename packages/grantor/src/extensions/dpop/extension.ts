import { flag } from '../../clients/rules.ts'
import { allowedOf } from '../../crypto/algorithms.ts'
import {
  ConfigurationError,
  InvalidClientMetadataError,
  InvalidDpopProofError,
  InvalidRequestError,
  UnauthorizedClientError
} from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import type { Confirmation } from '../../models/confirmation.ts'
import type { AuthorizationRequest } from '../../requests.ts'
import { DpopScheme } from './dpop-scheme.ts'
import { type DpopOptions, resolveOptions } from './options.ts'
import { ServerProofs } from './server-proofs.ts'

/** base64url of SHA-256 (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

/**
 * Access tokens that only the holder of a key can use (RFC 9449).
 * @throws ConfigurationError if an option is unknown or out of its range, or no algorithm is allowed
 */
export function dpop(options: DpopOptions = {}): Extension {
  const resolved = resolveOptions(options)
  const mustProve = (client: Client) => resolved.required || client.dpop_bound_access_tokens === true
  return (server) => {
    const { allowedAlgorithms } = server.settings
    const algorithms = allowedOf(resolved.algorithms, allowedAlgorithms)
    if (algorithms.length === 0) throw new ConfigurationError(`dpop: allowedAlgorithms has none of ${resolved.algorithms.join(', ')}`)
    const proofs = new ServerProofs(server, { ...resolved, algorithms })
    return {
      ...(resolved.required && { bindsTokens: 'jkt' }),
      // RFC 9449 §5.1
      metadata: { dpop_signing_alg_values_supported: algorithms },
      // RFC 9449 §5.2
      clientMetadata: { dpop_bound_access_tokens: flag },
      tokenSchemes: [new DpopScheme(proofs, algorithms)],
      bindCode,
      async validateClient(client) {
        // RFC 7800 §3.1: one key is what a token is bound to.
        if (mustProve(client) && client.tls_client_certificate_bound_access_tokens)
          throw new InvalidClientMetadataError(
            'tls_client_certificate_bound_access_tokens: the tokens of this client are bound to the key of its proofs'
          )
      },
      async validateAuthorizationRequest({ client, responseType }) {
        // No proof reaches the authorization endpoint, so what it hands out is a bearer token.
        if (mustProve(client) && responseType.split(' ').includes('token'))
          throw new UnauthorizedClientError('this client gets no access token that is not bound to a key')
        return undefined
      },
      // RFC 9449 §10.1: a proof that comes with a pushed request says what dpop_jkt would, and must not say otherwise.
      async pushedParams({ client, params, http }) {
        const jkt = await proofs.take(http, client.client_id)
        if (jkt === undefined) return undefined
        if ((params.get('dpop_jkt') ?? jkt) !== jkt) throw new InvalidDpopProofError('dpop_jkt is another key than that of the DPoP proof')
        return { dpop_jkt: jkt }
      },
      async confirm(request, client) {
        const jkt = await proofs.take(request, client.client_id)
        // RFC 9449 §5.2: "the authorization server MUST reject token requests from the client that do not contain the DPoP header."
        if (jkt === undefined && mustProve(client)) throw new InvalidDpopProofError('this client must send a DPoP proof')
        return jkt === undefined ? undefined : { jkt }
      }
    }
  }
}

/** RFC 9449 §10 */
function bindCode({ params }: AuthorizationRequest): Confirmation | undefined {
  const jkt = params.get('dpop_jkt')
  if (jkt !== undefined && !THUMBPRINT.test(jkt)) throw new InvalidRequestError('dpop_jkt is the SHA-256 thumbprint of a key')
  return jkt === undefined ? undefined : { jkt }
}
