import { type ConsumeOptions, type Consumption, type Kind, type Reference, storableMembers } from 'grantor'
import type { PostgresDatabase } from './postgres-database.ts'
import { COMPARE_AND_SET, CONSUME, recordsOf } from './postgres-statements.ts'
import { SqlArtifacts } from './sql-artifacts.ts'

/** What is read and then written happens in one statement, so nobody comes between. */
export class PostgresArtifacts extends SqlArtifacts {
  readonly #postgres: PostgresDatabase

  constructor(database: PostgresDatabase, realm: string) {
    super(database, realm)
    this.#postgres = database
  }

  async consume<T>(
    { kind, id, secretHash }: Reference & { kind: Kind<T> },
    { now, yields = [], leaves = {}, retainUntil }: ConsumeOptions
  ): Promise<Consumption<T> | undefined> {
    const values = [storableMembers(leaves), retainUntil ?? null, secretHash ?? null, recordsOf(yields)]
    const [row] = await this.#postgres.read(CONSUME, this.realm, kind, id, now, ...values)
    if (!row) return undefined
    const consumedAt = row.consumed_at == null ? undefined : Number(row.consumed_at)
    return { value: JSON.parse(String(row.value)) as T, first: consumedAt === undefined, consumedAt: consumedAt ?? now }
  }

  async update<T>(kind: Kind<T>, id: string, patch: Partial<T>, where: Partial<T>, now: number): Promise<boolean> {
    const changed = await this.#postgres.write(COMPARE_AND_SET, this.realm, kind, id, now, storableMembers(patch), storableMembers(where))
    return changed > 0
  }
}
