CREATE TABLE grantor_clients (
  realm TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  record TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (realm, client_id)
);
CREATE TABLE grantor_grants (
  realm TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  auth_time BIGINT,
  session_id TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  details TEXT COLLATE "C",
  PRIMARY KEY (realm, id)
);
CREATE INDEX grantor_grants_by_subject ON grantor_grants (realm, subject, client_id);
CREATE INDEX grantor_grants_by_client ON grantor_grants (realm, client_id);
CREATE INDEX grantor_grants_by_session ON grantor_grants (realm, session_id) WHERE session_id IS NOT NULL;
CREATE INDEX grantor_grants_by_expiry ON grantor_grants (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE grantor_artifacts (
  realm TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  secret_hash TEXT COLLATE "C",
  value TEXT COLLATE "C" NOT NULL,
  grant_id TEXT COLLATE "C",
  expires_at BIGINT NOT NULL,
  consumed_at BIGINT,
  PRIMARY KEY (realm, kind, id)
);
CREATE INDEX grantor_artifacts_by_expiry ON grantor_artifacts (expires_at);
CREATE TABLE grantor_schema (id INTEGER PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO grantor_schema (id, version) VALUES (1, 1);
