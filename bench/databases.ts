// The databases that the benchmarks fill: SQLite in a file, and a PostgreSQL of its own with real syncs.
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openStore, type PostgresStore, type SqliteStore } from '@grantor/sql'
import pg from 'pg'
import { PostgresServer } from '../packages/sql/test/postgres.ts'

/** One statement at a time, beside the store. */
export interface Console {
  run(sql: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** A kind of database, in which any number of databases can be made. */
export interface Engine {
  readonly name: string
  readonly isPostgres: boolean
  /** @returns its location, for `openStore` and `console` */
  create(): Promise<string>
  console(location: string): Promise<Console>
  /** Reads everything once and leaves nothing to be written, so that the disk has no part in what is measured. */
  warm(location: string): Promise<void>
  /** Bytes on the disk. */
  size(location: string): Promise<number>
  stop(): Promise<void>
}

export type DurableStore = SqliteStore | PostgresStore

async function openSqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'grantor-bench-'))
  const memory = new DatabaseSync(':memory:')
  const version = memory.prepare('SELECT sqlite_version() AS version').get()?.version
  memory.close()
  let count = 0
  return {
    name: `SQLite ${version}`,
    isPostgres: false,
    async create() {
      const path = join(folder, `${count++}.db`)
      await (await openStore(path)).close()
      return path
    },
    async console(path) {
      const database = new DatabaseSync(path, { timeout: 5000 })
      return { run: async (sql) => database.prepare(sql).all(), close: async () => database.close() }
    },
    async warm(path) {
      const file = await open(path, 'r+')
      await file.sync()
      await file.close()
      for await (const _ of createReadStream(path, { highWaterMark: 2 ** 20 }));
    },
    size: async (path) => statSync(path).size,
    stop: async () => rmSync(folder, { recursive: true })
  }
}

/** With real syncs, and a memory that holds a tenth of the largest database. */
async function openPostgres(settings: readonly string[] = ['shared_buffers=1GB']): Promise<Engine> {
  const server = await PostgresServer.start(settings)
  const connect = async (url: string): Promise<Console> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return { run: async (sql) => (await client.query(sql)).rows, close: () => client.end() }
  }
  const once = async (url: string, sql: string) => {
    const connection = await connect(url)
    const [row = {}] = await connection.run(sql)
    await connection.close()
    return row
  }
  const { server_version } = await once(`${server.url}/postgres`, 'SHOW server_version')
  return {
    name: `PostgreSQL ${server_version}`,
    isPostgres: true,
    async create() {
      const url = await server.createDatabase()
      await (await openStore(url)).close()
      return url
    },
    console: connect,
    async warm(url) {
      await once(url, 'CREATE EXTENSION pg_prewarm')
      await once(url, `SELECT sum(pg_prewarm(oid::regclass, 'read')) FROM pg_class WHERE relname LIKE 'grantor%' AND relkind IN ('r', 'i')`)
    },
    size: async (url) => Number((await once(url, 'SELECT pg_database_size(current_database()) AS size')).size),
    stop: () => server.stop()
  }
}

export function machine(): string {
  const [cpu] = cpus()
  return `${availableParallelism()} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.version}`
}

export function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN
}

/** Both kinds, or the one that DATABASE names. */
export function engines(): readonly (() => Promise<Engine>)[] {
  const all = { sqlite: openSqlite, postgres: openPostgres }
  return Object.entries(all).flatMap(([name, open]) => ((process.env.DATABASE ?? name) === name ? [() => open()] : []))
}
