import { OutboundError } from './base.ts'
import type { Outbound, OutboundRequest } from './outbound.ts'

/** The JSON document at a URL. @throws OutboundError if it cannot be fetched, the status is not 200, or it is not JSON. */
export async function fetchJson(outbound: Outbound, request: OutboundRequest): Promise<unknown> {
  const { status, body } = await outbound({ accept: 'application/json', ...request })
  if (status !== 200) throw new OutboundError('not_json')
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new OutboundError('not_json', cause)
  }
}
