import type { Kind, Store } from 'grantor'

interface LeaseRecord {
  /** Grows with every holder. */
  token: number
  /** Seconds since the epoch. */
  until: number
}

const LEASE: Kind<LeaseRecord> = 'lease'
/** Seconds; the record outlives every holder. */
const RECORD_LIFETIME = 10 * 365 * 86_400

/** Something that one of several nodes does at a time. Whoever was paused beyond its time finds that the token has grown and stops. */
export class Lease {
  readonly #store: Store
  readonly #name: string
  readonly #now: () => Promise<number>
  #held: LeaseRecord | undefined

  /** @param now the clock that all nodes share */
  constructor(store: Store, name: string, now: () => Promise<number>) {
    this.#store = store
    this.#name = name
    this.#now = now
  }

  /** Takes or prolongs the lease for so many seconds. False: another node has it. */
  async hold(seconds: number): Promise<boolean> {
    const now = await this.#now()
    const until = now + seconds
    const known = this.#held ?? (await this.#store.artifacts.find(LEASE, this.#name, now))?.value
    if (!known) {
      this.#held = { token: 1, until }
      const first = await this.#store.artifacts.insert({ kind: LEASE, id: this.#name, value: this.#held, expiresAt: now + RECORD_LIFETIME })
      return first || this.#lost()
    }
    if (!this.#held && known.until > now) return false
    const next = { token: this.#held ? known.token : known.token + 1, until }
    const changed = await this.#store.artifacts.update(LEASE, this.#name, next, { token: known.token, until: known.until }, now)
    this.#held = changed ? next : undefined
    return changed
  }

  /** Lets the next node begin at once. */
  async release(): Promise<void> {
    if (!this.#held) return
    const { token, until } = this.#held
    this.#held = undefined
    await this.#store.artifacts.update(LEASE, this.#name, { until: 0 }, { token, until }, await this.#now())
  }

  #lost(): false {
    this.#held = undefined
    return false
  }
}
