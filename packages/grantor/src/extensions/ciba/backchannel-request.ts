import type { ServerContext } from '../../context.ts'
import type { FoundPolledRequest, PolledRequest } from '../../grant-types/polled-requests.ts'
import type { Kind } from '../../models/artifacts.ts'
import type { Client } from '../../models/client.ts'

/** What the client says to the person, and asks of their sign-in. */
export interface BackchannelMessage {
  /** Shown where the person started it and where they decide, so that they see that it is the same (CIBA Core §7.1). */
  bindingMessage?: string
  /** The sign-ins that the client would like, the most wanted first; a wish. */
  acrValues?: readonly string[]
}

/** What a client asks a person for who is not at its browser. Times in seconds since the epoch. */
export interface BackchannelRequest extends BackchannelMessage {
  id: string
  client: Client
  /** Who is asked, and alone may decide it. */
  subject: string
  scope: readonly string[]
  /** What extensions read out of the request. */
  details: Readonly<Record<string, unknown>>
  requestedAt: number
  expiresAt: number
}

export type FoundBackchannelRequest = FoundPolledRequest<BackchannelMessage>

/** Claimed from the start by the person it is for. */
export const AUTH_REQ_ID: Kind<PolledRequest<BackchannelMessage>> = 'auth_req_id'

/** For whoever shows it to the person. Undefined: its client is gone. */
export async function describe(
  { clients }: ServerContext,
  { id, value }: FoundBackchannelRequest
): Promise<BackchannelRequest | undefined> {
  const client = await clients.find(value.client_id)
  const { claimedBy: subject, scope, details, about, createdAt: requestedAt, usableUntil: expiresAt } = value
  return client && { id, client, subject, scope, details, ...about, requestedAt, expiresAt }
}
