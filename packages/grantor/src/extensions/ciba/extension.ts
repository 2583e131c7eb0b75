import type { Extension } from '../../extension.ts'
import { BackchannelAuthenticationEndpoint } from './authentication-endpoint.ts'
import { CibaGrantType } from './ciba-grant-type.ts'
import { checkCibaClient, clientMetadata, DELIVERY_MODES } from './client-metadata.ts'
import { ClientNotifications } from './notifications.ts'
import { type CibaOptions, resolveOptions } from './options.ts'
import { requestSignatures } from './signed-requests.ts'

/**
 * OpenID Connect Client-Initiated Backchannel Authentication 1.0: a client asks a person who is elsewhere, and polls or is told of the decision.
 * People decide through `BackchannelRequests`. What could not be told at once needs `AuthorizationServer.maintain`.
 * @throws ConfigurationError if an option cannot work
 */
export function ciba(options: CibaOptions): Extension {
  const resolved = resolveOptions(options)
  return (server) => {
    const notifications = new ClientNotifications(server)
    const algorithms = requestSignatures(server)
    return {
      grantTypes: [new CibaGrantType(server, resolved)],
      endpoints: [new BackchannelAuthenticationEndpoint(server, resolved)],
      // CIBA Core §4
      metadata: {
        backchannel_token_delivery_modes_supported: DELIVERY_MODES,
        backchannel_authentication_request_signing_alg_values_supported: algorithms,
        backchannel_user_code_parameter_supported: resolved.userCode !== undefined
      },
      clientMetadata: clientMetadata(algorithms),
      // Asked of a client's metadata, since the extensions that come after this one are not known yet.
      validateClient: async (client) => checkCibaClient(client, server.clients.understands('id_token_signed_response_alg')),
      maintain: () => notifications.resume()
    }
  }
}
