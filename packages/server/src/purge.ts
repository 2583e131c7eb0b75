import { setImmediate } from 'node:timers/promises'
import type { Store } from 'grantor'
import { Lease } from './lease.ts'

/** Rows in one transaction: few enough that nobody waits for it. */
const BATCH = 500
/** Seconds. */
const LEASE_TIME = 60
/** Batches between two looks at the lease. */
const RENEWAL = 50

/** What a purge did. */
export interface PurgeReport {
  deleted: number
  batches: number
  /** Milliseconds of the longest batch. */
  longest: number
}

/** Deletes what has expired: one node at a time, in small batches, until nothing is left. */
export class Purge {
  readonly #store: Store
  readonly #now: () => number
  readonly #lease: Lease

  constructor(store: Store, now: () => number) {
    this.#store = store
    this.#now = now
    this.#lease = new Lease(store, 'purge', now)
  }

  /** @returns undefined if another node is at it */
  async run(isClosing: () => boolean = () => false): Promise<PurgeReport | undefined> {
    const report: PurgeReport = { deleted: 0, batches: 0, longest: 0 }
    for (let left = true; left && !isClosing(); ) {
      if (report.batches % RENEWAL === 0 && !(await this.#lease.hold(LEASE_TIME))) return report.batches > 0 ? report : undefined
      const start = performance.now()
      const deleted = await this.#store.purge(this.#now(), BATCH)
      report.longest = Math.max(report.longest, Math.round(performance.now() - start))
      report.deleted += deleted
      report.batches++
      left = deleted === BATCH
      // Requests that waited come first.
      await setImmediate()
    }
    await this.#lease.release()
    return report
  }
}
