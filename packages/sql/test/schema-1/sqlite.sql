CREATE TABLE grantor_clients (
  realm TEXT NOT NULL,
  client_id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (realm, client_id)
);
CREATE TABLE grantor_grants (
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
);
CREATE INDEX grantor_grants_by_subject ON grantor_grants (realm, subject, client_id);
CREATE INDEX grantor_grants_by_client ON grantor_grants (realm, client_id);
CREATE INDEX grantor_grants_by_session ON grantor_grants (realm, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX grantor_grants_by_expiry ON grantor_grants (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE grantor_artifacts (
  realm TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  secret_hash TEXT,
  value TEXT NOT NULL,
  grant_id TEXT,
  expires_at BIGINT NOT NULL,
  consumed_at BIGINT,
  PRIMARY KEY (realm, kind, id)
);
CREATE INDEX grantor_artifacts_by_expiry ON grantor_artifacts (expires_at);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
