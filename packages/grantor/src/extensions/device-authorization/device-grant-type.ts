import { PolledGrantType } from '../../grant-types/polled.ts'
import type { DeviceOrigin } from './device-request.ts'

/** The grant type of devices, as clients register it and send it (RFC 8628 §3.4). */
export const DEVICE_GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code'

/** A device asks whether its person allowed what it wants (RFC 8628 §3.4). */
export class DeviceGrantType extends PolledGrantType<DeviceOrigin> {
  readonly grantType: string = DEVICE_GRANT_TYPE
  protected readonly parameter = 'device_code'
}
