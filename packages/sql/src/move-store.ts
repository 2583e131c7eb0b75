import { createHash } from 'node:crypto'
import { ConfigurationError } from 'grantor'
import type { Database } from './database.ts'
import { openDatabase } from './locations.ts'
import type { Row, Value } from './rows.ts'
import { TABLES, type Table } from './schema.ts'

const PAGE = 500

/** What is in a table: how many rows, and a SHA-256 of all of them in the order of their keys. */
export interface TableSummary {
  table: string
  rows: number
  checksum: string
}

/**
 * Copies everything from one database to another and compares counts and checksums. Interrupted, it is run again: what is there stays.
 * Nobody may write to either meanwhile.
 * @param progress called after each page with the rows read of that table
 * @throws ConfigurationError if the databases differ at the end.
 */
export async function moveStore(
  from: string,
  to: string,
  progress: (table: string, rows: number) => void = () => {}
): Promise<readonly TableSummary[]> {
  const source = await openDatabase(from)
  const target = await openDatabase(to)
  try {
    const summaries: TableSummary[] = []
    for (const table of TABLES) {
      const read = await summarize(source, table, async (rows, count) => {
        await Promise.all(rows.map((row) => target.write(insertInto(table), ...table.columns.map((column) => row[column] ?? null))))
        progress(table.name, count)
      })
      const written = await summarize(target, table)
      if (written.checksum !== read.checksum) {
        throw new ConfigurationError(
          `${table.name} differs: ${read.rows} rows in the source, ${written.rows} in the target; stop all servers and begin with an empty target`
        )
      }
      summaries.push(written)
    }
    return summaries
  } finally {
    await source.close()
    await target.close()
  }
}

async function summarize(
  database: Database,
  table: Table,
  visit: (rows: readonly Row[], count: number) => Promise<void> = async () => {}
): Promise<TableSummary> {
  const hash = createHash('sha256')
  let count = 0
  let after: Value[] = table.key.map(() => '')
  for (;;) {
    const rows = await database.read(pageOf(table), ...after, PAGE)
    for (const row of rows) hash.update(JSON.stringify(table.columns.map((column) => row[column] ?? null)))
    count += rows.length
    await visit(rows, count)
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return { table: table.name, rows: count, checksum: hash.digest('hex') }
    after = table.key.map((column) => last[column] ?? '')
  }
}

function pageOf({ name, key, columns }: Table): string {
  return `SELECT ${columns.join(', ')} FROM ${name} WHERE (${key.join(', ')}) > (${key.map(() => '?').join(', ')}) ORDER BY ${key.join(', ')} LIMIT ?`
}

function insertInto({ name, columns }: Table): string {
  return `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`
}
