import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Database } from './database.ts'
import type { PostgresOptions } from './postgres-connection.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { migratePostgres, postgresVersion } from './postgres-migrations.ts'
import { PostgresStore } from './postgres-store.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { SqliteDatabase } from './sqlite-database.ts'
import { SqliteStore } from './sqlite-store.ts'

/** Whether a location is a `postgres://` URL. Every other is a file of SQLite, with or without `sqlite:` before it. */
export function isPostgres(location: string): boolean {
  return /^postgres(ql)?:/.test(location)
}

/**
 * Opens the store at a location and migrates its schema. `?prepared_statements=false` in a URL is for a pooler that does not know them.
 * @throws ConfigurationError if it cannot be used
 */
export async function openStore(location: string): Promise<SqliteStore | PostgresStore> {
  return isPostgres(location) ? PostgresStore.open(optionsOf(location)) : new SqliteStore({ path: fileOf(location) })
}

/** The version of the schema at a location, 0 if there is none, and the one that this code wants. Makes nothing. @throws ConfigurationError */
export async function schemaVersion(location: string): Promise<{ current: number; latest: number }> {
  return { current: isPostgres(location) ? await postgresVersion(location) : sqliteVersion(location), latest: SCHEMA_VERSION }
}

/** Brings the schema at a location to a version, by default the latest. @throws ConfigurationError */
export async function migrateSchema(location: string, target: number = SCHEMA_VERSION): Promise<void> {
  if (isPostgres(location)) await migratePostgres(location, target)
  else withSqlite(location, (database) => database.migrate(target))
}

/** The bare database at a location. */
export function openDatabase(location: string): Database & { close(): void | Promise<void> } {
  return isPostgres(location)
    ? new PostgresDatabase({ ...optionsOf(location), timeout: 60_000 })
    : new SqliteDatabase({ path: fileOf(location) })
}

function optionsOf(url: string): PostgresOptions {
  return { url, preparedStatements: URL.parse(url)?.searchParams.get('prepared_statements') !== 'false' }
}

/** Whether two locations are one database, as far as their names say. */
export function isSame(one: string, other: string): boolean {
  return isPostgres(one) === isPostgres(other) && nameOf(one) === nameOf(other)
}

/** A location as people may read it: without password and options. */
export function nameOf(location: string): string {
  if (isPostgres(location)) {
    const { hostname, port, pathname } = new URL(location)
    return `postgres://${hostname}:${port || 5432}${pathname}`
  }
  const file = resolve(fileOf(location))
  return existsSync(file) ? realpathSync(file) : file
}

function sqliteVersion(location: string): number {
  return existsSync(fileOf(location)) ? withSqlite(location, (database) => database.schemaVersion) : 0
}

function withSqlite<T>(location: string, work: (database: SqliteDatabase) => T): T {
  const database = new SqliteDatabase({ path: fileOf(location) })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

function fileOf(location: string): string {
  return location.replace(/^sqlite:/, '')
}
