import type { Artifact, Kind } from '../models/artifacts.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'

export interface Value {
  n?: number | null
  [member: string]: unknown
}

export const KIND: Kind<Value> = 'contract_test'
export const NOW = 1_800_000_000
export const LATER = NOW + 600
export const RACERS = 50

export function artifact(id: string, value: Value = {}): Artifact<Value> {
  return { kind: KIND, id, value, expiresAt: LATER }
}

export function grant(id: string, members: Partial<Grant> = {}): Grant {
  return { id, clientId: 'client', subject: 'subject', scope: ['a', 'b'], createdAt: NOW, ...members }
}

export function client(client_id: string): Client {
  return {
    client_id,
    redirect_uris: ['https://c.example/cb'],
    grant_types: [],
    response_types: [],
    scope: 'a',
    settings: { accessTokenLifetime: 60 }
  }
}

export function race<T>(attempt: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: RACERS }, (_, index) => attempt(index)))
}

export async function rejects(promise: Promise<unknown>): Promise<void> {
  const outcome = await promise.then(
    () => 'resolved',
    () => 'rejected'
  )
  equal(outcome, 'rejected')
}

export function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [canonical(actual), canonical(expected)]
  if (a !== b) throw new Error(`expected ${b?.slice(0, 500)}, got ${a?.slice(0, 500)}`)
}

/** JSON with sorted members, so that their order does not count. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member
  )
}
