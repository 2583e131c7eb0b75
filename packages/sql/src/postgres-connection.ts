import pg from 'pg'
import type { Row } from './rows.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** Pipelined connections; each carries many statements at once. Default 4. */
  connections?: number
  /** False behind a pooler that does not know named statements. Default true. */
  preparedStatements?: boolean
  /** Milliseconds until a statement without an answer fails. Default 3000. */
  timeout?: number
}

/** Milliseconds to wait for a connection. */
const CONNECT_TIMEOUT = 1000
/** What PgBouncer says to a setting that it cannot keep for one of its clients. */
const REFUSED_SETTING = /unsupported startup parameter: statement_timeout/
/** Milliseconds after a failed attempt in which nobody tries again; each waits for a random part of it more. */
const BACKOFF = 100
const INT8 = 20

// Times are seconds and fit a number.
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'))
} as pg.CustomTypesConfig

/** One pipelined connection that is made when it is needed, and made anew when it broke. */
export class PostgresConnection {
  readonly #options: PostgresOptions
  #client: Promise<pg.Client> | undefined
  #failure: { error: unknown; until: number } | undefined

  constructor(options: PostgresOptions) {
    this.#options = options
  }

  async query(query: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    this.#client ??= this.#open()
    return (await this.#client).query<Row>(query)
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    await client?.end()
  }

  /** Each client is forgotten for itself: the late end of one that broke must not lose the one after it. */
  #open(): Promise<pg.Client> {
    const attempt = this.#connect()
    const forget = () => {
      if (this.#client === attempt) this.#client = undefined
    }
    attempt.then((client) => client.once('error', forget).once('end', forget), forget)
    return attempt
  }

  async #connect(): Promise<pg.Client> {
    try {
      if (this.#failure && performance.now() < this.#failure.until) throw this.#failure.error
      const { timeout = 3000 } = this.#options
      const client = await this.#login(timeout).catch((error: Error) => {
        // Behind a pooler the role has the limit (docs/operations.md); ours on the answer stays.
        if (REFUSED_SETTING.test(error.message)) return this.#login(false)
        throw error
      })
      this.#failure = undefined
      return client
    } catch (error) {
      if (this.#failure?.error !== error) this.#failure = { error, until: performance.now() + BACKOFF * (1 + Math.random()) }
      throw error
    }
  }

  async #login(statementTimeout: number | false): Promise<pg.Client> {
    const { url, timeout = 3000 } = this.#options
    const client = new pg.Client({
      connectionString: url,
      application_name: 'grantor',
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1000,
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      statement_timeout: statementTimeout,
      query_timeout: timeout,
      types
    })
    // Without a listener a connection that breaks while idle would end the process.
    client.on('error', () => {})
    await client.connect()
    return client
  }
}
