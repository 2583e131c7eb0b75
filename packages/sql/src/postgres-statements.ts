import type { Artifact } from 'grantor'
import { artifactValues } from './rows.ts'
import { ARTIFACT_COLUMNS, GRANT_COLUMNS, INSERT_GRANT } from './statements.ts'

/** Inserts the artifacts of a JSON list (`recordsOf`) into the realm `realm`, if `condition` holds. */
function insertArtifacts(realm: string, list: string, condition = 'true'): string {
  return `INSERT INTO grantor_artifacts (realm, ${ARTIFACT_COLUMNS.join(', ')})
    SELECT ${realm}, ${ARTIFACT_COLUMNS.map((name) => `y.${name}`).join(', ')}
    FROM jsonb_to_recordset(${list}::jsonb) AS y(kind text, id text, secret_hash text, value text, grant_id text, expires_at bigint)
    WHERE ${condition}`
}

/** Artifacts as one value: the list that `insertArtifacts` takes. */
export function recordsOf(artifacts: readonly Artifact<unknown>[]): string {
  return JSON.stringify(
    artifacts.map((artifact) => {
      const [, ...values] = artifactValues('', artifact)
      return Object.fromEntries(ARTIFACT_COLUMNS.map((name, index) => [name, values[index]]))
    })
  )
}

/** The realm as $1 and the columns as `grantValues`, then the artifacts. */
export const INSERT_GRANT_WITH_ARTIFACTS = `WITH root AS (${numbered(INSERT_GRANT)}) ${insertArtifacts('$1', `$${GRANT_COLUMNS.length + 2}`)}`

/**
 * $1 realm, $2 kind, $3 id, $4 now, $5 what the spent record keeps, $6 until when, $7 the secret's hash, $8 the artifacts it pays for.
 * FOR UPDATE waits for a racer and then sees what it left, so that who comes second learns it from the same statement; under SERIALIZABLE it
 * fails with 40001 instead, and is tried again.
 */
export const CONSUME = `WITH target AS (
    SELECT value, expires_at, consumed_at FROM grantor_artifacts
    WHERE realm = $1 AND kind = $2 AND id = $3 AND expires_at > $4 AND ($7::text IS NULL OR secret_hash = $7)
    FOR UPDATE
  ), spent AS (
    UPDATE grantor_artifacts a
    SET consumed_at = $4, value = (t.value::jsonb || $5::jsonb)::text, expires_at = coalesce($6::bigint, t.expires_at)
    FROM target t
    WHERE a.realm = $1 AND a.kind = $2 AND a.id = $3 AND t.consumed_at IS NULL
    RETURNING a.value
  ), stored AS (
    ${insertArtifacts('$1', '$8', 'EXISTS (SELECT FROM spent)')}
  )
  SELECT coalesce(s.value, t.value) AS value, t.consumed_at FROM target t LEFT JOIN spent s ON true`

/**
 * $1 realm, $2 kind, $3 id, $4 now, $5 the patch, $6 what must hold: it holds if merging it changes nothing. A NOT EXISTS over its members
 * would let two racers through: READ COMMITTED does not look at the inner rows again after it waited.
 */
export const COMPARE_AND_SET = `UPDATE grantor_artifacts SET value = (value::jsonb || $5::jsonb)::text
  WHERE realm = $1 AND kind = $2 AND id = $3 AND expires_at > $4 AND consumed_at IS NULL AND value::jsonb || $6::jsonb = value::jsonb`

// Where the rows are is asked first: a join with their keys may be planned as a scan of the whole table.

/** $1 now, $2 how many at most. Rows that somebody works on are left for the next time. */
export const PURGE_EXPIRED_ARTIFACTS = `DELETE FROM grantor_artifacts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM grantor_artifacts WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`
export const PURGE_EXPIRED_GRANTS = `DELETE FROM grantor_grants WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM grantor_grants WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))`

/** As REVOKE_LISTED_GRANTS. */
export const REVOKE_LISTED_ROWS = `UPDATE grantor_grants SET revoked_at = ?
  WHERE realm = ? AND id = ANY(ARRAY(SELECT jsonb_array_elements_text(?::jsonb))) AND revoked_at IS NULL`

/** Seconds since the epoch. */
export const NOW = 'SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS now'

/** PostgreSQL numbers what SQLite leaves anonymous. */
export function numbered(sql: string): string {
  let count = 0
  return sql.replace(/\?/g, () => `$${++count}`)
}
