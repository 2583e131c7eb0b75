import type { FoundPolledRequest, PolledRequest } from '../../grant-types/polled-requests.ts'
import type { Kind } from '../../models/artifacts.ts'

/** Where a device asked from, for the person to recognise it (RFC 8628 §5.4). */
export interface DeviceOrigin {
  address?: string
  userAgent?: string
}

export type FoundDeviceRequest = FoundPolledRequest<DeviceOrigin>

export const DEVICE_CODE: Kind<PolledRequest<DeviceOrigin>> = 'device_code'
