import type { Artifact, Kind } from '../models/artifacts.ts'
import type { Client } from '../models/client.ts'
import { type Grant, isLive } from '../models/grant.ts'
import { ArtifactTable, type StoredArtifact } from './memory/artifact-table.ts'
import { byAge, GrantTable } from './memory/grant-table.ts'
import { type Expiring, Sweep } from './memory/sweep.ts'
import { checkStorable, checkStorableMembers } from './storable.ts'
import type { ArtifactStore, ClientStore, ConsumeOptions, Consumption, Found, GrantQuery, GrantStore, Reference, Store } from './store.ts'

/** One realm's tables. */
interface Tables {
  clients: Map<string, Client>
  grants: GrantTable
  artifacts: ArtifactTable
}

/** A store for tests and first steps: everything is in this process and gone with it. Records are replaced, never changed. */
export class MemoryStore implements Store {
  readonly durable = false
  readonly clients: ClientStore
  readonly grants: GrantStore
  readonly artifacts: ArtifactStore
  readonly #realms: Map<string, Tables>

  constructor({ clients = [] }: { clients?: readonly Client[] } = {}, realms: Map<string, Tables> = new Map(), realm = '') {
    this.#realms = realms
    const tables = realms.get(realm) ?? { clients: new Map(), grants: new GrantTable(), artifacts: new ArtifactTable() }
    realms.set(realm, tables)
    for (const client of clients) tables.clients.set(client.client_id, client)
    this.clients = new MemoryClients(tables)
    this.grants = new MemoryGrants(tables)
    this.artifacts = new MemoryArtifacts(tables)
  }

  realm(name: string): Store {
    return new MemoryStore({}, this.#realms, name)
  }

  async purge(now: number, limit: number): Promise<number> {
    let purged = 0
    for (const { artifacts, grants } of this.#realms.values()) {
      for (const table of [...artifacts.byKind(), grants] as Map<string, Expiring>[]) {
        for (const { id, expiresAt } of table.values()) {
          if (purged >= limit) return purged
          if (expiresAt !== undefined && expiresAt <= now && table.delete(id)) purged++
        }
      }
    }
    return purged
  }
}

class MemoryClients implements ClientStore {
  readonly #clients: Map<string, Client>

  constructor({ clients }: Tables) {
    this.#clients = clients
  }

  async find(clientId: string): Promise<Client | undefined> {
    return this.#clients.get(clientId)
  }

  async insert(client: Client): Promise<boolean> {
    if (this.#clients.has(client.client_id)) return false
    checkStorable(client)
    this.#clients.set(client.client_id, client)
    return true
  }

  async update(client: Client, replaced: Client): Promise<boolean> {
    if (JSON.stringify(this.#clients.get(client.client_id)) !== JSON.stringify(replaced)) return false
    this.#clients.set(client.client_id, client)
    return true
  }

  async delete(clientId: string): Promise<boolean> {
    return this.#clients.delete(clientId)
  }

  async list({ limit, after = '' }: { limit: number; after?: string }): Promise<readonly Client[]> {
    const ids = [...this.#clients.keys()].filter((id) => id > after).sort()
    return ids.slice(0, limit).map((id) => this.#clients.get(id) as Client)
  }
}

class MemoryGrants implements GrantStore {
  readonly #tables: Tables
  readonly #sweep: Sweep

  constructor(tables: Tables) {
    this.#tables = tables
    this.#sweep = new Sweep(tables.grants)
  }

  async insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void> {
    if (this.#tables.grants.has(grant.id)) throw new Error('the id of the grant is taken')
    checkStorable(grant)
    refuseTaken(this.#tables, yields)
    this.#tables.grants.set(grant.id, grant)
    for (const artifact of yields) this.#tables.artifacts.add(artifact, grant.createdAt)
    this.#sweep.step(grant.createdAt)
  }

  async find(id: string): Promise<Grant | undefined> {
    return this.#tables.grants.get(id)
  }

  async list(where: GrantQuery, now: number, limit = 100, { revoked } = { revoked: false }): Promise<readonly Grant[]> {
    const live: Grant[] = []
    for (const grant of this.#matching(where)) {
      if (isLive(revoked ? unrevoked(grant) : grant, now)) live.push(grant)
      // Those of a person come newest first.
      if (live.length === limit && where.subject !== undefined) return live
    }
    return live.sort((a, b) => byAge(b, a)).slice(0, limit)
  }

  async revoke(where: GrantQuery, now: number): Promise<number> {
    const matching = [...this.#matching(where)].filter(({ revokedAt }) => revokedAt === undefined)
    for (const grant of matching) this.#tables.grants.set(grant.id, { ...grant, revokedAt: now })
    return matching.length
  }

  *#matching({ id, clientId, subject, sessionId }: GrantQuery): Iterable<Grant> {
    if ((id ?? clientId ?? subject ?? sessionId) === undefined) throw new TypeError('a grant query names at least one member')
    const { grants } = this.#tables
    const byId = id === undefined ? undefined : grants.get(id)
    const several = () => (subject === undefined ? grants.values() : grants.newestOf(subject))
    for (const grant of id === undefined ? several() : byId ? [byId] : []) {
      if (clientId !== undefined && grant.clientId !== clientId) continue
      if (subject !== undefined && grant.subject !== subject) continue
      if (sessionId !== undefined && grant.sessionId !== sessionId) continue
      yield grant
    }
  }
}

class MemoryArtifacts implements ArtifactStore {
  readonly #tables: Tables
  #latest = 0

  constructor(tables: Tables) {
    this.#tables = tables
  }

  async insert<T>(artifact: Artifact<T>): Promise<boolean> {
    const { artifacts } = this.#tables
    // One that has expired gives way: nothing else of its kind may come that would sweep it away.
    if (this.#live(artifact.kind, artifact.id, this.#latest)) return false
    checkStorable(artifact)
    artifacts.add(artifact, this.#latest)
    return true
  }

  async find<T>(kind: Kind<T>, id: string, now: number): Promise<Found<T> | undefined> {
    const artifact = this.#live(kind, id, now) as (StoredArtifact & Artifact<T>) | undefined
    const grant = artifact?.grantId === undefined ? undefined : this.#tables.grants.get(artifact.grantId)
    return artifact && grant ? { ...artifact, grant } : artifact
  }

  async list<T>(kind: Kind<T>, { limit, after = '' }: { limit: number; after?: string }, now: number): Promise<readonly Found<T>[]> {
    const found: Found<T>[] = []
    for (const { id, consumedAt } of this.#tables.artifacts.ofKind(kind)) {
      const live = id > after && consumedAt === undefined ? await this.find(kind, id, now) : undefined
      if (live) found.push(live)
    }
    return found.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
  }

  async consume<T>(
    reference: Reference & { kind: Kind<T> },
    { now, yields = [], leaves = {}, retainUntil }: ConsumeOptions
  ): Promise<Consumption<T> | undefined> {
    const artifact = this.#live(reference.kind, reference.id, now)
    if (!artifact || (reference.secretHash !== undefined && reference.secretHash !== artifact.secretHash)) return undefined
    if (artifact.consumedAt !== undefined) return { value: artifact.value as T, first: false, consumedAt: artifact.consumedAt }
    refuseTaken(this.#tables, yields)
    checkStorableMembers(leaves)
    const value = { ...(artifact.value as object), ...leaves }
    this.#tables.artifacts.replace({ ...artifact, value, consumedAt: now, expiresAt: retainUntil ?? artifact.expiresAt })
    for (const one of yields) this.#tables.artifacts.add(one, this.#latest)
    return { value: value as T, first: true, consumedAt: now }
  }

  async update<T>(kind: Kind<T>, id: string, patch: Partial<T>, where: Partial<T>, now: number): Promise<boolean> {
    checkStorableMembers(patch)
    checkStorableMembers(where)
    const artifact = this.#live(kind, id, now)
    if (!artifact || artifact.consumedAt !== undefined) return false
    const value = artifact.value as Record<string, unknown>
    if (!Object.entries(where).every(([name, expected]) => JSON.stringify(value[name]) === JSON.stringify(expected))) return false
    this.#tables.artifacts.replace({ ...artifact, value: { ...value, ...patch } })
    return true
  }

  async delete(kind: Kind<unknown>, id: string): Promise<boolean> {
    return this.#tables.artifacts.delete(kind, id)
  }

  #live(kind: string, id: string, now: number): StoredArtifact | undefined {
    this.#latest = Math.max(this.#latest, now)
    const artifact = this.#tables.artifacts.get(kind, id)
    return artifact && now < artifact.expiresAt ? artifact : undefined
  }
}

/** Before anything is stored: all of it, or nothing. */
function refuseTaken({ artifacts }: Tables, yields: readonly Artifact<unknown>[]): void {
  checkStorable(yields)
  if (yields.some(({ kind, id }) => artifacts.get(kind, id))) throw new Error('the id of an artifact is taken')
}

function unrevoked({ revokedAt: _, ...grant }: Grant): Grant {
  return grant
}
