import type { AuthorizationServer, Store } from 'grantor'
import type { Logger } from 'pino'
import { Lease } from './lease.ts'

/** Milliseconds. */
const INTERVAL = 5_000
/** Seconds: when the node that was at it died, another begins after so long. */
const LEASE_TIME = 15

/** What is due without a request, such as telling applications of a sign-out again: looked for by one node at a time. */
export class Maintenance {
  readonly #server: AuthorizationServer
  readonly #log: Logger
  readonly #lease: Lease
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(server: AuthorizationServer, store: Store & { now(): Promise<number> }, log: Logger) {
    this.#server = server
    this.#log = log
    this.#lease = new Lease(store, 'maintenance', () => store.now())
  }

  /** Begins now, and goes on every few seconds. */
  start(): void {
    void this.run()
    this.#timer = setInterval(() => void this.run(), INTERVAL).unref()
  }

  /** Ends when what this node has in hand was tried, and leaves the rest to others at once. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
    await this.#attempt(() => this.#server.maintain())
    await this.#attempt(() => this.#lease.release())
  }

  /** Once, if no other node is at it. */
  run(): Promise<void> {
    this.#running ??= this.#attempt(async () => {
      if (await this.#lease.hold(LEASE_TIME)) await this.#server.maintain()
    }).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => this.#log.warn({ error }, 'maintenance failed; it is tried again'))
  }
}
