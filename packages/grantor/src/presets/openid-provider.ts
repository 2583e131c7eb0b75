import { type BackChannelLogoutOptions, backChannelLogout } from '../extensions/openid/logout/back-channel.ts'
import { frontChannelLogout } from '../extensions/openid/logout/front-channel.ts'
import { rpInitiatedLogout } from '../extensions/openid/logout/rp-initiated.ts'
import { openid } from '../extensions/openid/openid.ts'
import type { OpenIdOptions } from '../extensions/openid/options.ts'
import { OAUTH21, type Preset, type PresetOptions } from './base.ts'

/** What is known of people, and how applications are told of a sign-out. */
export interface OpenIdProviderOptions extends OpenIdOptions, BackChannelLogoutOptions, PresetOptions {}

/**
 * OAuth 2.1 with OpenID Connect Core and Discovery, and with RP-Initiated, Back-Channel and Front-Channel Logout. The server is not built
 * (ConfigurationError) without `interactions.endSession`, and needs `maintain` to be called.
 * @throws ConfigurationError if an option cannot work.
 */
export function openidProvider({ retryAfter, extensions = [], ...options }: OpenIdProviderOptions): Preset {
  const logout = [rpInitiatedLogout(), backChannelLogout(retryAfter && { retryAfter }), frontChannelLogout()]
  return { ...OAUTH21, extensions: [openid(options), ...logout, ...extensions] }
}
