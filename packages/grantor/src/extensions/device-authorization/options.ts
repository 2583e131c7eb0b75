import { limit, type SettingRule, seconds, withDefaults } from '../../setting-rules.ts'

/** How devices get access. */
export interface DeviceAuthorizationOptions {
  /** Seconds that a person has to enter the code and decide, at most 600. Default 300. */
  lifetime?: number
  /** Seconds that a device waits between two polls, at most 60. Default 5. */
  interval?: number
  /** Requests of one client from one address within a minute; more are answered 429. 0 = no limit. Default 60. */
  limit?: number
}

const DEFAULTS: Required<DeviceAuthorizationOptions> = { lifetime: 300, interval: 5, limit: 60 }

const RULES: Readonly<Record<keyof DeviceAuthorizationOptions, SettingRule>> = {
  // RFC 8628 §5.2, §6.1: short, since it is what a guess, and a person who is talked into it, has.
  lifetime: seconds(1, 600),
  interval: seconds(1, 60),
  limit
}

/** All options, with the defaults for those left out. @throws ConfigurationError if one is unknown or cannot work. */
export function resolveOptions(options: DeviceAuthorizationOptions): Required<DeviceAuthorizationOptions> {
  return withDefaults(options, DEFAULTS, RULES, 'deviceAuthorization')
}
