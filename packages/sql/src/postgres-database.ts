import { ConfigurationError, TemporarilyUnavailableError } from 'grantor'
import pg from 'pg'
import type { Database } from './database.ts'
import { PostgresConnection, type PostgresOptions } from './postgres-connection.ts'
import { numbered } from './postgres-statements.ts'
import type { Row, Value } from './rows.ts'

// Serialization failure and deadlock: the database asks for the statement again.
const TRY_AGAIN = ['40001', '40P01']
const MAX_RETRIES = 3
// Integrity violations and syntax errors are answers; every other failure says that the database cannot answer now.
const ANSWERS = /^(?:2[123]|42)/

/** Statements that each are a transaction of their own, over a few pipelined connections. No session state, so that a pooler may stand between. */
export class PostgresDatabase implements Database {
  readonly #connections: readonly PostgresConnection[]
  readonly #names = new Map<string, { name: string; text: string }>()
  readonly #prepared: boolean
  #turn = 0

  constructor(options: PostgresOptions) {
    const { connections = 4, preparedStatements = true } = options
    if (!URL.canParse(options.url)) throw new ConfigurationError('the address of the database is not a URL: postgres://user@host/database')
    this.#connections = Array.from({ length: connections }, () => new PostgresConnection(options))
    this.#prepared = preparedStatements
  }

  async read(sql: string, ...values: Value[]): Promise<Row[]> {
    return (await this.#run(sql, values)).rows
  }

  async write(sql: string, ...values: Value[]): Promise<number> {
    return (await this.#run(sql, values)).rowCount ?? 0
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  async #run(sql: string, values: Value[]): Promise<pg.QueryResult<Row>> {
    const { name, text } = this.#statement(sql)
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#next().query({ ...(this.#prepared && { name }), text, values })
      } catch (cause) {
        const code = cause instanceof pg.DatabaseError ? (cause.code ?? '') : ''
        if (ANSWERS.test(code)) throw cause
        if (!TRY_AGAIN.includes(code) || attempt === MAX_RETRIES)
          throw new TemporarilyUnavailableError('the store cannot answer', { cause, retryAfter: 1 })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt))
      }
    }
  }

  #statement(sql: string): { name: string; text: string } {
    const known = this.#names.get(sql)
    if (known) return known
    const statement = { name: `grantor_${this.#names.size}`, text: numbered(sql) }
    this.#names.set(sql, statement)
    return statement
  }

  #next(): PostgresConnection {
    this.#turn = (this.#turn + 1) % this.#connections.length
    return this.#connections[this.#turn] as PostgresConnection
  }
}
