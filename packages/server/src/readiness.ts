import type { PostgresStore, SqliteStore } from '@grantor/sql'
import type { Logger } from 'pino'

/** Seconds. Lifetimes are compared with this node's clock, which must be that of the others. */
const MOST_SKEW = 30

/** Whether this node can answer: the store does, and says about the same time. */
export class Readiness {
  readonly #store: SqliteStore | PostgresStore
  readonly #now: () => number
  readonly #log: Logger
  #isAstray = false

  constructor(store: SqliteStore | PostgresStore, now: () => number, log: Logger) {
    this.#store = store
    this.#now = now
    this.#log = log
  }

  async check(): Promise<boolean> {
    try {
      const skew = this.#now() - (await this.#store.now())
      const isAstray = Math.abs(skew) > MOST_SKEW
      if (isAstray && !this.#isAstray) this.#log.error({ skew }, 'the clock of this node is not that of the database: it is not ready')
      this.#isAstray = isAstray
      return !isAstray
    } catch {
      return false
    }
  }
}
