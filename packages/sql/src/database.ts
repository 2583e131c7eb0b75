import type { Row, Value } from './rows.ts'

/** In SQL a `?` stands for a value. */
export interface Statements {
  read(sql: string, ...values: Value[]): Promise<Row[]>
  /** @returns how many rows it changed */
  write(sql: string, ...values: Value[]): Promise<number>
}

/** As much of a database as the shared parts of the stores need. */
export interface Database extends Statements {
  /** For statements that touch many rows: what touches one does not wait behind them. */
  readonly bulk: Statements
}
