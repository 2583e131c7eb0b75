import { flag } from '../../../clients/rules.ts'
import { ConfigurationError } from '../../../errors.ts'
import type { Extension } from '../../../extension.ts'
import { MIN_RETRY } from '../../../outbox.ts'
import { refuseUnknown } from '../../../setting-rules.ts'
import { LogoutDeliveries } from './deliveries.ts'
import { logoutUri } from './logout-uri.ts'
import { signedInClients } from './signed-in-clients.ts'

export interface BackChannelLogoutOptions {
  /** Seconds to wait after each attempt that failed, at least 30 each; then no other is made. Default `[60, 300, 1800, 7200]`. */
  retryAfter?: readonly number[]
}

const RETRY_AFTER = [60, 300, 1800, 7200]

/**
 * OpenID Connect Back-Channel Logout 1.0: this server tells the applications itself. It needs `AuthorizationServer.maintain` for what did
 * not arrive at once.
 * @throws ConfigurationError if an option is unknown or cannot work
 */
export function backChannelLogout({ retryAfter = RETRY_AFTER, ...unknown }: BackChannelLogoutOptions = {}): Extension {
  refuseUnknown(Object.keys(unknown), ['retryAfter'], 'backChannelLogout')
  if (!retryAfter.every((wait) => wait >= MIN_RETRY))
    throw new ConfigurationError(`backChannelLogout: retryAfter is a list of seconds, each at least ${MIN_RETRY}`)
  return (server) => {
    const deliveries = new LogoutDeliveries(server, retryAfter)
    return {
      metadata: { backchannel_logout_supported: true, backchannel_logout_session_supported: true },
      clientMetadata: { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: flag },
      async sessionEnded(session) {
        const clients = await signedInClients(server, session)
        await deliveries.add(
          session,
          clients.filter(({ backchannel_logout_uri: uri }) => uri !== undefined)
        )
        return []
      },
      maintain: () => deliveries.resume()
    }
  }
}
