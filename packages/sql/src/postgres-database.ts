import { ConfigurationError } from 'grantor'
import type { Database } from './database.ts'
import type { PostgresOptions } from './postgres-connection.ts'
import { PostgresLane } from './postgres-lane.ts'
import type { Row, Value } from './rows.ts'

/** Connections for what touches many rows. */
const BULK = 2

export class PostgresDatabase implements Database {
  readonly bulk: PostgresLane
  readonly #hot: PostgresLane

  /** @throws ConfigurationError if the address is no URL */
  constructor(options: PostgresOptions) {
    const { connections = 4 } = options
    if (!URL.canParse(options.url)) throw new ConfigurationError('the address of the database is not a URL: postgres://user@host/database')
    this.#hot = new PostgresLane({ ...options, connections })
    this.bulk = new PostgresLane({ ...options, connections: BULK })
  }

  read(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.#hot.read(sql, ...values)
  }

  write(sql: string, ...values: Value[]): Promise<number> {
    return this.#hot.write(sql, ...values)
  }

  async close(): Promise<void> {
    await Promise.all([this.#hot.close(), this.bulk.close()])
  }
}
