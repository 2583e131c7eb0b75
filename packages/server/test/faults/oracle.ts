import { DatabaseSync } from 'node:sqlite'
import { query } from '../../../sql/test/postgres.ts'
import type { Ledger } from './ledger.ts'

type Query = (sql: string) => Promise<Record<string, unknown>[]>

/** How the database answers: a file of SQLite, or a URL of PostgreSQL. */
export function queryOf(database: string): Query {
  if (database.startsWith('postgres:')) return (sql) => query(database, sql)
  return async (sql) => {
    const sqlite = new DatabaseSync(database, { readOnly: true })
    try {
      return sqlite.prepare(sql).all()
    } finally {
      sqlite.close()
    }
  }
}

/** Compares what clients were told with what the nodes say now and with what is stored. @returns every violation */
export async function judge(ledger: Ledger, ports: readonly number[], database: string): Promise<readonly string[]> {
  const { violations, families } = ledger
  for (const [index, { code, redeemed, tokens, revoked }] of families.entries()) {
    const port = ports[index % ports.length] as number
    const newest = tokens.at(-1)
    if (newest && revoked === 'no' && !(await ledger.isActive(newest.access_token, port)))
      violations.push('I1 an acknowledged access token is not active')
    if (
      newest &&
      revoked === 'no' &&
      !(await ledger.isActive(newest.refresh_token, port)) &&
      !(await hasSuccessor(ledger, newest.refresh_token))
    )
      violations.push('I1 an acknowledged refresh token is neither active nor answered again')
    if (revoked === 'acknowledged') {
      for (const { access_token, refresh_token } of tokens) {
        if ((await ledger.isActive(access_token, port)) || (await ledger.isActive(refresh_token, port)))
          violations.push('I4 a token is active after its acknowledged revocation')
      }
    }
    // At last, because a valid replay ends the family.
    const first = await ledger.redeem(code, port)
    const second = await ledger.redeem(code, port)
    if ((redeemed && first?.status === 200) || second?.status === 200) violations.push('I2 a code was redeemed twice')
  }
  const read = queryOf(database)
  const kept = new Set((await read(`SELECT id FROM grantor_artifacts WHERE kind = 'refresh_token'`)).map(({ id }) => id))
  const lost = families.flatMap(({ tokens }) => tokens).filter(({ refresh_token }) => !kept.has(idOf(refresh_token)))
  if (lost.length > 0)
    violations.push(`I12 I15 ${lost.length} refresh tokens are gone before their family's end, so their reuse is not noticed`)
  const forks = await read(
    `SELECT grant_id FROM grantor_artifacts WHERE kind = 'refresh_token' AND consumed_at IS NULL GROUP BY grant_id HAVING count(*) > 1`
  )
  if (forks.length > 0) violations.push(`I3 ${forks.length} families have two usable leaves`)
  const halves = await read(
    `SELECT c.id FROM grantor_artifacts c WHERE c.kind = 'authorization_code' AND c.consumed_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM grantor_artifacts t WHERE t.realm = c.realm AND t.kind = 'refresh_token' AND t.grant_id = c.grant_id)`
  )
  if (halves.length > 0) violations.push(`I16 ${halves.length} codes were spent without a token`)
  const orphans = await read(
    `SELECT a.id FROM grantor_artifacts a LEFT JOIN grantor_grants g ON g.realm = a.realm AND g.id = a.grant_id WHERE a.grant_id IS NOT NULL AND g.id IS NULL`
  )
  if (orphans.length > 0) violations.push(`I16 ${orphans.length} tokens have no grant`)
  return violations
}

/** Behind its prefix a token begins with what its record is found by. */
function idOf(token: string): string {
  return token.slice(token.indexOf('_') + 1, token.indexOf('_') + 25)
}

/** The last refresh may have been done and its answer lost: then the same again yields its successor. */
async function hasSuccessor(ledger: Ledger, refresh_token: string): Promise<boolean> {
  const response = await ledger.refresh(refresh_token)
  return response?.status === 200
}
