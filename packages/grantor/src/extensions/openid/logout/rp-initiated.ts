import { listOf, text } from '../../../clients/rules.ts'
import { ConfigurationError, InvalidClientMetadataError } from '../../../errors.ts'
import type { Extension } from '../../../extension.ts'
import type { Client } from '../../../models/client.ts'
import { redirectUriFault } from '../../../models/redirect-uri.ts'
import { EndSessionEndpoint } from './end-session-endpoint.ts'

/**
 * OpenID Connect RP-Initiated Logout 1.0: applications send the browser here to sign the person out. The server is not built
 * (ConfigurationError) without `interactions.endSession`.
 */
export function rpInitiatedLogout(): Extension {
  return (server, interactions) => {
    const { endSession } = interactions ?? {}
    if (!interactions || !endSession) throw new ConfigurationError('rpInitiatedLogout needs interactions.endSession')
    return {
      endpoints: [new EndSessionEndpoint(server, { ...interactions, endSession })],
      clientMetadata: { post_logout_redirect_uris: listOf(text) },
      validateClient: async (client) => checkTargets(client)
    }
  }
}

/** §3.1 allows what a redirect URI may be. @throws InvalidClientMetadataError */
function checkTargets({ post_logout_redirect_uris: uris = [], application_type }: Client): void {
  for (const uri of uris) {
    const fault = redirectUriFault(uri, application_type)
    if (fault !== undefined) throw new InvalidClientMetadataError(`post_logout_redirect_uris: ${fault}`)
  }
}
