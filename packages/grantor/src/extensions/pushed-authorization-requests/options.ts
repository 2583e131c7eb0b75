import { flag, limit, type SettingRule, seconds, withDefaults } from '../../setting-rules.ts'

/** How authorization requests are pushed. */
export interface PushedAuthorizationRequestOptions {
  /** No other authorization request is taken (RFC 9126 §5). Default false: only those of clients registered so (§6). */
  required?: boolean
  /** Seconds within which the browser must come with a `request_uri`, at most 600. Default 60. */
  lifetime?: number
  /** Requests that one client pushes from one address within a minute; more are answered 429. 0 = no limit. Default 3000. */
  limit?: number
}

const DEFAULTS: Required<PushedAuthorizationRequestOptions> = { required: false, lifetime: 60, limit: 3000 }

const RULES: Readonly<Record<keyof PushedAuthorizationRequestOptions, SettingRule>> = {
  required: flag,
  // RFC 9126 §2.2: it is relatively short, as between 5 and 600 seconds.
  lifetime: seconds(1, 600),
  limit
}

/** All options, with the defaults for those left out. @throws ConfigurationError if one is unknown or cannot work. */
export function resolveOptions(options: PushedAuthorizationRequestOptions): Required<PushedAuthorizationRequestOptions> {
  return withDefaults(options, DEFAULTS, RULES, 'pushedAuthorizationRequests')
}
