import { setTimeout } from 'node:timers/promises'
import type { Store } from 'grantor'
import { Lease } from './lease.ts'

/** Rows in one transaction: as many as are deleted within the time that the store gives a batch, and no more than MOST. */
const FEWEST = 20
const MOST = 1_000
/** Seconds. */
const LEASE_TIME = 30
/** Milliseconds between two looks at the lease. */
const RENEWAL = 2_000

/** What a purge did. */
export interface PurgeReport {
  deleted: number
  batches: number
  /** Milliseconds of the longest batch. */
  longest: number
  /** Seconds since the oldest record that is left has expired; 0 if none has. */
  lag: number
}

/** A store that can say what it has not purged yet. */
interface PurgedStore extends Store {
  now(): Promise<number>
  oldestExpiry(): Promise<number | undefined>
  readonly purgePace: { batch: number; rest: number }
}

/** Deletes what has expired: one node at a time, in small batches, until nothing is left. */
export class Purge {
  readonly #store: PurgedStore
  readonly #now: () => number
  readonly #lease: Lease

  constructor(store: PurgedStore, now: () => number) {
    this.#store = store
    this.#now = now
    this.#lease = new Lease(store, 'purge', () => store.now())
  }

  /** @returns undefined if another node is at it */
  async run(isClosing: () => boolean = () => false): Promise<PurgeReport | undefined> {
    const report: PurgeReport = { deleted: 0, batches: 0, longest: 0, lag: 0 }
    try {
      return (await this.#delete(report, isClosing)) ? await this.#withLag(report) : undefined
    } finally {
      // If this fails too, the lease runs out.
      await this.#lease.release().catch(() => {})
    }
  }

  /** Whoever slept through its lease deletes one batch more, of what has expired all the same. @returns false if another node was at it */
  async #delete(report: PurgeReport, isClosing: () => boolean): Promise<boolean> {
    const { batch, rest } = this.#store.purgePace
    let limit = FEWEST
    let renewal = Number.NEGATIVE_INFINITY
    for (let left = true; left && !isClosing(); ) {
      if (performance.now() > renewal) {
        if (!(await this.#lease.hold(LEASE_TIME))) return report.batches > 0
        renewal = performance.now() + RENEWAL
      }
      const expiry = await this.#expiry()
      const start = performance.now()
      const deleted = await this.#store.purge(expiry, limit)
      const time = performance.now() - start
      report.longest = Math.max(report.longest, Math.round(time))
      report.deleted += deleted
      report.batches++
      left = deleted === limit
      limit = Math.round(Math.min(MOST, Math.max(FEWEST, (limit * batch) / time, limit / 2), limit * 2))
      // Requests come first.
      if (left) await setTimeout(rest * time)
    }
    return true
  }

  /** A clock that runs ahead deletes nothing that is alive to the others. */
  async #expiry(): Promise<number> {
    return Math.min(this.#now(), await this.#store.now())
  }

  async #withLag(report: PurgeReport): Promise<PurgeReport> {
    const now = this.#now()
    return { ...report, lag: Math.max(0, now - ((await this.#store.oldestExpiry()) ?? now)) }
  }
}
