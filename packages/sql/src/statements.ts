export const FIND_CLIENT = 'SELECT record FROM grantor_clients WHERE realm = ? AND client_id = ?'
export const INSERT_CLIENT = 'INSERT INTO grantor_clients (realm, client_id, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
export const UPDATE_CLIENT = 'UPDATE grantor_clients SET record = ? WHERE realm = ? AND client_id = ? AND record = ?'
export const DELETE_CLIENT = 'DELETE FROM grantor_clients WHERE realm = ? AND client_id = ?'
export const LIST_CLIENTS = 'SELECT record FROM grantor_clients WHERE realm = ? AND client_id > ? ORDER BY client_id LIMIT ?'

export const GRANT_COLUMNS: readonly string[] = [
  'id',
  'client_id',
  'subject',
  'scope',
  'auth_time',
  'acr',
  'amr',
  'session_id',
  'created_at',
  'expires_at',
  'revoked_at',
  'details'
]
const GRANT_LIST = GRANT_COLUMNS.join(', ')

export const INSERT_GRANT = `INSERT INTO grantor_grants (realm, ${GRANT_LIST}) VALUES (?, ${GRANT_COLUMNS.map(() => '?').join(', ')})`
export const FIND_GRANT = `SELECT ${GRANT_LIST} FROM grantor_grants WHERE realm = ? AND id = ?`

/** Those that match and have not expired, newest first. `where` names columns, never values. */
export function listGrants(where: string): string {
  return `SELECT ${GRANT_LIST} FROM grantor_grants WHERE realm = ? AND ${where} AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC, id DESC LIMIT ?`
}

/** Some of those that match and are not revoked yet. */
export function liveGrantIds(where: string): string {
  return `SELECT id FROM grantor_grants WHERE realm = ? AND ${where} AND revoked_at IS NULL LIMIT ?`
}

export const REVOKE_GRANT = 'UPDATE grantor_grants SET revoked_at = ? WHERE realm = ? AND id = ? AND revoked_at IS NULL'

export const REVOKE_LISTED_GRANTS =
  'UPDATE grantor_grants SET revoked_at = ? WHERE realm = ? AND id IN (SELECT value FROM json_each(?)) AND revoked_at IS NULL'

export const ARTIFACT_COLUMNS: readonly string[] = ['kind', 'id', 'secret_hash', 'value', 'grant_id', 'expires_at']

export const INSERT_ARTIFACT = `INSERT INTO grantor_artifacts (realm, ${ARTIFACT_COLUMNS.join(', ')}) VALUES (?, ${ARTIFACT_COLUMNS.map(() => '?').join(', ')})`
export const INSERT_NEW_ARTIFACT = `${INSERT_ARTIFACT} ON CONFLICT DO NOTHING`
const SELECT_ARTIFACT = `SELECT a.kind, a.id, a.secret_hash, a.value, a.grant_id, a.expires_at, a.consumed_at, ${GRANT_COLUMNS.map((name) => `g.${name} AS g_${name}`).join(', ')}
  FROM grantor_artifacts a LEFT JOIN grantor_grants g ON g.realm = a.realm AND g.id = a.grant_id
  WHERE a.realm = ? AND a.kind = ?`
export const FIND_ARTIFACT = `${SELECT_ARTIFACT} AND a.id = ? AND a.expires_at > ?`
export const LIST_ARTIFACTS = `${SELECT_ARTIFACT} AND a.id > ? AND a.expires_at > ? AND a.consumed_at IS NULL ORDER BY a.id LIMIT ?`
export const READ_ARTIFACT =
  'SELECT secret_hash, value, expires_at, consumed_at FROM grantor_artifacts WHERE realm = ? AND kind = ? AND id = ? AND expires_at > ?'
export const CONSUME_ARTIFACT =
  'UPDATE grantor_artifacts SET consumed_at = ?, value = ?, expires_at = ? WHERE realm = ? AND kind = ? AND id = ? AND consumed_at IS NULL'
export const UPDATE_ARTIFACT = 'UPDATE grantor_artifacts SET value = ? WHERE realm = ? AND kind = ? AND id = ? AND consumed_at IS NULL'
export const DELETE_ARTIFACT = 'DELETE FROM grantor_artifacts WHERE realm = ? AND kind = ? AND id = ?'
// SQLite's own key of a row stands in the index by expiry, so no other is looked at to find what goes.
export const PURGE_ARTIFACTS =
  'DELETE FROM grantor_artifacts WHERE rowid IN (SELECT rowid FROM grantor_artifacts WHERE expires_at <= ? LIMIT ?)'
export const PURGE_GRANTS = 'DELETE FROM grantor_grants WHERE rowid IN (SELECT rowid FROM grantor_grants WHERE expires_at <= ? LIMIT ?)'
/** What expires first. Each of the two is one look at the end of an index. */
export const OLDEST_EXPIRY = `SELECT min(oldest) AS oldest FROM (
    SELECT min(expires_at) AS oldest FROM grantor_artifacts
    UNION ALL SELECT min(expires_at) FROM grantor_grants WHERE expires_at IS NOT NULL) AS ends`
