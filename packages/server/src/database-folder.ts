import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isPostgres } from '@grantor/sql'

/** Makes the folder of a SQLite file. */
export function makeFolderOf(database: string): void {
  if (!isPostgres(database)) mkdirSync(dirname(database), { recursive: true, mode: 0o700 })
}
