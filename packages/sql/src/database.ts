import type { Row, Value } from './rows.ts'

/** As much of a database as the shared parts of the stores need. In SQL a `?` stands for a value. */
export interface Database {
  read(sql: string, ...values: Value[]): Promise<Row[]>
  /** @returns how many rows it changed */
  write(sql: string, ...values: Value[]): Promise<number>
}
