ALTER TABLE users ADD COLUMN password_hash TEXT;
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE users ADD COLUMN deleted_at INTEGER;
ALTER TABLE teams ADD COLUMN settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings));
ALTER TABLE teams ADD COLUMN retention_days INTEGER CHECK (retention_days > 0);
ALTER TABLE teams ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE teams ADD COLUMN deleted_at INTEGER;
CREATE INDEX users_created ON users (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX teams_created ON teams (created_at, id) WHERE deleted_at IS NULL;

-- The only door into append-only tables: a row here that is not closed, seen by nobody else, because it is closed in the
-- transaction that opened it.
CREATE TABLE maintenance_runs (
    id            TEXT PRIMARY KEY NOT NULL,
    team_id       TEXT,
    actor         TEXT NOT NULL,
    reason        TEXT NOT NULL,
    opened_at     INTEGER NOT NULL,
    closed_at     INTEGER,
    rows_deleted  INTEGER NOT NULL DEFAULT 0 CHECK (rows_deleted >= 0),
    rows_redacted INTEGER NOT NULL DEFAULT 0 CHECK (rows_redacted >= 0)
) STRICT;
CREATE INDEX maintenance_runs_open ON maintenance_runs (id) WHERE closed_at IS NULL;
CREATE INDEX maintenance_runs_opened ON maintenance_runs (opened_at, id);
-- Maintenance may remove what a session that is purged leaves behind.
DROP TRIGGER session_events_keep;
DROP TRIGGER session_events_remain;
CREATE TRIGGER session_events_remain BEFORE DELETE ON session_events WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
CREATE TRIGGER session_events_keep BEFORE UPDATE OF session_id, sequence, kind, row_id, change, at ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;

CREATE TABLE api_keys (
    id            TEXT PRIMARY KEY NOT NULL,
    team_id       TEXT NOT NULL REFERENCES teams (id),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    prefix        TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    scopes        TEXT NOT NULL CHECK (json_valid(scopes)),
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    last_used_at  INTEGER,
    revoked_at    INTEGER
) STRICT;
CREATE INDEX api_keys_team ON api_keys (team_id, created_at, id);
CREATE INDEX api_keys_user ON api_keys (user_id);

CREATE TABLE login_sessions (
    id           TEXT PRIMARY KEY NOT NULL,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_sha256 BLOB NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    user_agent   TEXT,
    ip           TEXT,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX login_sessions_user ON login_sessions (user_id, created_at, id);
CREATE INDEX login_sessions_expiring ON login_sessions (expires_at);

CREATE TABLE agents (
    id              TEXT PRIMARY KEY NOT NULL,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    slug            TEXT NOT NULL,
    name            TEXT NOT NULL,
    tagline         TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('draft', 'active', 'paused', 'archived')),
    current_version INTEGER NOT NULL CHECK (current_version >= 1),
    version         INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_by      TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    UNIQUE (team_id, slug)
) STRICT;
CREATE INDEX agents_team_created ON agents (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX agents_team_status ON agents (team_id, status, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE agent_versions (
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    version    INTEGER NOT NULL CHECK (version >= 1),
    dna        TEXT NOT NULL CHECK (json_valid(dna)),
    reason     TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, version)
) STRICT;
CREATE TRIGGER agent_versions_remain BEFORE DELETE ON agent_versions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'agent_versions is append-only');
END;
CREATE TRIGGER agent_versions_keep BEFORE UPDATE OF agent_id, version, dna, reason, created_by, created_at ON agent_versions BEGIN
    SELECT RAISE(ABORT, 'agent_versions is append-only');
END;
