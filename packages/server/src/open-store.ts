import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { PostgresStore, SqliteStore } from '@grantor/sql'

export type DurableStore = SqliteStore | PostgresStore

export function isPostgres(database: string): boolean {
  return /^postgres(ql)?:/.test(database)
}

/** @param database a file for SQLite, or a `postgres://` URL @throws ConfigurationError if it cannot be used */
export async function openStore(database: string): Promise<DurableStore> {
  if (isPostgres(database)) return PostgresStore.open({ url: database })
  mkdirSync(dirname(database), { recursive: true, mode: 0o700 })
  return new SqliteStore({ path: database })
}
