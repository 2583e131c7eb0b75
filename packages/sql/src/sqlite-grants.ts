import type { Artifact, Grant } from 'grantor'
import { artifactValues, grantValues } from './rows.ts'
import { SqlGrants } from './sql-grants.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { INSERT_ARTIFACT, INSERT_GRANT, REVOKE_LISTED_GRANTS } from './statements.ts'

export class SqliteGrants extends SqlGrants {
  protected readonly revokeListed = REVOKE_LISTED_GRANTS
  readonly #sqlite: SqliteDatabase

  constructor(database: SqliteDatabase, realm: string) {
    super(database, realm)
    this.#sqlite = database
  }

  insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void> {
    return this.#sqlite.run((_, execute) => {
      execute(INSERT_GRANT, ...grantValues(this.realm, grant))
      for (const artifact of yields) execute(INSERT_ARTIFACT, ...artifactValues(this.realm, artifact))
    })
  }
}
