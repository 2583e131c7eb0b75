import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite'
import { ConfigurationError, TemporarilyUnavailableError } from 'grantor'
import type { Database } from './database.ts'
import { areStorable, type Row, unstorable, type Value } from './rows.ts'
import { stepsBetween, versionOf } from './schema.ts'

export interface SqliteOptions {
  path: string
  /** Milliseconds to wait for another process's transaction, while reads go on. Default 1000. */
  busyTimeout?: number
}

const SQLITE_BUSY = 5
/** Milliseconds. Nothing else is done in this process meanwhile. */
const OPEN_TIMEOUT = 5000
/** Milliseconds between two attempts to write, at most: often enough to find the gaps of a process that writes all the time. */
const BUSY_RETRY = 5
/** KiB, taken only as far as the file fills it: the upper pages of every index stay in memory up to tens of millions of rows. */
const CACHE = 65_536
/** Milliseconds. */
const WAL_RETRY = 10

interface Job {
  run(): unknown
  writes: boolean
  /** When whoever waits gives up, in milliseconds of `performance.now()`. */
  deadline: number
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * One SQLite file. All operations that wait in the same tick share one transaction, and each is answered only after its commit: with
 * synchronous=FULL that is eleven times as fast under load, and one tick slower when idle.
 */
export class SqliteDatabase implements Database {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** There is one writer at a time whoever asks. */
  readonly bulk: Database = this
  readonly #busyTimeout: number
  // While something is in it a flush is due.
  #queue: Job[] = []
  #closed = false

  /** @throws ConfigurationError if the file cannot be opened or is not a database. */
  constructor({ path, busyTimeout = 1000 }: SqliteOptions) {
    this.#busyTimeout = busyTimeout
    try {
      // The data is nobody else's; SQLite gives the WAL the mode of the file.
      if (path !== ':memory:' && !existsSync(path)) closeSync(openSync(path, 'a', 0o600))
      if (path !== ':memory:') chmodSync(path, 0o600)
      this.#database = new DatabaseSync(path, { timeout: OPEN_TIMEOUT })
      this.#useWal(OPEN_TIMEOUT)
      this.#database.exec(`PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE}; PRAGMA busy_timeout = 0`)
    } catch (cause) {
      if (cause instanceof ConfigurationError) throw cause
      throw new ConfigurationError(`cannot use ${path} as the database: ${(cause as Error).message}`, { cause })
    }
  }

  /** Runs `operation` in the tick's transaction. What it throws undoes what it did, and nothing else. */
  run<T>(
    operation: (query: (sql: string, ...values: Value[]) => Row[], execute: (sql: string, ...values: Value[]) => number) => T,
    { writes = true } = {}
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new TemporarilyUnavailableError('the store is closed'))
    return new Promise((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.#flush())
      const deadline = performance.now() + this.#busyTimeout
      const run = () => operation(this.#query, this.#execute)
      this.#queue.push({ run, writes, deadline, resolve: resolve as (value: unknown) => void, reject })
    })
  }

  read(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.run((query) => query(sql, ...values), { writes: false })
  }

  write(sql: string, ...values: Value[]): Promise<number> {
    return this.run((_, execute) => execute(sql, ...values))
  }

  /** Finishes what waits, unless another process is in the way, and closes the file. */
  close(): void {
    if (this.#closed) return
    this.#flush()
    for (const job of this.#queue.splice(0)) job.reject(new TemporarilyUnavailableError('the store is closed'))
    this.#closed = true
    this.#database.close()
  }

  // `all`, not `get`: an UPDATE … RETURNING by `get` outside a transaction never lets the WAL be checkpointed.
  readonly #query = (sql: string, ...values: Value[]): Row[] => (areStorable(values) ? (this.#prepare(sql).all(...values) as Row[]) : [])
  readonly #execute = (sql: string, ...values: Value[]): number => {
    if (!areStorable(values)) throw unstorable()
    return Number(this.#prepare(sql).run(...values).changes)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #flush(): void {
    const jobs = this.#queue
    this.#queue = []
    if (jobs.length === 0) return
    // IMMEDIATE: a transaction that first reads and then wants to write could wait for itself.
    const busy = this.#transact(jobs.some((job) => job.writes) ? 'BEGIN IMMEDIATE' : 'BEGIN', jobs)
    if (!busy) return
    // Readers need no lock.
    const readers = jobs.filter((job) => !job.writes)
    const waiting = this.#transact('BEGIN', readers) ? jobs : jobs.filter((job) => job.writes)
    const now = performance.now()
    const error = new TemporarilyUnavailableError('the store is busy', { cause: busy, retryAfter: 1 })
    for (const job of waiting) if (job.deadline <= now) job.reject(error)
    this.#queue = waiting.filter((job) => job.deadline > now)
    if (this.#queue.length > 0) setTimeout(() => this.#flush(), Math.random() * BUSY_RETRY)
  }

  /** Answers all of them, or none and returns the error if another process has the lock. */
  #transact(begin: string, jobs: readonly Job[]): unknown {
    const settled: (() => void)[] = []
    try {
      this.#database.exec(begin)
      for (const job of jobs) settled.push(this.#settle(job))
      this.#database.exec('COMMIT')
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      if (isBusy(cause)) return cause
      const error = new TemporarilyUnavailableError('the store cannot answer', { cause, retryAfter: 1 })
      for (const job of jobs) job.reject(error)
      return undefined
    }
    for (const settle of settled) settle()
    return undefined
  }

  #settle(job: Job): () => void {
    if (job.writes) this.#database.exec('SAVEPOINT job')
    try {
      const value = job.run()
      if (job.writes) this.#database.exec('RELEASE job')
      return () => job.resolve(value)
    } catch (error) {
      // A full disk or a broken file ends the whole transaction; whoever called learns that nothing was stored.
      if (!this.#database.isTransaction || isBusy(error)) throw error
      if (job.writes) this.#database.exec('ROLLBACK TO job; RELEASE job')
      return () => job.reject(error)
    }
  }

  /** SQLite does not wait for the lock that this needs: two processes that make the same file at once would refuse each other. */
  #useWal(patience: number): void {
    for (let waited = 0; ; waited += WAL_RETRY) {
      try {
        this.#database.exec('PRAGMA journal_mode = WAL')
        return
      } catch (error) {
        if (!isBusy(error) || waited >= patience) throw error
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_RETRY)
      }
    }
  }

  /** Copies the file while it is in use, to a file that is whole by itself, and nobody else's. @throws ConfigurationError if it cannot be written */
  async backup(path: string): Promise<void> {
    try {
      closeSync(openSync(path, 'a', 0o600))
      chmodSync(path, 0o600)
      await backup(this.#database, path)
    } catch (cause) {
      throw new ConfigurationError(`cannot write the copy ${path}: ${(cause as Error).message}`, { cause })
    }
  }

  get schemaVersion(): number {
    return this.#patiently(() => versionOf(this.#storedVersion))
  }

  get #storedVersion(): number {
    return Number((this.#database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version)
  }

  /** One process does it: the write lock is a lease that dies with its holder. @throws ConfigurationError if the schema is newer than the code. */
  migrate(target: number): void {
    this.#patiently(() => {
      if (stepsBetween(this.#storedVersion, target).length > 0) this.#migrate(target)
    })
  }

  /** Waits for other processes, as is right before anybody is served. The last to close a file locks even its readers out. */
  #patiently<T>(work: () => T): T {
    this.#database.exec(`PRAGMA busy_timeout = ${OPEN_TIMEOUT}`)
    try {
      return work()
    } finally {
      this.#database.exec('PRAGMA busy_timeout = 0')
    }
  }

  #migrate(target: number): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const { stored, statements } of stepsBetween(this.#storedVersion, target)) {
        for (const statement of statements) this.#database.exec(statement)
        this.#database.exec(`PRAGMA user_version = ${stored}`)
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }
}

function isBusy(error: unknown): boolean {
  // The lower byte says what, the others say why.
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
}
