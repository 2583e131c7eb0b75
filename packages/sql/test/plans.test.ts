import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { PostgresStore, SqliteStore } from '../src/index.ts'
import * as postgres from '../src/postgres-statements.ts'
import * as shared from '../src/statements.ts'
import { PostgresServer } from './postgres.ts'
import { temporaryFile } from './support.ts'

/** A statement, and the columns that every look at each table names; none: it looks nothing up. */
type Statement = [sql: string, ...keys: readonly string[][]]

const CLIENT = ['realm', 'client_id']
const GRANT = ['realm', 'id']
const ARTIFACT = ['realm', 'kind', 'id']
const OF_SUBJECT = ['realm', 'subject']
const OF_SESSION = ['realm', 'session_id']

const BOTH: Record<string, Statement> = {
  FIND_CLIENT: [shared.FIND_CLIENT, CLIENT],
  INSERT_CLIENT: [shared.INSERT_CLIENT],
  UPDATE_CLIENT: [shared.UPDATE_CLIENT, CLIENT],
  DELETE_CLIENT: [shared.DELETE_CLIENT, CLIENT],
  LIST_CLIENTS: [shared.LIST_CLIENTS, CLIENT],
  FIND_GRANT: [shared.FIND_GRANT, GRANT],
  REVOKE_GRANT: [shared.REVOKE_GRANT, GRANT],
  'grants of a person to a client': [shared.listGrants('client_id = ? AND subject = ?'), [...OF_SUBJECT, 'client_id']],
  'grants of a person': [shared.listGrants('subject = ?'), OF_SUBJECT],
  'live grants of a client': [shared.liveGrantIds('client_id = ?'), CLIENT],
  'live grants of a session': [shared.liveGrantIds('session_id = ?'), OF_SESSION],
  INSERT_NEW_ARTIFACT: [shared.INSERT_NEW_ARTIFACT],
  FIND_ARTIFACT: [shared.FIND_ARTIFACT, ARTIFACT, GRANT],
  LIST_ARTIFACTS: [shared.LIST_ARTIFACTS, ARTIFACT, GRANT],
  DELETE_ARTIFACT: [shared.DELETE_ARTIFACT, ARTIFACT]
}
const SQLITE: Record<string, Statement> = {
  ...BOTH,
  INSERT_GRANT: [shared.INSERT_GRANT],
  REVOKE_LISTED_GRANTS: [shared.REVOKE_LISTED_GRANTS, GRANT],
  READ_ARTIFACT: [shared.READ_ARTIFACT, ARTIFACT],
  CONSUME_ARTIFACT: [shared.CONSUME_ARTIFACT, ARTIFACT],
  UPDATE_ARTIFACT: [shared.UPDATE_ARTIFACT, ARTIFACT],
  PURGE_ARTIFACTS: [shared.PURGE_ARTIFACTS, ['rowid'], ['expires_at']],
  PURGE_GRANTS: [shared.PURGE_GRANTS, ['rowid'], ['expires_at']]
}
const POSTGRES: Record<string, Statement> = {
  ...BOTH,
  INSERT_GRANT_WITH_ARTIFACTS: [postgres.INSERT_GRANT_WITH_ARTIFACTS],
  REVOKE_LISTED_ROWS: [postgres.REVOKE_LISTED_ROWS, GRANT],
  CONSUME: [postgres.CONSUME, ARTIFACT, ARTIFACT],
  COMPARE_AND_SET: [postgres.COMPARE_AND_SET, ARTIFACT],
  PURGE_EXPIRED_ARTIFACTS: [postgres.PURGE_EXPIRED_ARTIFACTS, ['expires_at'], ['ctid']],
  PURGE_EXPIRED_GRANTS: [postgres.PURGE_EXPIRED_GRANTS, ['expires_at'], ['ctid']]
}

describe('every statement looks rows up by all columns of a key or an index', () => {
  test('on SQLite', async () => {
    const path = temporaryFile()
    await new SqliteStore({ path }).close()
    const database = new DatabaseSync(path)
    for (const [name, [sql, ...keys]] of Object.entries(SQLITE)) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
      const steps = plan.map(({ detail }) => String(detail)).filter((step) => /grantor|\b[ag]\b/.test(step))
      const looks = steps.map(
        (step) => /SEARCH \w+ USING .*(?:INDEX \w+|INTEGER PRIMARY KEY) \((.+)\)/.exec(step)?.[1]?.match(/\w+(?=[=<>])/g) ?? step
      )
      expect([name, ...looks]).toEqual([name, ...keys])
    }
    database.close()
  })

  test('on PostgreSQL, in tables of 20 000 rows', { timeout: 60_000 }, async () => {
    const server = await PostgresServer.start()
    const url = await server.createDatabase()
    await (await PostgresStore.open({ url })).close()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const rows = 'FROM generate_series(1, 20000) AS n'
    await client.query(
      `INSERT INTO grantor_clients SELECT '', 'c' || n, '{}' ${rows};
       INSERT INTO grantor_grants (realm, id, client_id, subject, scope, session_id, created_at, expires_at)
         SELECT '', 'g' || n, 'c' || n % 100, 's' || n % 1000, '[]', 'x' || n, n, 1000 + n ${rows};
       INSERT INTO grantor_artifacts (realm, kind, id, value, grant_id, expires_at)
         SELECT '', 'k' || n % 5, 'a' || n, '{}', 'g' || n, 1000 + n ${rows};
       ANALYZE`
    )
    for (const [name, [sql, ...keys]] of Object.entries(POSTGRES)) {
      const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${postgres.numbered(sql)}`)
      const plan = rows.map((row) => String(row['QUERY PLAN']).trim())
      expect([name, ...plan.filter((step) => /Seq Scan on grantor/.test(step))]).toEqual([name])
      const looks = plan
        .filter((step) => /^(?:Index|TID) Cond:/.test(step))
        .map((step) => step.match(/(?<=[( ])\w+(?=\)?(?:::\w+)? (?:=|<=|>) )/g))
      expect([name, ...looks]).toEqual([name, ...keys])
    }
    await client.end()
    await server.stop()
  })
})
