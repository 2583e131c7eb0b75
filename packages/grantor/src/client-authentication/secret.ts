import type { ServerContext } from '../context.ts'
import { type Awaitable, whenAll } from '../crypto/port.ts'
import { CLIENT_SECRET, type Client } from '../models/client.ts'

const NONE = { hash: '' }

/** Whether `secret` is one of the client's that have not expired. Takes the same work for a client that has none. */
export function matchesSecret(server: ServerContext, client: Client, secret: string): Awaitable<boolean> {
  const now = server.now()
  const live = (client.secrets ?? []).filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt)
  const matches = (live.length > 0 ? live : [NONE]).map(({ hash }) => server.secrets.matches(CLIENT_SECRET, secret, hash))
  return whenAll(matches, (each) => each.includes(true))
}
