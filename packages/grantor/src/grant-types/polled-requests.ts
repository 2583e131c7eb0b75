import type { JudgedRequest, ServerContext } from '../context.ts'
import type { Kind } from '../models/artifacts.ts'
import type { Client } from '../models/client.ts'
import type { Grant } from '../models/grant.ts'
import type { Found } from '../stores/store.ts'

/** Seconds for which an expired request is remembered: its client is told so, and not that there never was one. */
const REMEMBERED = 300
/** RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests". */
const SLOWER = 5
const NOBODY = ''

/**
 * A request that a person decides elsewhere, while its client asks again and again whether they did (RFC 8628 §3.4). `about`: what the page
 * for them shows besides. Times in seconds since the epoch.
 */
export interface PolledRequest<A> extends JudgedRequest {
  client_id: string
  about: A
  /** It leaves `pending` once. */
  status: 'pending' | 'approved' | 'denied'
  createdAt: number
  /** The record outlives it. */
  usableUntil: number
  /** Seconds that the client must wait from one poll to the next. */
  interval: number
  /** 0: the client has not asked yet. */
  polledAt: number
  /** Who alone may decide it, such as a browser session or a person; empty: nobody yet. */
  claimedBy: string
  /** What was allowed, once it is approved. */
  grantId?: string
}

export type FoundPolledRequest<A> = Found<PolledRequest<A>>

/** Who allowed what, and how they proved who they are. */
export type Approval = Pick<Grant, 'subject' | 'scope' | 'authTime' | 'acr' | 'amr'>

/** The requests of one kind that clients poll for. Each step from one state to the next is one compare-and-set, so that it happens once on all nodes. */
export class PolledRequests<A> {
  readonly kind: Kind<PolledRequest<A>>
  readonly #server: ServerContext

  constructor(server: ServerContext, kind: Kind<PolledRequest<A>>) {
    this.#server = server
    this.kind = kind
  }

  /**
   * @returns the token that the client polls with, and the id of the record. `lifetime` and `interval` in seconds; `claimedBy`: who alone may
   * decide it, where that is known from the start.
   */
  async add(
    client: Client,
    {
      scope,
      details,
      about,
      lifetime,
      interval,
      claimedBy = NOBODY
    }: JudgedRequest & { about: A; lifetime: number; interval: number; claimedBy?: string }
  ): Promise<{ token: string; id: string; expiresAt: number }> {
    const now = this.#server.now()
    const { token, id, secretHash } = await this.#server.opaque.mint(this.kind)
    const usableUntil = now + lifetime
    const value: PolledRequest<A> = {
      ...{ client_id: client.client_id, scope, details, about, interval, usableUntil },
      ...{ status: 'pending', createdAt: now, polledAt: 0, claimedBy }
    }
    const expiresAt = usableUntil + REMEMBERED
    await this.#server.store.artifacts.insert({ kind: this.kind, id, secretHash, value, expiresAt })
    return { token, id, expiresAt }
  }

  /** What a client polls for with this token, in whatever state. Undefined: malformed, unknown, or long expired. */
  findByToken(token: string): Promise<FoundPolledRequest<A> | undefined> {
    return this.#server.opaque.find(this.kind, token)
  }

  find(id: string): Promise<FoundPolledRequest<A> | undefined> {
    return this.#server.store.artifacts.find(this.kind, id, this.#server.now())
  }

  /** Whether somebody may still decide it. */
  isOpen({ value, consumedAt }: FoundPolledRequest<A>): boolean {
    return consumedAt === undefined && value.status === 'pending' && this.#server.now() < value.usableUntil
  }

  /** Notes that the client asked. False: it asked too soon, and must wait longer from now on. */
  async poll(found: FoundPolledRequest<A>): Promise<boolean> {
    const now = this.#server.now()
    for (let current: FoundPolledRequest<A> | undefined = found; current; current = await this.find(found.id)) {
      const { polledAt, interval } = current.value
      const isSoon = now - polledAt < interval
      const patch = { polledAt: now, ...(isSoon && { interval: interval + SLOWER }) }
      if (await this.#server.store.artifacts.update(this.kind, found.id, patch, { polledAt, interval }, now)) return !isSoon
      if (current.consumedAt !== undefined) break
    }
    return true
  }

  /** Whoever comes first decides. @returns the request as theirs; undefined: it is somebody else's. */
  async claim(found: FoundPolledRequest<A>, by: string): Promise<FoundPolledRequest<A> | undefined> {
    const patch = { claimedBy: by }
    const where = { claimedBy: NOBODY }
    const { artifacts } = this.#server.store
    if (found.value.claimedBy === NOBODY) await artifacts.update(this.kind, found.id, patch, where, this.#server.now())
    const claimed = await this.find(found.id)
    return claimed?.value.claimedBy === by ? claimed : undefined
  }

  /** Makes the grant that the client's next poll redeems. False: it was decided before, in whatever way, or is too old. */
  async approve(found: FoundPolledRequest<A>, approval: Approval, requestId?: string): Promise<boolean> {
    if (!this.isOpen(found)) return false
    const { grants } = this.#server.store
    const grant = await this.#grant(found.value, approval)
    // In this order: nobody can poll for a grant that is not there, and one that nobody polls for gives nothing.
    await grants.insert(grant, [])
    if (await this.#decide(found, { status: 'approved', grantId: grant.id })) {
      this.#tell(found, { outcome: 'approved', subject: grant.subject, grantId: grant.id }, requestId)
      return true
    }
    await grants.revoke({ id: grant.id }, this.#server.now())
    return false
  }

  /** False: it was decided before, in whatever way, or is too old. */
  async deny(found: FoundPolledRequest<A>, subject: string, requestId?: string): Promise<boolean> {
    const isFirst = await this.#decide(found, { status: 'denied' })
    if (isFirst) this.#tell(found, { outcome: 'denied', subject }, requestId)
    return isFirst
  }

  async #decide(found: FoundPolledRequest<A>, patch: Pick<PolledRequest<A>, 'status' | 'grantId'>): Promise<boolean> {
    const { artifacts } = this.#server.store
    const where = { status: 'pending', claimedBy: found.value.claimedBy } as const
    return this.isOpen(found) && artifacts.update(this.kind, found.id, patch, where, this.#server.now())
  }

  async #grant({ client_id: clientId, details }: PolledRequest<A>, approval: Approval): Promise<Grant> {
    const client = await this.#server.clients.find(clientId)
    const createdAt = this.#server.now()
    const { grantLifetime } = client ? this.#server.policy(client) : this.#server.settings
    // Without the browser's session: it is not where the client is, and its end is not the client's.
    return {
      ...{ id: this.#server.identifier(), clientId, ...approval, createdAt, expiresAt: createdAt + grantLifetime },
      ...(Object.keys(details).length > 0 && { details })
    }
  }

  #tell(
    { value }: FoundPolledRequest<A>,
    outcome: { outcome: 'approved' | 'denied'; subject: string; grantId?: string },
    requestId?: string
  ): void {
    this.#server.emit('authorization.decided', { clientId: value.client_id, kind: this.kind, ...outcome }, requestId)
  }
}
