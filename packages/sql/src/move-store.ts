import { createHash } from 'node:crypto'
import { ConfigurationError } from 'grantor'
import type { Database } from './database.ts'
import { isSame, migrateSchema, nameOf, openDatabase, schemaVersion } from './locations.ts'
import type { Row, Value } from './rows.ts'
import { TABLES, type Table } from './schema.ts'

const PAGE = 200
// While it is there, everything in the target came from the source that it names, and may be replaced.
const MARK = 'grantor_move'

/** What is in a table: how many rows, and a SHA-256 of all of them in the order of their keys. */
export interface TableSummary {
  table: string
  rows: number
  checksum: string
}

/**
 * Makes an empty database a copy of another, and compares counts and checksums. Interrupted, it is run again, also if the source has changed
 * since. Nobody may write to either meanwhile.
 * @param progress called after each page with the rows read of that table
 * @throws ConfigurationError if there is no source, or it is the target, or has another schema; if the target has data of its own; if the databases
 *   differ at the end.
 */
export async function moveStore(
  from: string,
  to: string,
  progress: (table: string, rows: number) => void = () => {}
): Promise<readonly TableSummary[]> {
  if (isSame(from, to)) throw new ConfigurationError('the source and the target are the same database')
  const { current, latest } = await schemaVersion(from)
  if (current === 0) throw new ConfigurationError(`there is no store at ${nameOf(from)}`)
  if (current !== latest)
    throw new ConfigurationError(`the source has schema ${current}, this version moves ${latest}: run grantor migrate first`)
  await migrateSchema(to)
  const source = openDatabase(from)
  const target = openDatabase(to)
  try {
    if (await isOurs(target, nameOf(from))) for (const table of TABLES) await mirror(source, target, table, progress)
    const [read, written] = [await summarizeAll(source), await summarizeAll(target)]
    await target.write(`DROP TABLE ${MARK}`)
    for (const [index, { table, rows, checksum }] of read.entries()) {
      const copy = written[index]
      if (copy?.checksum !== checksum)
        throw new ConfigurationError(
          `${table} differs: ${rows} rows in the source, ${copy?.rows} in the target; stop all servers and begin with an empty target`
        )
    }
    return written
  } finally {
    await source.close()
    await target.close()
  }
}

/** Whether the target is empty, or holds what an earlier run left. */
async function isOurs(target: Database, source: string): Promise<boolean> {
  await target.write(`CREATE TABLE IF NOT EXISTS ${MARK} (source TEXT PRIMARY KEY)`)
  const [mark] = await target.read(`SELECT source FROM ${MARK}`)
  if (mark) {
    if (mark.source === source) return true
    throw new ConfigurationError(`the target is half a copy of ${mark.source}; begin with an empty one`)
  }
  for (const { name } of TABLES) if ((await target.read(`SELECT 1 AS one FROM ${name} LIMIT 1`)).length > 0) return false
  await target.write(`INSERT INTO ${MARK} (source) VALUES (?)`, source)
  return true
}

/** Page by page in the order of the keys: what differs is written, what only the target has is deleted. */
async function mirror(source: Database, target: Database, table: Table, progress: (table: string, rows: number) => void): Promise<void> {
  let count = 0
  for await (const { rows, after } of pagesOf(source, table)) {
    const until = rows.length === PAGE ? keyOf(table, rows.at(-1)) : undefined
    const there = new Map(
      (await target.read(...rangeOf(table, after, until))).map((row) => [textOf(table.key, row), textOf(table.columns, row)])
    )
    const changed = rows.filter((row) => there.get(textOf(table.key, row)) !== textOf(table.columns, row))
    for (const row of rows) there.delete(textOf(table.key, row))
    await Promise.all([
      ...changed.map((row) => target.write(putInto(table), ...table.columns.map((column) => row[column] ?? null))),
      ...[...there.keys()].map((key) => target.write(deleteFrom(table), ...(JSON.parse(key) as Value[])))
    ])
    count += rows.length
    progress(table.name, count)
  }
}

async function summarizeAll(database: Database): Promise<readonly TableSummary[]> {
  const summaries: TableSummary[] = []
  for (const table of TABLES) {
    const hash = createHash('sha256')
    let count = 0
    for await (const { rows } of pagesOf(database, table)) {
      for (const row of rows) hash.update(textOf(table.columns, row))
      count += rows.length
    }
    summaries.push({ table: table.name, rows: count, checksum: hash.digest('hex') })
  }
  return summaries
}

/** Each with the key before its first row. At least one, which may be empty. */
async function* pagesOf(database: Database, table: Table): AsyncGenerator<{ rows: readonly Row[]; after: Value[] | undefined }> {
  for (let after: Value[] | undefined; ; ) {
    const [sql, ...values] = rangeOf(table, after)
    const rows = await database.read(`${sql} LIMIT ?`, ...values, PAGE)
    yield { rows, after }
    if (rows.length < PAGE) return
    after = keyOf(table, rows.at(-1))
  }
}

function rangeOf({ name, key, columns }: Table, after?: Value[], until?: Value[]): [sql: string, ...values: Value[]] {
  const bound = (operator: string, values?: Value[]) =>
    values ? [`(${key.join(', ')}) ${operator} (${key.map(() => '?').join(', ')})`] : []
  const where = ['1 = 1', ...bound('>', after), ...bound('<=', until)].join(' AND ')
  return [`SELECT ${columns.join(', ')} FROM ${name} WHERE ${where} ORDER BY ${key.join(', ')}`, ...(after ?? []), ...(until ?? [])]
}

function putInto({ name, key, columns }: Table): string {
  const changes = columns.filter((column) => !key.includes(column)).map((column) => `${column} = excluded.${column}`)
  return `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changes.join(', ')}`
}

function deleteFrom({ name, key }: Table): string {
  return `DELETE FROM ${name} WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`
}

function keyOf({ key }: Table, row: Row | undefined): Value[] {
  return key.map((column) => row?.[column] ?? null)
}

function textOf(columns: readonly string[], row: Row): string {
  return JSON.stringify(columns.map((column) => row[column] ?? null))
}
