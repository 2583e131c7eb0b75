import type { ServerContext } from './context.ts'
import type { Kind } from './models/artifacts.ts'

/** What must be sent to somebody, until it arrived or could not. */
export interface Delivery {
  /** How often it was tried. */
  attempts: number
  /** When it may be tried, or tried again, in seconds since the epoch. */
  dueAt: number
  /** Why the last attempt failed. */
  failure?: string
}

/** How deliveries of one kind are sent. */
export interface Carrier<T extends Delivery> {
  kind: Kind<T>
  /** Seconds from one attempt to the next, each at least `MIN_RETRY`; then no other is made. */
  retryAfter: readonly number[]
  /** Undefined: it arrived. Otherwise why it did not. */
  send(delivery: T, id: string): Promise<string | undefined>
  /** Whether the same again would fare no better. */
  isFinal(failure: string): boolean
  /** Tells what came of an attempt. `retryAt` in seconds since the epoch; absent after a failure: that was the last. */
  tell(delivery: T, outcome: { attempts: number; failure?: string; retryAt?: number }): void
}

export type WaitingDelivery<T extends Delivery> = { id: string; value: T }

const CONCURRENCY = 16
const PAGE = 200
/** Seconds: longer than an attempt takes, so that none begins while another node is at it. */
export const MIN_RETRY = 30

/** What is stored is sent, by one node at a time, until it arrived or was tried often enough. */
export class Outbox<T extends Delivery> {
  readonly #server: ServerContext
  readonly #carrier: Carrier<T>
  readonly #waiting: WaitingDelivery<T>[] = []
  readonly #workers = new Set<Promise<void>>()
  /** Nothing is due before, as far as this node has seen. */
  #quietUntil = 0

  constructor(server: ServerContext, carrier: Carrier<T>) {
    this.#server = server
    this.#carrier = carrier
  }

  /** Stores it, to be sent once it is due. Undefined: one of that id is there. `remembered`: seconds for which it is beyond when its last attempt is due. */
  async put(id: string, value: T, remembered: number): Promise<WaitingDelivery<T> | undefined> {
    const { kind, retryAfter } = this.#carrier
    const expiresAt = value.dueAt + retryAfter.reduce((sum, wait) => sum + wait, remembered)
    return (await this.#server.store.artifacts.insert({ kind, id, value, expiresAt })) ? { id, value } : undefined
  }

  /** Takes back what need not be sent. */
  async drop(id: string): Promise<void> {
    await this.#server.store.artifacts.delete(this.#carrier.kind, id)
  }

  /** Sends them, due or not, and waits for none of the answers. */
  start(deliveries: readonly WaitingDelivery<T>[]): void {
    this.#waiting.push(...deliveries)
    while (this.#workers.size < CONCURRENCY && this.#waiting.length > 0) {
      const worker: Promise<void> = this.#work().finally(() => this.#workers.delete(worker))
      this.#workers.add(worker)
    }
  }

  /** Sends what is due; resolves when all that this node has in hand was tried. */
  async resume(): Promise<void> {
    const quiet = this.#quietUntil - this.#server.now()
    // A clock that was turned back must not make it quiet for longer.
    if (this.#waiting.length === 0 && (quiet <= 0 || quiet > MIN_RETRY)) await this.#sendDue()
    await Promise.all(this.#workers)
  }

  /** Page by page, so that an outage of many addressees fills no memory. What other nodes add meanwhile, they try first themselves. */
  async #sendDue(): Promise<void> {
    const now = this.#server.now()
    let next = now + MIN_RETRY
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: readonly WaitingDelivery<T>[] = await this.#server.store.artifacts.list(this.#carrier.kind, { limit: PAGE, after }, now)
      this.start(page.filter(({ value }) => value.dueAt <= now))
      await Promise.all(this.#workers)
      next = Math.min(next, ...page.map(({ value }) => value.dueAt).filter((dueAt) => dueAt > now))
      after = page.length < PAGE ? undefined : page.at(-1)?.id
    }
    this.#quietUntil = next
  }

  async #work(): Promise<void> {
    // What the store could not be told stays due.
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#deliver(next).catch(() => undefined)
  }

  /** Compare-and-set of when it is due: of all nodes that find it so, one sends it. */
  async #deliver({ id, value }: WaitingDelivery<T>): Promise<void> {
    const { artifacts } = this.#server.store
    const { kind, retryAfter } = this.#carrier
    const now = this.#server.now()
    // Due again after the last attempt: the node that made it died in it.
    const isOver = value.attempts > retryAfter.length
    const attempts = isOver ? value.attempts : value.attempts + 1
    const wait = retryAfter[value.attempts]
    const retryAt = now + (wait ?? MIN_RETRY)
    const { attempts: before, dueAt } = value
    if (!(await this.#update(id, { attempts, dueAt: retryAt }, { attempts: before, dueAt }))) return
    const failure = isOver ? 'interrupted' : await this.#carrier.send(value, id)
    if (failure === undefined) {
      await artifacts.consume({ kind, id }, { now })
      return this.#carrier.tell(value, { attempts })
    }
    const isLast = wait === undefined || this.#carrier.isFinal(failure)
    if (isLast) await artifacts.consume({ kind, id }, { now, leaves: { failure } })
    else await this.#update(id, { failure }, { attempts })
    this.#carrier.tell(value, { attempts, failure, ...(!isLast && { retryAt }) })
  }

  #update(id: string, patch: Partial<Delivery>, where: Partial<Delivery>): Promise<boolean> {
    const kind: Kind<Delivery> = this.#carrier.kind
    return this.#server.store.artifacts.update(kind, id, patch, where, this.#server.now())
  }
}
