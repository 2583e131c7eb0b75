import { existsSync } from 'node:fs'
import { isPostgres, isSame, migrateSchema, moveStore, SqliteStore, schemaVersion } from '@grantor/sql'
import { Argument, Command } from 'commander'
import { ConfigurationError } from 'grantor'
import { loadConfig } from './config.ts'
import { makeFolderOf } from './database-folder.ts'

/** Rows between two words of progress. */
const REPORTED = 10_000
const CONFIG = ['--config <file>', 'the configuration of the server'] as const

/** What an operator does to the database as a whole: `grantor migrate`, `grantor backup`, `grantor store move`. */
export function databaseCommands(): readonly Command[] {
  return [migrateCommand(), backupCommand(), storeCommand()]
}

function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the schema of the database to that of this version (up), one or more steps back (down), or only say which it has')
    .requiredOption(...CONFIG)
    .option('--to <schema>', 'how far down: what only newer schemas can hold is lost; 0 is everything')
    .option('--yes', 'really delete that')
    .addArgument(new Argument('[direction]').choices(['up', 'down', 'status']).default('up'))
    .action(async (direction: string, { config, to, yes }: { config: string; to?: string; yes?: boolean }) => {
      const { database } = loadConfig(config)
      if (direction === 'up') {
        makeFolderOf(database)
        await migrateSchema(database)
      }
      if (direction === 'down') {
        const target = to ?? String(Math.max(0, (await schemaVersion(database)).current - 1))
        if (!/^\d+$/.test(target)) throw new ConfigurationError('--to takes the number of a schema')
        if (!yes) throw new ConfigurationError(`migrate down to ${target} deletes ${target === '0' ? 'everything' : 'data'}; say --yes`)
        await migrateSchema(database, Number(target))
      }
      const { current, latest } = await schemaVersion(database)
      process.stdout.write(`schema ${current}; this version wants ${latest}\n`)
    })
}

function backupCommand(): Command {
  return new Command('backup')
    .description('copy a SQLite database while it is in use; the secret file is not in it')
    .requiredOption(...CONFIG)
    .requiredOption('--to <file>', 'the copy')
    .action(async ({ config, to }: { config: string; to: string }) => {
      const { database } = loadConfig(config)
      if (isPostgres(database)) throw new ConfigurationError('PostgreSQL is backed up with its own tools, such as pg_dump')
      if (!existsSync(database)) throw new ConfigurationError(`there is no database at ${database}`)
      if (isSame(database, to)) throw new ConfigurationError('the copy would be the database itself')
      const store = new SqliteStore({ path: database })
      try {
        await store.backup(to)
      } finally {
        await store.close()
      }
    })
}

function storeCommand(): Command {
  const store = new Command('store').description('work on stores')
  store
    .command('move')
    .description('copy everything to another, empty database, and compare; stop all servers first; if interrupted, run it again')
    .requiredOption('--from <location>', 'sqlite:FILE or postgres://…')
    .requiredOption('--to <location>', 'sqlite:FILE or postgres://…')
    .action(async ({ from, to }: { from: string; to: string }) => {
      const progress = (table: string, rows: number) => {
        if (rows > 0 && rows % REPORTED === 0) process.stderr.write(`${table}: ${rows} rows so far\n`)
      }
      for (const { table, rows, checksum } of await moveStore(from, to, progress))
        process.stdout.write(`${table}: ${rows} rows, sha256 ${checksum}\n`)
    })
  return store
}
