CREATE TABLE working_directory_archives (
    id              uuid PRIMARY KEY,
    team_id         uuid NOT NULL REFERENCES teams (id),
    session_id      uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    storage_backend text NOT NULL CHECK (storage_backend IN ('local', 's3', 'gcs', 'azure')),
    archive_path    text NOT NULL UNIQUE,
    compression     text NOT NULL CHECK (compression IN ('gzip', 'zstd', 'none')),
    size_bytes      bigint CHECK (size_bytes >= 0),
    sha256          bytea CHECK (length(sha256) = 32),
    manifest        jsonb,
    status          text NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
    attempts        bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_message   text,
    archived_at     timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);
CREATE INDEX working_directory_archives_session ON working_directory_archives (session_id, created_at, id);
CREATE INDEX working_directory_archives_team ON working_directory_archives (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX working_directory_archives_status ON working_directory_archives (team_id, status, created_at, id) WHERE deleted_at IS NULL;
ALTER TABLE sessions ADD COLUMN archive_id uuid REFERENCES working_directory_archives (id) ON DELETE SET NULL;
CREATE INDEX sessions_archive ON sessions (archive_id) WHERE archive_id IS NOT NULL;
CREATE INDEX sessions_team_archived ON sessions (team_id, created_at, id) WHERE archive_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE cost_entries (
    id                    uuid PRIMARY KEY,
    team_id               uuid NOT NULL,
    session_id            uuid,
    user_id               uuid,
    agent_id              uuid,
    task_id               uuid,
    model                 text,
    input_tokens          bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens         bigint NOT NULL CHECK (output_tokens >= 0),
    cache_creation_tokens bigint NOT NULL CHECK (cache_creation_tokens >= 0),
    cache_read_tokens     bigint NOT NULL CHECK (cache_read_tokens >= 0),
    cost_usd_micros       bigint CHECK (cost_usd_micros >= 0),
    source                text NOT NULL CHECK (source IN ('reported', 'computed', 'imported')),
    at                    timestamptz NOT NULL
);
CREATE INDEX cost_entries_team ON cost_entries (team_id, at, id, cost_usd_micros);
CREATE INDEX cost_entries_model ON cost_entries (team_id, model, at, id) WHERE model IS NOT NULL;
CREATE INDEX cost_entries_source ON cost_entries (team_id, source, at, id);
CREATE INDEX cost_entries_session ON cost_entries (session_id, at) WHERE session_id IS NOT NULL;
CREATE INDEX cost_entries_user ON cost_entries (user_id, team_id, at, cost_usd_micros) WHERE user_id IS NOT NULL;
CREATE INDEX cost_entries_agent ON cost_entries (agent_id, team_id, at, cost_usd_micros) WHERE agent_id IS NOT NULL;
CREATE INDEX cost_entries_task ON cost_entries (task_id, at) WHERE task_id IS NOT NULL;
CREATE TRIGGER cost_entries_keep BEFORE UPDATE OR DELETE ON cost_entries
    FOR EACH ROW EXECUTE FUNCTION keep_append_only('session_id', 'user_id', 'agent_id', 'task_id');
CREATE TRIGGER cost_entries_remain BEFORE TRUNCATE ON cost_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE budgets (
    id               uuid PRIMARY KEY,
    team_id          uuid NOT NULL REFERENCES teams (id),
    scope            text NOT NULL CHECK (scope IN ('user', 'team', 'session', 'agent')),
    target_id        uuid NOT NULL,
    period           text NOT NULL CHECK (period IN ('hourly', 'daily', 'weekly', 'monthly', 'total')),
    limit_usd_micros bigint NOT NULL CHECK (limit_usd_micros >= 0),
    alert_percent    bigint NOT NULL CHECK (alert_percent BETWEEN 1 AND 100),
    is_hard          boolean NOT NULL,
    version          bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    deleted_at       timestamptz
);
CREATE UNIQUE INDEX budgets_target ON budgets (team_id, scope, target_id, period) WHERE deleted_at IS NULL;
CREATE INDEX budgets_team_created ON budgets (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE budget_reservations (
    id                 uuid PRIMARY KEY,
    budget_id          uuid NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
    session_id         uuid REFERENCES sessions (id) ON DELETE SET NULL,
    amount_usd_micros  bigint NOT NULL CHECK (amount_usd_micros >= 0),
    settled_usd_micros bigint CHECK (settled_usd_micros >= 0),
    state              text NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CHECK ((state = 'settled') = (settled_usd_micros IS NOT NULL))
);
CREATE INDEX budget_reservations_budget ON budget_reservations (budget_id, state, created_at, amount_usd_micros, settled_usd_micros);
CREATE INDEX budget_reservations_session ON budget_reservations (session_id, state);

CREATE TABLE metrics (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    value      double precision NOT NULL CHECK (value >= 0),
    labels     jsonb NOT NULL,
    session_id uuid REFERENCES sessions (id) ON DELETE SET NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX metrics_name ON metrics (team_id, name, at, id);
CREATE INDEX metrics_session ON metrics (session_id, at, id) WHERE session_id IS NOT NULL;

CREATE TABLE model_prices (
    model                                 text COLLATE "C" NOT NULL,
    valid_from                            timestamptz NOT NULL,
    input_usd_micros_per_million          bigint NOT NULL CHECK (input_usd_micros_per_million >= 0),
    output_usd_micros_per_million         bigint NOT NULL CHECK (output_usd_micros_per_million >= 0),
    cache_creation_usd_micros_per_million bigint NOT NULL CHECK (cache_creation_usd_micros_per_million >= 0),
    cache_read_usd_micros_per_million     bigint NOT NULL CHECK (cache_read_usd_micros_per_million >= 0),
    updated_by                            text NOT NULL,
    updated_at                            timestamptz NOT NULL,
    PRIMARY KEY (model, valid_from)
);
