import { ConfigurationError, InvalidClientMetadataError, InvalidRequestError, UnauthorizedClientError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import { clientFault, type Requirements, responseFault, servedFault, settingsFault } from './rules.ts'
import { SENTENCES } from './sentences.ts'

export const PROFILE = 'fapi2'

/**
 * Holds a server to FAPI 2.0: built with what contradicts it, it is not built; a client that contradicts it is not registered, and gets
 * nothing if it was before.
 */
export function enforcement(requirements: Requirements): Extension {
  const checkKnown = (client: Client) => {
    const fault = clientFault(client, requirements)
    if (fault !== undefined) throw new UnauthorizedClientError(fault)
  }
  return ({ settings }) => ({
    profile: PROFILE,
    withdraws: { clientAuthentications: ['client_secret_basic', 'client_secret_post', 'none'], responseTypes: ['none'] },
    validateServer(registry) {
      const fault = settingsFault(settings) ?? servedFault(registry)
      if (fault !== undefined) throw new ConfigurationError(`fapi2: ${fault}`)
    },
    validateMetadata(client) {
      const fault = clientFault(client, requirements)
      if (fault !== undefined) throw new InvalidClientMetadataError(fault)
    },
    async validateAuthorizationRequest({ client, responseMode }) {
      checkKnown(client)
      const fault = responseFault(responseMode, requirements)
      if (fault !== undefined) throw new InvalidRequestError(fault)
      return undefined
    },
    async validateTokenRequest({ client, confirmation }) {
      checkKnown(client)
      if (!confirmation) throw new InvalidRequestError(SENTENCES.senderConstrained)
      return undefined
    }
  })
}
