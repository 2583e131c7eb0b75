import type { ServerContext } from '../../context.ts'
import type { Client } from '../../models/client.ts'
import { OWNED } from './owned-members.ts'

/** What a client is told of its registration (RFC 7591 §3.2.1, RFC 7592 §3): all that is registered, and its secret if it is new. */
export function clientInformation(
  server: ServerContext,
  client: Client,
  { registrationToken, secret }: { registrationToken: string; secret: string | undefined }
): Record<string, unknown> {
  const { client_secret: _secret, ...registered } = client as Client & { client_secret?: string }
  const uri = `${server.endpoint('registration')}?client_id=${encodeURIComponent(client.client_id)}`
  return {
    ...Object.fromEntries(Object.entries(registered).filter(([name]) => !OWNED.includes(name))),
    // RFC 7591 §3.2.1: client_secret_expires_at is "REQUIRED if "client_secret" is issued"; 0: it does not expire.
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    registration_access_token: registrationToken,
    registration_client_uri: uri
  }
}
