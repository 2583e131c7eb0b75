import { TemporarilyUnavailableError } from 'grantor'
import pg from 'pg'
import type { Statements } from './database.ts'
import { PostgresConnection, type PostgresOptions } from './postgres-connection.ts'
import { numbered } from './postgres-statements.ts'
import { areStorable, type Row, unstorable, type Value } from './rows.ts'
import { Turns } from './turns.ts'

// Serialization failure and deadlock: the database asks for the statement again. So do statements that it no longer has prepared.
const TRY_AGAIN = ['40001', '40P01', '26000', '42P05']
const MAX_RETRIES = 3
// Data that does not fit is an answer; every other failure says that the database cannot answer now.
const ANSWERS = /^2[123]/
/** Statements under way on one connection; more would only wait in the database instead of here. */
const DEPTH = 64
/** Milliseconds to wait for one of them to end. */
const PATIENCE = 1000

/** A few pipelined connections. Each statement is a transaction of its own, and none leaves anything in a session, so a pooler may stand between. */
export class PostgresLane implements Statements {
  readonly #connections: readonly PostgresConnection[]
  readonly #turns: Turns
  readonly #names = new Map<string, { name: string; text: string }>()
  readonly #prepared: boolean

  constructor(options: PostgresOptions & { connections: number }) {
    const { connections, preparedStatements = true } = options
    this.#connections = Array.from({ length: connections }, () => new PostgresConnection(options))
    this.#turns = new Turns(connections * DEPTH, PATIENCE)
    this.#prepared = preparedStatements
  }

  async read(sql: string, ...values: Value[]): Promise<Row[]> {
    return areStorable(values) ? (await this.#run(sql, values)).rows : []
  }

  async write(sql: string, ...values: Value[]): Promise<number> {
    if (!areStorable(values)) throw unstorable()
    return (await this.#run(sql, values)).rowCount ?? 0
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  /** @throws TemporarilyUnavailableError, or pg.DatabaseError if the data does not fit. */
  async #run(sql: string, values: Value[]): Promise<pg.QueryResult<Row>> {
    const { name, text } = this.#statement(sql)
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#turns.with(() => this.#idlest().query({ ...(this.#prepared && { name }), text, values }))
      } catch (cause) {
        if (cause instanceof TemporarilyUnavailableError) throw cause
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

  /** Whoever comes behind a statement that waits for a lock waits too, so it goes elsewhere. */
  #idlest(): PostgresConnection {
    return this.#connections.reduce((best, next) => (next.underWay < best.underWay ? next : best))
  }
}
