import type { Artifact, Kind } from '../models/artifacts.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'

/**
 * Three tables; a new specification needs no new one. Every method is one atomic statement, and holds no policy: a store stores.
 * When it cannot answer, it rejects, and nothing is issued. Text with NUL or half of a surrogate pair is refused, and found nowhere, because some
 * databases cannot hold it (`stores/storable` tells). All times are seconds since the epoch and come from the caller's clock.
 * `grantor/stores/contract` holds the tests that every store must pass.
 */
export interface Store {
  readonly clients: ClientStore
  readonly grants: GrantStore
  readonly artifacts: ArtifactStore
  /** False: the data dies with the process, and so may the keys that protect it. */
  readonly durable: boolean
  /** The same store with nothing of any other realm in it: for many issuers in one process. The default realm is the empty name. */
  realm(name: string): Store
  /** Deletes at most `limit` expired artifacts and grants, of all realms; how many that were. */
  purge(now: number, limit: number): Promise<number>
}

export interface ClientStore {
  find(clientId: string): Promise<Client | undefined>
  /** False: the id is taken. */
  insert(client: Client): Promise<boolean>
  /** Compare-and-set: replaces the record if it still is `replaced`; false: it is not, or there is none. */
  update(client: Client, replaced: Client): Promise<boolean>
  /** False: there was none. */
  delete(clientId: string): Promise<boolean>
  /** In the order of `client_id`, those after `after`. */
  list(page: { limit: number; after?: string }): Promise<readonly Client[]>
}

/** Which grants: all the named members must match; at least one must be named. */
export interface GrantQuery {
  id?: string
  clientId?: string
  subject?: string
  sessionId?: string
}

export interface GrantStore {
  /** Stores a grant and its first artifacts in one step. */
  insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void>
  find(id: string): Promise<Grant | undefined>
  /** The live ones, newest first, at most `limit` (default 100); with `revoked`, those that were revoked before they would have expired, too. */
  list(where: GrantQuery, now: number, limit?: number, also?: { revoked: boolean }): Promise<readonly Grant[]>
  /**
   * Marks every matching grant that is not revoked yet; how many that were. Its artifacts are dead from this moment on. Many may take many
   * steps: if it rejects, some are revoked, and the next call goes on with the others.
   */
  revoke(where: GrantQuery, now: number): Promise<number>
}

/** An artifact as found, with its grant. */
export interface Found<T> extends Artifact<T> {
  grant?: Grant
  /** When it was spent; absent while it is unspent. */
  consumedAt?: number
}

/** Names an artifact to spend. With `secretHash`, only if that is the stored one: the last check, in the spending statement itself. */
export interface Reference {
  kind: Kind<unknown>
  id: string
  secretHash?: string
}

export interface Consumption<T> {
  value: T
  /** True for exactly one caller, ever, on any node. */
  first: boolean
  consumedAt: number
}

export interface ConsumeOptions {
  now: number
  /** Stored in the same atomic step, if and only if this caller is the first. */
  yields?: readonly Artifact<unknown>[]
  /** Merged into the value of the spent record, member by member; none is undefined. */
  leaves?: Record<string, unknown>
  /** The spent record stays until then as a tombstone, so that a replay is visible. Default: until it would have expired. */
  retainUntil?: number
}

export interface ArtifactStore {
  /** False: the id is taken, which makes a `jti` or nonce a replay. An expired record still counts until it is purged. */
  insert<T>(artifact: Artifact<T>): Promise<boolean>
  /** With its grant, in the same statement. Expired = not there. */
  find<T>(kind: Kind<T>, id: string, now: number): Promise<Found<T> | undefined>
  /** The live, unspent ones of a kind, in the order of `id`, those after `after`. */
  list<T>(kind: Kind<T>, page: { limit: number; after?: string }, now: number): Promise<readonly Found<T>[]>
  /** Spends it, and in the same step stores what it paid for. Undefined: no such record, expired, or another secret. */
  consume<T>(reference: Reference & { kind: Kind<T> }, options: ConsumeOptions): Promise<Consumption<T> | undefined>
  /** Compare-and-set: merges `patch` into the value of an unspent record if each member of `where` has that value; none is undefined. */
  update<T>(kind: Kind<T>, id: string, patch: Partial<T>, where: Partial<T>, now: number): Promise<boolean>
  /** False: there was none. */
  delete(kind: Kind<unknown>, id: string): Promise<boolean>
}
