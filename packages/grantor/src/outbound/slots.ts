/** Lets so many requests run at once, in all and to one origin; the others wait in the order in which they came. */
export class Slots {
  readonly #limit: number
  readonly #originLimit: number
  readonly #running = new Map<string, number>()
  readonly #waiting = new Set<{ origin: string; start: () => void }>()
  #total = 0

  constructor(limit: number, originLimit: number) {
    this.#limit = limit
    this.#originLimit = originLimit
  }

  /** Resolves when it may begin, with the function that says that it has ended. Rejects with the reason of the signal. */
  async take(origin: string, signal: AbortSignal): Promise<() => void> {
    if (!this.#isFree(origin)) await this.#turn(origin, signal)
    else this.#count(origin, 1)
    return () => {
      this.#count(origin, -1)
      this.#startNext()
    }
  }

  #turn(origin: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { origin, start: resolve }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', () => {
        this.#waiting.delete(waiter)
        reject(signal.reason)
      })
    })
  }

  /** One has ended, so at most one can begin. */
  #startNext(): void {
    for (const waiter of this.#waiting) {
      if (!this.#isFree(waiter.origin)) continue
      this.#waiting.delete(waiter)
      // Counted here, not when the waiter goes on: nobody may come in between.
      this.#count(waiter.origin, 1)
      waiter.start()
      return
    }
  }

  #isFree(origin: string): boolean {
    return this.#total < this.#limit && (this.#running.get(origin) ?? 0) < this.#originLimit
  }

  #count(origin: string, step: 1 | -1): void {
    this.#total += step
    const running = (this.#running.get(origin) ?? 0) + step
    if (running === 0) this.#running.delete(origin)
    else this.#running.set(origin, running)
  }
}
