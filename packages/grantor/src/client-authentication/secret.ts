import type { ServerContext } from '../context.ts'
import { CLIENT_SECRET, type Client } from '../models/client.ts'

/** Whether `secret` is one of the client's that have not expired. Takes the same work for a client that has none. */
export async function matchesSecret(server: ServerContext, client: Client, secret: string): Promise<boolean> {
  const now = server.now()
  const hashes = (client.secrets ?? []).filter(({ expiresAt }) => expiresAt === undefined || now < expiresAt).map(({ hash }) => hash)
  let matched = false
  for (const hash of hashes.length > 0 ? hashes : ['']) matched = (await server.secrets.matches(CLIENT_SECRET, secret, hash)) || matched
  return matched
}
