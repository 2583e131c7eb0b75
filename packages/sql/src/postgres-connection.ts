import pg from 'pg'
import type { Row } from './rows.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** Pipelined connections; each carries many statements at once. Default 4. Two more are for what takes long. */
  connections?: number
  /** False behind a pooler that does not know named statements. Default true. */
  preparedStatements?: boolean
  /** Milliseconds until a statement without an answer fails. Default 3000. The database gives up after two thirds, for a lock after one. */
  timeout?: number
}

/** Milliseconds to wait for a connection. */
const CONNECT_TIMEOUT = 1000
/** Milliseconds that a connection has to finish what is under way. */
const GOODBYE = 1000
/** What PgBouncer says to a setting that it cannot keep for one of its clients. */
const REFUSED_SETTING = /unsupported startup parameter: (?:statement|lock)_timeout/
/** Milliseconds after a failed attempt in which nobody tries again; each waits for a random part of it more. */
const BACKOFF = 100
// The database shuts down, has no room, or no longer takes writes (a primary that was demoted): another connection may lead to one that can.
const LEAVE = /^(?:08|53|57P|25006)/
// It no longer has the statements that were prepared on this connection, or has others by their names.
const FORGOTTEN = /^(?:26000|42P05)/
const INT8 = 20

// Times are seconds and fit a number.
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'))
} as pg.CustomTypesConfig

/** One pipelined connection that is made when it is needed, and made anew when it broke. */
export class PostgresConnection {
  readonly #options: PostgresOptions
  readonly #leaving = new Set<Promise<void>>()
  #client: Promise<pg.Client> | undefined
  #since = 0
  #failure: { error: unknown; until: number } | undefined
  #underWay = 0
  #closed = false

  constructor(options: PostgresOptions) {
    this.#options = options
  }

  /** How many statements it has not answered yet. */
  get underWay(): number {
    return this.#underWay
  }

  async query(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    if (this.#closed) throw new Error('the store is closed')
    this.#client ??= this.#open()
    const attempt = this.#client
    this.#underWay++
    try {
      return await (await attempt).query<Row>(query)
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
      if (FORGOTTEN.test(code) || (LEAVE.test(code) && performance.now() - this.#since > BACKOFF)) this.#leave(attempt)
      throw error
    } finally {
      this.#underWay--
    }
  }

  /** Waits for what is under way, but not for a database that does not answer. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#client) this.#leave(this.#client)
    await Promise.all(this.#leaving)
  }

  /** Each client is forgotten for itself: the late end of one that broke must not lose the one after it. */
  #open(): Promise<pg.Client> {
    const attempt = this.#connect()
    const leave = () => this.#leave(attempt)
    attempt.then((client) => client.once('error', leave).once('end', leave), leave)
    return attempt
  }

  #leave(attempt: Promise<pg.Client>): void {
    if (this.#client !== attempt) return
    this.#client = undefined
    const left = attempt.then(endClient, () => {}).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  async #connect(): Promise<pg.Client> {
    try {
      if (this.#failure && performance.now() < this.#failure.until) throw this.#failure.error
      const client = await this.#login(true).catch((error: Error) => {
        // Behind a pooler the role has the limits (docs/operations.md); ours on the answer stays.
        if (REFUSED_SETTING.test(error.message)) return this.#login(false)
        throw error
      })
      this.#failure = undefined
      this.#since = performance.now()
      return client
    } catch (error) {
      if (this.#failure?.error !== error) this.#failure = { error, until: performance.now() + BACKOFF * (1 + Math.random()) }
      throw error
    }
  }

  async #login(setsLimits: boolean): Promise<pg.Client> {
    const { url, timeout = 3000 } = this.#options
    const client = new pg.Client({
      connectionString: url,
      application_name: 'grantor',
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1000,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      // Well before ours, which costs the connection and all that is under way on it.
      ...(setsLimits && { lock_timeout: Math.round(timeout / 3), statement_timeout: Math.round((timeout * 2) / 3) }),
      query_timeout: timeout,
      types
    })
    // Without a listener a connection that breaks while idle would end the process.
    client.on('error', () => {})
    await client.connect()
    return client
  }
}

/** Ends a client, but does not wait for a database that does not answer. */
export async function endClient(client: pg.Client): Promise<void> {
  const impatience = setTimeout(() => client.connection.stream.destroy(), GOODBYE)
  await client.end()
  clearTimeout(impatience)
}
