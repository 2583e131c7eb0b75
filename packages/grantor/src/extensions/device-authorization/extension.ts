import { ConfigurationError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import { PolledRequests } from '../../grant-types/polled-requests.ts'
import { DeviceAuthorizationEndpoint } from './authorization-endpoint.ts'
import { DeviceGrantType } from './device-grant-type.ts'
import { DEVICE_CODE, type DeviceOrigin } from './device-request.ts'
import { type DeviceAuthorizationOptions, resolveOptions } from './options.ts'
import { UserCodes } from './user-codes.ts'
import { VerificationEndpoint } from './verification-endpoint.ts'

/**
 * Access for devices without a browser or a keyboard: the person allows it elsewhere, with a code that the device shows (RFC 8628). Clients are
 * registered for it by their `grant_types`.
 * @throws ConfigurationError if an option cannot work
 */
export function deviceAuthorization(options: DeviceAuthorizationOptions = {}): Extension {
  const resolved = resolveOptions(options)
  return (server, interactions) => {
    if (!interactions) throw new ConfigurationError('deviceAuthorization: without interactions nobody can allow anything')
    const parts = { requests: new PolledRequests<DeviceOrigin>(server, DEVICE_CODE), codes: new UserCodes(server) }
    return {
      grantTypes: [new DeviceGrantType(server, parts.requests)],
      endpoints: [new DeviceAuthorizationEndpoint(server, parts, resolved), new VerificationEndpoint(server, interactions, parts)]
    }
  }
}
