import { listOf, oneOf } from '../../clients/rules.ts'
import { InvalidAuthorizationDetailsError, InvalidClientMetadataError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import { AUTHORIZATION_DETAILS } from '../../models/authorization-detail.ts'
import type { Client } from '../../models/client.ts'
import { newAuthorizationDetails } from './check.ts'
import { DetailRequests } from './detail-requests.ts'
import { checkTypes, type RichAuthorizationRequestOptions } from './options.ts'
import { AuthorizationDetailsReader } from './reader.ts'

/**
 * Clients say in detail what they ask for, such as one payment, in the place of scope or beside it (RFC 9396).
 * @throws ConfigurationError if there is no type, or one cannot work
 */
export function richAuthorizationRequests(options: RichAuthorizationRequestOptions): Extension {
  const types = checkTypes(options)
  const names = [...types.keys()]
  const reader = new AuthorizationDetailsReader(types)
  return (server) => {
    const requests = new DetailRequests(server, types, reader)
    return {
      metadata: { authorization_details_types_supported: names },
      clientMetadata: {
        authorization_details_types: listOf(oneOf(...names)),
        authorization_details: (value) => (Array.isArray(value) ? undefined : 'a list of authorization details')
      },
      insteadOfScope: [AUTHORIZATION_DETAILS],
      interactionChecks: [newAuthorizationDetails(types)],
      validateClient: (client) => checkOwnDetails(client, reader),
      async validateAuthorizationRequest(request) {
        const details = await requests.authorized(request)
        return details && { [AUTHORIZATION_DETAILS]: details }
      },
      limitTokenRequest: (request, issuance) => requests.limit(request, issuance),
      validateTokenRequest: (request, issuance) => requests.claims(request, issuance),
      // RFC 9396 §7: it "MUST also return the authorization_details as granted by the resource owner and assigned to the respective access token".
      async tokenResponse(_response, _request, { claims }) {
        const assigned = claims?.[AUTHORIZATION_DETAILS]
        return assigned === undefined ? {} : { [AUTHORIZATION_DETAILS]: assigned }
      }
    }
  }
}

async function checkOwnDetails(client: Client, reader: AuthorizationDetailsReader): Promise<void> {
  if (client.authorization_details === undefined) return
  await reader.judge(client.authorization_details, client).catch((error: unknown) => {
    throw error instanceof InvalidAuthorizationDetailsError ? new InvalidClientMetadataError(error.message) : error
  })
}
