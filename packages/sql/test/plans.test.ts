import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { PostgresStore, SqliteStore } from '../src/index.ts'
import * as postgres from '../src/postgres-statements.ts'
import * as shared from '../src/statements.ts'
import { PostgresServer } from './postgres.ts'
import { temporaryFile } from './support.ts'

const { listGrants, revokeGrants } = shared
const BOTH = {
  FIND_CLIENT: shared.FIND_CLIENT,
  UPDATE_CLIENT: shared.UPDATE_CLIENT,
  LIST_CLIENTS: shared.LIST_CLIENTS,
  FIND_GRANT: shared.FIND_GRANT,
  FIND_ARTIFACT: shared.FIND_ARTIFACT,
  LIST_ARTIFACTS: shared.LIST_ARTIFACTS,
  DELETE_ARTIFACT: shared.DELETE_ARTIFACT,
  'grants of a person to a client': listGrants('client_id = ? AND subject = ?'),
  'grants of a person': listGrants('subject = ?'),
  'revoke a grant': revokeGrants('id = ?'),
  'revoke the grants of a client': revokeGrants('client_id = ?'),
  'revoke the grants of a session': revokeGrants('session_id = ?')
}
const SQLITE = {
  ...BOTH,
  READ_ARTIFACT: shared.READ_ARTIFACT,
  CONSUME_ARTIFACT: shared.CONSUME_ARTIFACT,
  UPDATE_ARTIFACT: shared.UPDATE_ARTIFACT,
  PURGE_ARTIFACTS: shared.PURGE_ARTIFACTS,
  PURGE_GRANTS: shared.PURGE_GRANTS
}
const POSTGRES = {
  ...BOTH,
  CONSUME: postgres.CONSUME,
  COMPARE_AND_SET: postgres.COMPARE_AND_SET,
  PURGE_EXPIRED_ARTIFACTS: postgres.PURGE_EXPIRED_ARTIFACTS,
  PURGE_EXPIRED_GRANTS: postgres.PURGE_EXPIRED_GRANTS
}

describe('every statement looks rows up by a key or an index', () => {
  test('on SQLite', async () => {
    const path = temporaryFile()
    await new SqliteStore({ path }).close()
    const database = new DatabaseSync(path)
    const scans = Object.entries(SQLITE).flatMap(([name, sql]) => {
      const plan = database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
      expect(plan.join()).toMatch(/SEARCH \w+ USING/)
      return plan.filter((step) => /^SCAN (?!\(|list|SUBQUERY)/.test(step)).map((step) => `${name}: ${step}`)
    })
    expect(scans).toEqual([])
    database.close()
  })

  test('on PostgreSQL', async () => {
    const server = await PostgresServer.start()
    const url = await server.createDatabase()
    await (await PostgresStore.open({ url })).close()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    // Empty tables would be scanned whatever indexes there are.
    await client.query('SET enable_seqscan = off')
    const scans: string[] = []
    for (const [name, sql] of Object.entries(POSTGRES)) {
      const { rows } = await client.query(`EXPLAIN (GENERIC_PLAN) ${postgres.numbered(sql)}`)
      const plan = rows.map((row) => String(row['QUERY PLAN']))
      expect(plan.join()).toMatch(/Index (?:Only )?Scan|Bitmap Index Scan/)
      scans.push(...plan.filter((step) => /Seq Scan on grantor/.test(step)).map((step) => `${name}: ${step.trim()}`))
    }
    expect(scans).toEqual([])
    await client.end()
    await server.stop()
  })
})
