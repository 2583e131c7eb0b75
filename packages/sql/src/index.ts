export type { SqliteOptions } from './sqlite-database.ts'
export { SqliteStore } from './sqlite-store.ts'
