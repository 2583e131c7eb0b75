import { type Artifact, type Client, type Found, type Grant, isStorable, storableJson } from 'grantor'

/** What a column holds. */
export type Value = string | number | null
export type Row = Record<string, Value>

/** Whether every database can hold all of them. */
export function areStorable(values: readonly Value[]): boolean {
  return values.every((value) => typeof value !== 'string' || isStorable(value))
}

export function unstorable(): TypeError {
  return new TypeError('an id or a name with NUL or half of a surrogate pair cannot be stored')
}

export function clientOf(row: Row): Client {
  return JSON.parse(String(row.record)) as Client
}

/** The grant in the columns whose names begin with `prefix`. */
export function grantOf(row: Row, prefix = ''): Grant {
  const column = (name: string) => row[prefix + name] ?? null
  const optional = (name: string, member: keyof Grant) => (column(name) === null ? {} : { [member]: column(name) })
  return {
    id: String(column('id')),
    clientId: String(column('client_id')),
    subject: String(column('subject')),
    scope: JSON.parse(String(column('scope'))) as string[],
    createdAt: Number(column('created_at')),
    ...optional('auth_time', 'authTime'),
    ...optional('acr', 'acr'),
    ...(column('amr') !== null && { amr: JSON.parse(String(column('amr'))) as string[] }),
    ...optional('session_id', 'sessionId'),
    ...optional('expires_at', 'expiresAt'),
    ...optional('revoked_at', 'revokedAt'),
    ...(column('details') !== null && { details: JSON.parse(String(column('details'))) as Record<string, unknown> })
  }
}

/** In the order of `INSERT_GRANT`. */
export function grantValues(
  realm: string,
  { id, clientId, subject, scope, authTime, acr, amr, sessionId, createdAt, expiresAt, revokedAt, details }: Grant
): Value[] {
  const signIn = [authTime ?? null, acr ?? null, jsonOrNull(amr), sessionId ?? null]
  return [
    realm,
    id,
    clientId,
    subject,
    storableJson(scope),
    ...signIn,
    createdAt,
    expiresAt ?? null,
    revokedAt ?? null,
    jsonOrNull(details)
  ]
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : storableJson(value)
}

/** An artifact with its grant in the columns `g_…`. */
export function foundOf<T>(row: Row): Found<T> {
  return {
    kind: String(row.kind),
    id: String(row.id),
    value: JSON.parse(String(row.value)) as T,
    expiresAt: Number(row.expires_at),
    ...(row.secret_hash != null && { secretHash: String(row.secret_hash) }),
    ...(row.grant_id != null && { grantId: String(row.grant_id) }),
    ...(row.consumed_at != null && { consumedAt: Number(row.consumed_at) }),
    ...(row.g_id != null && { grant: grantOf(row, 'g_') })
  }
}

/** In the order of `INSERT_ARTIFACT`. */
export function artifactValues(realm: string, { kind, id, secretHash, value, grantId, expiresAt }: Artifact<unknown>): Value[] {
  return [realm, kind, id, secretHash ?? null, storableJson(value), grantId ?? null, expiresAt]
}
