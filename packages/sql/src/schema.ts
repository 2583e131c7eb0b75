import { ConfigurationError } from 'grantor'
import { ARTIFACT_COLUMNS, GRANT_COLUMNS } from './statements.ts'

/** A step of the schema. Expand first, contract a version later: the version before must still run on it. */
interface Migration {
  version: number
  up: readonly string[]
  /** Undoes `up`, with the data that only it could hold. */
  down: readonly string[]
}

/** In SQL that SQLite and PostgreSQL both accept. Times are seconds since the epoch; `record`, `value`, `details`, `scope` and `amr` are JSON. */
const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    up: [
      `CREATE TABLE grantor_clients (
        realm TEXT NOT NULL,
        client_id TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (realm, client_id)
      )`,
      `CREATE TABLE grantor_grants (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        scope TEXT NOT NULL,
        auth_time BIGINT,
        session_id TEXT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        revoked_at BIGINT,
        details TEXT,
        PRIMARY KEY (realm, id)
      )`,
      'CREATE INDEX grantor_grants_by_subject ON grantor_grants (realm, subject, client_id)',
      'CREATE INDEX grantor_grants_by_client ON grantor_grants (realm, client_id)',
      'CREATE INDEX grantor_grants_by_session ON grantor_grants (realm, session_id) WHERE session_id IS NOT NULL',
      'CREATE INDEX grantor_grants_by_expiry ON grantor_grants (expires_at) WHERE expires_at IS NOT NULL',
      // Ids begin with the time, so rows of one kind are inserted side by side.
      `CREATE TABLE grantor_artifacts (
        realm TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        secret_hash TEXT,
        value TEXT NOT NULL,
        grant_id TEXT,
        expires_at BIGINT NOT NULL,
        consumed_at BIGINT,
        PRIMARY KEY (realm, kind, id)
      )`,
      'CREATE INDEX grantor_artifacts_by_expiry ON grantor_artifacts (expires_at)'
    ],
    down: ['DROP TABLE grantor_artifacts', 'DROP TABLE grantor_grants', 'DROP TABLE grantor_clients']
  },
  {
    // How the person proved who they are, for ID tokens (OpenID Connect Core §2).
    version: 2,
    up: ['ALTER TABLE grantor_grants ADD COLUMN acr TEXT', 'ALTER TABLE grantor_grants ADD COLUMN amr TEXT'],
    down: ['ALTER TABLE grantor_grants DROP COLUMN amr', 'ALTER TABLE grantor_grants DROP COLUMN acr']
  }
]

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.at(-1)?.version ?? 0

/**
 * What leads from one version to another, up or down, each step with the version that it reaches.
 * @throws ConfigurationError if the database is newer than this code.
 */
export function stepsBetween(current: number, target: number): readonly { version: number; statements: readonly string[] }[] {
  if (current > SCHEMA_VERSION) {
    throw new ConfigurationError(
      `the database has schema ${current}, this version knows ${SCHEMA_VERSION}: run the newer version, or restore a backup from before the upgrade`
    )
  }
  if (target >= current) {
    return MIGRATIONS.filter(({ version }) => version > current && version <= target).map(({ version, up }) => ({
      version,
      statements: up
    }))
  }
  const undone = MIGRATIONS.filter(({ version }) => version <= current && version > target).reverse()
  return undone.map(({ version, down }) => ({ version: version - 1, statements: down }))
}

/** A table as whoever copies it sees it. */
export interface Table {
  name: string
  /** The primary key. */
  key: readonly string[]
  columns: readonly string[]
}

export const TABLES: readonly Table[] = [
  { name: 'grantor_clients', key: ['realm', 'client_id'], columns: ['realm', 'client_id', 'record'] },
  { name: 'grantor_grants', key: ['realm', 'id'], columns: ['realm', ...GRANT_COLUMNS] },
  { name: 'grantor_artifacts', key: ['realm', 'kind', 'id'], columns: ['realm', ...ARTIFACT_COLUMNS, 'consumed_at'] }
]
