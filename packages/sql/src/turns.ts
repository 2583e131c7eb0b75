import { TemporarilyUnavailableError } from 'grantor'

/** So many at a time. Who comes later waits for a turn, in order, and no longer than `patience` milliseconds. */
export class Turns {
  #free: number
  readonly #patience: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number, patience: number) {
    this.#free = count
    this.#patience = patience
  }

  /** @throws TemporarilyUnavailableError if there was no turn in time. */
  async with<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#wait()
    try {
      return await work()
    } finally {
      const [next] = this.#waiting
      if (next) next()
      else this.#free++
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        this.#waiting.delete(begin)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(begin)
        reject(new TemporarilyUnavailableError('the store is busy', { retryAfter: 1 }))
      }, this.#patience)
      this.#waiting.add(begin)
    })
  }
}
