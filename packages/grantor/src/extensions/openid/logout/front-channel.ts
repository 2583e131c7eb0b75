import { flag } from '../../../clients/rules.ts'
import type { EndedSession, ServerContext } from '../../../context.ts'
import { InvalidClientMetadataError } from '../../../errors.ts'
import type { Extension } from '../../../extension.ts'
import type { Client } from '../../../models/client.ts'
import { originOf } from '../../../models/redirect-uri.ts'
import { encodeForm } from '../../../params.ts'
import { logoutUri } from './logout-uri.ts'
import { signedInClients } from './signed-in-clients.ts'

/** OpenID Connect Front-Channel Logout 1.0: the page after a sign-out loads a URL of each application in a frame. */
export function frontChannelLogout(): Extension {
  return (server) => ({
    metadata: { frontchannel_logout_supported: true, frontchannel_logout_session_supported: true },
    clientMetadata: { frontchannel_logout_uri: logoutUri, frontchannel_logout_session_required: flag },
    validateClient: async (client) => checkOrigin(client),
    sessionEnded: (session) => frames(server, session)
  })
}

/** §2: "The domain, port, and scheme of this URL MUST be the same as that of a registered Redirection URI value." */
function checkOrigin({ frontchannel_logout_uri: uri, redirect_uris }: Client): void {
  if (uri !== undefined && !redirect_uris.some((redirectUri) => originOf(redirectUri) === originOf(uri)))
    throw new InvalidClientMetadataError('frontchannel_logout_uri has the origin of a redirect URI')
}

async function frames(server: ServerContext, session: EndedSession): Promise<readonly string[]> {
  const clients = await signedInClients(server, session)
  return clients.flatMap(({ frontchannel_logout_uri: uri, frontchannel_logout_session_required: isRequired }) => {
    if (uri === undefined) return []
    // §3: "if either is included, both MUST be"; without need, the session is not told to whoever reads the application's logs.
    const query = isRequired ? `iss=${encodeForm(server.settings.issuer)}&sid=${encodeForm(session.id)}` : ''
    return [query === '' ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${query}`]
  })
}
