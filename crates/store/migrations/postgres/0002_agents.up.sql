ALTER TABLE users ADD COLUMN password_hash text;
ALTER TABLE users ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE users ADD COLUMN deleted_at timestamptz;
ALTER TABLE teams ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
ALTER TABLE teams ADD COLUMN retention_days bigint CHECK (retention_days > 0);
ALTER TABLE teams ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE teams ADD COLUMN deleted_at timestamptz;
CREATE INDEX users_created ON users (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX teams_created ON teams (created_at, id) WHERE deleted_at IS NULL;

-- The only door into append-only tables: a row here that is not closed, seen by nobody else, because it is closed in the
-- transaction that opened it.
CREATE TABLE maintenance_runs (
    id            uuid PRIMARY KEY,
    team_id       uuid,
    actor         text NOT NULL,
    reason        text NOT NULL,
    opened_at     timestamptz NOT NULL,
    closed_at     timestamptz,
    rows_deleted  bigint NOT NULL DEFAULT 0 CHECK (rows_deleted >= 0),
    rows_redacted bigint NOT NULL DEFAULT 0 CHECK (rows_redacted >= 0)
);
CREATE INDEX maintenance_runs_open ON maintenance_runs (id) WHERE closed_at IS NULL;
CREATE INDEX maintenance_runs_opened ON maintenance_runs (opened_at, id);
CREATE FUNCTION keep_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
-- The arguments name the columns that maintenance may blank.
DECLARE
    -- Without arguments they are NULL, not none.
    payload text[] := coalesce(TG_ARGV, '{}');
    before  jsonb;
    after   jsonb;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    before := to_jsonb(OLD);
    after := to_jsonb(NEW);
    IF before - payload IS DISTINCT FROM after - payload OR EXISTS (
        SELECT 1 FROM unnest(payload) AS name WHERE after -> name <> 'null'::jsonb AND after -> name <> before -> name
    ) THEN
        RAISE EXCEPTION '% is append-only: maintenance may only blank its payload', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
-- Maintenance may remove what a session that is purged leaves behind.
DROP TRIGGER session_events_keep ON session_events;
CREATE TRIGGER session_events_keep BEFORE UPDATE OR DELETE ON session_events
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER session_events_remain BEFORE TRUNCATE ON session_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    team_id       uuid NOT NULL REFERENCES teams (id),
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    prefix        text NOT NULL,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (length(secret_sha256) = 32),
    scopes        jsonb NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    last_used_at  timestamptz,
    revoked_at    timestamptz
);
CREATE INDEX api_keys_team ON api_keys (team_id, created_at, id);
CREATE INDEX api_keys_user ON api_keys (user_id);

CREATE TABLE login_sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    user_agent   text,
    ip           text,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX login_sessions_user ON login_sessions (user_id, created_at, id);
CREATE INDEX login_sessions_expiring ON login_sessions (expires_at);

CREATE TABLE agents (
    id              uuid PRIMARY KEY,
    team_id         uuid NOT NULL REFERENCES teams (id),
    slug            text NOT NULL,
    name            text NOT NULL,
    tagline         text NOT NULL,
    status          text NOT NULL CHECK (status IN ('draft', 'active', 'paused', 'archived')),
    current_version bigint NOT NULL CHECK (current_version >= 1),
    version         bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    UNIQUE (team_id, slug)
);
CREATE INDEX agents_team_created ON agents (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX agents_team_status ON agents (team_id, status, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE agent_versions (
    agent_id   uuid NOT NULL REFERENCES agents (id),
    version    bigint NOT NULL CHECK (version >= 1),
    dna        jsonb NOT NULL,
    reason     text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, version)
);
CREATE TRIGGER agent_versions_keep BEFORE UPDATE OR DELETE ON agent_versions
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER agent_versions_remain BEFORE TRUNCATE ON agent_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
