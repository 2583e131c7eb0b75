import type { Artifact, Grant, GrantQuery, GrantStore } from 'grantor'
import type { Database, Statements } from './database.ts'
import { grantOf } from './rows.ts'
import { FIND_GRANT, listGrants, liveGrantIds, REVOKE_GRANT } from './statements.ts'

/** Grants that one look at the index finds, and that one statement revokes: nobody waits for it. */
const PAGE = 20_000
const BATCH = 1000

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

  /** Takes when, the realm, and the ids as a list in JSON. */
  protected abstract readonly revokeListed: string

  async find(id: string): Promise<Grant | undefined> {
    const [row] = await this.#database.read(FIND_GRANT, this.realm, id)
    return row && grantOf(row)
  }

  async list(where: GrantQuery, now: number, limit = 100, { revoked } = { revoked: false }): Promise<readonly Grant[]> {
    const { sql, values } = condition(where)
    const statement = listGrants(revoked ? sql : `${sql} AND revoked_at IS NULL`)
    const rows = await this.#lane(where).read(statement, this.realm, ...values, now, limit)
    return rows.map((row) => grantOf(row))
  }

  async revoke(where: GrantQuery, now: number): Promise<number> {
    const { sql, values } = condition(where)
    if (sql === 'id = ?') return this.#database.write(REVOKE_GRANT, now, this.realm, ...values)
    // Somebody else may be at the same: it is over when none is left, whoever revoked them.
    for (let revoked = 0; ; ) {
      const live = await this.#lane(where).read(liveGrantIds(sql), this.realm, ...values, PAGE)
      if (live.length === 0) return revoked
      for (let start = 0; start < live.length; start += BATCH) {
        const ids = live.slice(start, start + BATCH).map(({ id }) => id)
        revoked += await this.#lane(where).write(this.revokeListed, now, this.realm, JSON.stringify(ids))
      }
    }
  }

  /** What one person allowed one client is little. */
  #lane({ id, clientId, subject }: GrantQuery): Statements {
    const isNarrow = id !== undefined || (clientId !== undefined && subject !== undefined)
    return isNarrow ? this.#database : this.#database.bulk
  }
}

/** @throws TypeError if nothing is named: no call means everybody. */
function condition(where: GrantQuery): { sql: string; values: readonly string[] } {
  const members = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((member) => where[member] !== undefined)
  if (members.length === 0) throw new TypeError('a grant query names at least one member')
  return { sql: members.map((member) => `${COLUMNS[member]} = ?`).join(' AND '), values: members.map((member) => String(where[member])) }
}
