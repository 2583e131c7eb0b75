import type { Artifact, Grant } from 'grantor'
import type { PostgresDatabase } from './postgres-database.ts'
import { INSERT_GRANT_WITH_ARTIFACTS, REVOKE_LISTED_ROWS, recordsOf } from './postgres-statements.ts'
import { grantValues } from './rows.ts'
import { SqlGrants } from './sql-grants.ts'

export class PostgresGrants extends SqlGrants {
  protected readonly revokeListed = REVOKE_LISTED_ROWS
  readonly #postgres: PostgresDatabase

  constructor(database: PostgresDatabase, realm: string) {
    super(database, realm)
    this.#postgres = database
  }

  async insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void> {
    await this.#postgres.write(INSERT_GRANT_WITH_ARTIFACTS, ...grantValues(this.realm, grant), recordsOf(yields))
  }
}
