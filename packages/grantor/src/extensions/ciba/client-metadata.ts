import { flag, httpsUrl, type MetadataRule, oneOf } from '../../clients/rules.ts'
import { InvalidClientMetadataError } from '../../errors.ts'
import type { Client } from '../../models/client.ts'
import { CIBA_GRANT_TYPE } from './ciba-grant-type.ts'

/** CIBA Core §4. Push would send tokens to where nobody proves to be the client, and is not served. */
export const DELIVERY_MODES = ['poll', 'ping']

/** CIBA Core §4. `algorithms`: those of signed requests. */
export function clientMetadata(algorithms: readonly string[]): Readonly<Record<string, MetadataRule>> {
  return {
    backchannel_token_delivery_mode: oneOf(...DELIVERY_MODES),
    backchannel_client_notification_endpoint: httpsUrl,
    backchannel_authentication_request_signing_alg: oneOf(...algorithms),
    backchannel_user_code_parameter: flag
  }
}

/** @throws InvalidClientMetadataError if a client of CIBA lacks what it needs */
export function checkCibaClient(client: Client, isOpenIdProvider: boolean): void {
  if (!client.grant_types.includes(CIBA_GRANT_TYPE)) return
  if (!isOpenIdProvider) throw new InvalidClientMetadataError('CIBA is for OpenID Providers, and this server is none')
  // §4: "REQUIRED. One of the following values: poll, ping, or push."
  if (client.backchannel_token_delivery_mode === undefined)
    throw new InvalidClientMetadataError('CIBA needs backchannel_token_delivery_mode')
  // §4: "REQUIRED if the token delivery mode is set to ping or push."
  if (client.backchannel_token_delivery_mode === 'ping' && client.backchannel_client_notification_endpoint === undefined)
    throw new InvalidClientMetadataError('ping needs backchannel_client_notification_endpoint')
  // §7.1: "The Client MUST authenticate to the Backchannel Authentication Endpoint".
  if (client.token_endpoint_auth_method === 'none') throw new InvalidClientMetadataError('CIBA is for clients that authenticate')
}
