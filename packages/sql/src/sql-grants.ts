import type { Artifact, Grant, GrantQuery, GrantStore } from 'grantor'
import type { Database } from './database.ts'
import { grantOf } from './rows.ts'
import { FIND_GRANT, listGrants, revokeGrants } from './statements.ts'

const COLUMNS = { id: 'id', clientId: 'client_id', subject: 'subject', sessionId: 'session_id' } as const

/** Grants in either database; how one is stored together with its artifacts is each one's own. */
export abstract class SqlGrants implements GrantStore {
  readonly #database: Database
  protected readonly realm: string

  constructor(database: Database, realm: string) {
    this.#database = database
    this.realm = realm
  }

  abstract insert(grant: Grant, yields: readonly Artifact<unknown>[]): Promise<void>

  async find(id: string): Promise<Grant | undefined> {
    const [row] = await this.#database.read(FIND_GRANT, this.realm, id)
    return row && grantOf(row)
  }

  async list(where: GrantQuery, now: number, limit = 100): Promise<readonly Grant[]> {
    const { sql, values } = condition(where)
    const rows = await this.#database.read(listGrants(sql), this.realm, ...values, now, limit)
    return rows.map((row) => grantOf(row))
  }

  async revoke(where: GrantQuery, now: number): Promise<number> {
    const { sql, values } = condition(where)
    return this.#database.write(revokeGrants(sql), now, this.realm, ...values)
  }
}

/** @throws TypeError if nothing is named: no call means everybody. */
function condition(where: GrantQuery): { sql: string; values: readonly string[] } {
  const members = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((member) => where[member] !== undefined)
  if (members.length === 0) throw new TypeError('a grant query names at least one member')
  return { sql: members.map((member) => `${COLUMNS[member]} = ?`).join(' AND '), values: members.map((member) => String(where[member])) }
}
