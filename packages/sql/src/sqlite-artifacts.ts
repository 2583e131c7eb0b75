import { type ConsumeOptions, type Consumption, type Kind, type Reference, storableMembers } from 'grantor'
import { artifactValues } from './rows.ts'
import { SqlArtifacts } from './sql-artifacts.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { CONSUME_ARTIFACT, INSERT_ARTIFACT, READ_ARTIFACT, UPDATE_ARTIFACT } from './statements.ts'

/** What is read and then written happens in one transaction that holds the write lock, so nobody comes between. */
export class SqliteArtifacts extends SqlArtifacts {
  readonly #sqlite: SqliteDatabase

  constructor(database: SqliteDatabase, realm: string) {
    super(database, realm)
    this.#sqlite = database
  }

  consume<T>(
    { kind, id, secretHash }: Reference & { kind: Kind<T> },
    { now, yields = [], leaves = {}, retainUntil }: ConsumeOptions
  ): Promise<Consumption<T> | undefined> {
    return this.#sqlite.run((query, execute) => {
      storableMembers(leaves)
      const [row] = query(READ_ARTIFACT, this.realm, kind, id, now)
      if (!row || (secretHash !== undefined && secretHash !== row.secret_hash)) return undefined
      const stored = JSON.parse(String(row.value)) as T
      if (row.consumed_at != null) return { value: stored, first: false, consumedAt: Number(row.consumed_at) }
      const value = { ...stored, ...leaves }
      execute(CONSUME_ARTIFACT, now, JSON.stringify(value), retainUntil ?? Number(row.expires_at), this.realm, kind, id)
      for (const artifact of yields) execute(INSERT_ARTIFACT, ...artifactValues(this.realm, artifact))
      return { value, first: true, consumedAt: now }
    })
  }

  update<T>(kind: Kind<T>, id: string, patch: Partial<T>, where: Partial<T>, now: number): Promise<boolean> {
    return this.#sqlite.run((query, execute) => {
      storableMembers(patch)
      storableMembers(where)
      const [row] = query(READ_ARTIFACT, this.realm, kind, id, now)
      if (row?.consumed_at !== null) return false
      const value = JSON.parse(String(row.value)) as Record<string, unknown>
      if (!Object.entries(where).every(([name, expected]) => JSON.stringify(value[name]) === JSON.stringify(expected))) return false
      return execute(UPDATE_ARTIFACT, JSON.stringify({ ...value, ...patch }), this.realm, kind, id) > 0
    })
  }
}
