import { ConfigurationError } from 'grantor'
import { ARTIFACT_COLUMNS, GRANT_COLUMNS } from './statements.ts'

/** A step of the schema. Expand first, contract a version later: the version before must still run on it. */
interface Migration {
  version: number
  /** The oldest version whose code may still run on it: as it was before a step that expands, later after one that contracts. */
  oldest: number
  up: readonly string[]
  /** Undoes `up`, with the data that only it could hold. */
  down: readonly string[]
}

/** In SQL that SQLite and PostgreSQL both accept. Times are seconds since the epoch; `record`, `value`, `details`, `scope` and `amr` are JSON. */
const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    oldest: 1,
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
    oldest: 1,
    up: ['ALTER TABLE grantor_grants ADD COLUMN acr TEXT', 'ALTER TABLE grantor_grants ADD COLUMN amr TEXT'],
    down: ['ALTER TABLE grantor_grants DROP COLUMN amr', 'ALTER TABLE grantor_grants DROP COLUMN acr']
  }
]

/** The version that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.at(-1)?.version ?? 0

/** One number is stored, since SQLite keeps one outside of all tables: the version, and a thousand for each older one that may not run on it. */
const THOUSAND = 1000

/** The version in the number that is stored. */
export function versionOf(stored: number): number {
  return stored % THOUSAND
}

/**
 * What leads from what is stored to a version, up or down, each step with what is to be stored then. Nothing, if a newer version has expanded
 * the schema and this code may run on it.
 * @throws ConfigurationError if the database is newer than this code may touch.
 */
export function stepsBetween(stored: number, target: number): readonly { stored: number; statements: readonly string[] }[] {
  const [current, oldest] = [versionOf(stored), 1 + Math.floor(stored / THOUSAND)]
  if (current > SCHEMA_VERSION) {
    if (target === SCHEMA_VERSION && oldest <= SCHEMA_VERSION) return []
    throw new ConfigurationError(
      `the database has schema ${current} for versions from ${oldest}, this version knows ${SCHEMA_VERSION}: run the newer version, or restore a backup from before the upgrade`
    )
  }
  if (target >= current) {
    const missing = MIGRATIONS.filter(({ version }) => version > current && version <= target)
    return missing.map(({ version, up }) => ({ stored: storedAt(version), statements: up }))
  }
  const undone = MIGRATIONS.filter(({ version }) => version <= current && version > target).reverse()
  return undone.map(({ version, down }) => ({ stored: storedAt(version - 1), statements: down }))
}

function storedAt(version: number): number {
  const { oldest = 1 } = MIGRATIONS.find((migration) => migration.version === version) ?? {}
  return version + THOUSAND * (oldest - 1)
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
