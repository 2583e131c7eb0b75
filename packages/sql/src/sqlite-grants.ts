import type { Artifact, Grant, GrantQuery, GrantStore } from 'grantor'
import { artifactValues, grantOf, grantValues } from './rows.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { FIND_GRANT, INSERT_ARTIFACT, INSERT_GRANT, listGrants, revokeGrants } from './statements.ts'

const COLUMNS = { id: 'id', clientId: 'client_id', subject: 'subject', sessionId: 'session_id' } as const

export class SqlGrants implements GrantStore {
  readonly #database: SqliteDatabase
  readonly #realm: string

  constructor(database: SqliteDatabase, realm: string) {
    this.#database = database
    this.#realm = realm
  }

  insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void> {
    return this.#database.run((_, execute) => {
      execute(INSERT_GRANT, ...grantValues(this.#realm, grant))
      for (const artifact of yields) execute(INSERT_ARTIFACT, ...artifactValues(this.#realm, artifact))
    })
  }

  async find(id: string): Promise<Grant | undefined> {
    const [row] = await this.#database.run((query) => query(FIND_GRANT, this.#realm, id), { writes: false })
    return row && grantOf(row)
  }

  async list(where: GrantQuery, now: number, limit = 100): Promise<readonly Grant[]> {
    const { sql, values } = condition(where)
    const rows = await this.#database.run((query) => query(listGrants(sql), this.#realm, ...values, now, limit), { writes: false })
    return rows.map((row) => grantOf(row))
  }

  async revoke(where: GrantQuery, now: number): Promise<number> {
    const { sql, values } = condition(where)
    return this.#database.run((_, execute) => execute(revokeGrants(sql), now, this.#realm, ...values))
  }
}

/** @throws TypeError if nothing is named: no call means everybody. */
function condition(where: GrantQuery): { sql: string; values: readonly string[] } {
  const members = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((member) => where[member] !== undefined)
  if (members.length === 0) throw new TypeError('a grant query names at least one member')
  return { sql: members.map((member) => `${COLUMNS[member]} = ?`).join(' AND '), values: members.map((member) => String(where[member])) }
}
