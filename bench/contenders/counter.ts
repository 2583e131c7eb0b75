/** Counts what goes to a store: calls, each a round trip if there were a database, and bytes of JSON in those that write. */
export class Counter {
  calls = 0
  written = 0
  readonly #isOn: boolean

  constructor(isOn: boolean) {
    this.#isOn = isOn
  }

  /** The same object, whose methods are counted; `reads` matches the names of those that write nothing. */
  count<T extends object>(store: T, reads: RegExp): T {
    if (!this.#isOn) return store
    return new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          this.calls++
          if (!reads.test(String(name))) this.written += JSON.stringify(args).length
          return value.apply(target, args)
        }
      }
    })
  }
}
