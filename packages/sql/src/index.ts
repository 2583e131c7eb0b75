export type { PostgresOptions } from './postgres-connection.ts'
export { PostgresStore } from './postgres-store.ts'
export type { SqliteOptions } from './sqlite-database.ts'
export { SqliteStore } from './sqlite-store.ts'
