CREATE TABLE working_directory_archives (
    id              TEXT PRIMARY KEY NOT NULL,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    session_id      TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    storage_backend TEXT NOT NULL CHECK (storage_backend IN ('local', 's3', 'gcs', 'azure')),
    archive_path    TEXT NOT NULL UNIQUE,
    compression     TEXT NOT NULL CHECK (compression IN ('gzip', 'zstd', 'none')),
    size_bytes      INTEGER CHECK (size_bytes >= 0),
    sha256          BLOB CHECK (length(sha256) = 32),
    manifest        TEXT CHECK (json_valid(manifest)),
    status          TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_message   TEXT,
    archived_at     INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT;
CREATE INDEX working_directory_archives_session ON working_directory_archives (session_id, created_at, id);
CREATE INDEX working_directory_archives_team ON working_directory_archives (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX working_directory_archives_status ON working_directory_archives (team_id, status, created_at, id) WHERE deleted_at IS NULL;
ALTER TABLE sessions ADD COLUMN archive_id TEXT REFERENCES working_directory_archives (id) ON DELETE SET NULL;
CREATE INDEX sessions_archive ON sessions (archive_id) WHERE archive_id IS NOT NULL;
CREATE INDEX sessions_team_archived ON sessions (team_id, created_at, id) WHERE archive_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE cost_entries (
    id                    TEXT PRIMARY KEY NOT NULL,
    team_id               TEXT NOT NULL,
    session_id            TEXT,
    user_id               TEXT,
    agent_id              TEXT,
    task_id               TEXT,
    model                 TEXT,
    input_tokens          INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens         INTEGER NOT NULL CHECK (output_tokens >= 0),
    cache_creation_tokens INTEGER NOT NULL CHECK (cache_creation_tokens >= 0),
    cache_read_tokens     INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
    cost_usd_micros       INTEGER CHECK (cost_usd_micros >= 0),
    source                TEXT NOT NULL CHECK (source IN ('reported', 'computed', 'imported')),
    at                    INTEGER NOT NULL
) STRICT;
CREATE INDEX cost_entries_team ON cost_entries (team_id, at, id, cost_usd_micros);
CREATE INDEX cost_entries_model ON cost_entries (team_id, model, at, id) WHERE model IS NOT NULL;
CREATE INDEX cost_entries_source ON cost_entries (team_id, source, at, id);
CREATE INDEX cost_entries_session ON cost_entries (session_id, at) WHERE session_id IS NOT NULL;
CREATE INDEX cost_entries_user ON cost_entries (user_id, team_id, at, cost_usd_micros) WHERE user_id IS NOT NULL;
CREATE INDEX cost_entries_agent ON cost_entries (agent_id, team_id, at, cost_usd_micros) WHERE agent_id IS NOT NULL;
CREATE INDEX cost_entries_task ON cost_entries (task_id, at) WHERE task_id IS NOT NULL;
CREATE TRIGGER cost_entries_remain BEFORE DELETE ON cost_entries WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'cost_entries is append-only');
END;
CREATE TRIGGER cost_entries_keep BEFORE UPDATE OF id, team_id, model, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, cost_usd_micros, source, at ON cost_entries BEGIN
    SELECT RAISE(ABORT, 'cost_entries is append-only');
END;
CREATE TRIGGER cost_entries_blank BEFORE UPDATE OF session_id, user_id, agent_id, task_id ON cost_entries WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.session_id IS NOT NULL AND NEW.session_id IS NOT OLD.session_id) OR (NEW.user_id IS NOT NULL AND NEW.user_id IS NOT OLD.user_id) OR (NEW.agent_id IS NOT NULL AND NEW.agent_id IS NOT OLD.agent_id) OR (NEW.task_id IS NOT NULL AND NEW.task_id IS NOT OLD.task_id) BEGIN
    SELECT RAISE(ABORT, 'cost_entries is append-only: maintenance may only blank its payload');
END;

CREATE TABLE budgets (
    id               TEXT PRIMARY KEY NOT NULL,
    team_id          TEXT NOT NULL REFERENCES teams (id),
    scope            TEXT NOT NULL CHECK (scope IN ('user', 'team', 'session', 'agent')),
    target_id        TEXT NOT NULL,
    period           TEXT NOT NULL CHECK (period IN ('hourly', 'daily', 'weekly', 'monthly', 'total')),
    limit_usd_micros INTEGER NOT NULL CHECK (limit_usd_micros >= 0),
    alert_percent    INTEGER NOT NULL CHECK (alert_percent BETWEEN 1 AND 100),
    is_hard          INTEGER NOT NULL CHECK (is_hard IN (0, 1)),
    version          INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    deleted_at       INTEGER
) STRICT;
CREATE UNIQUE INDEX budgets_target ON budgets (team_id, scope, target_id, period) WHERE deleted_at IS NULL;
CREATE INDEX budgets_team_created ON budgets (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE budget_reservations (
    id                 TEXT PRIMARY KEY NOT NULL,
    budget_id          TEXT NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
    session_id         TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    amount_usd_micros  INTEGER NOT NULL CHECK (amount_usd_micros >= 0),
    settled_usd_micros INTEGER CHECK (settled_usd_micros >= 0),
    state              TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released')),
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    CHECK ((state = 'settled') = (settled_usd_micros IS NOT NULL))
) STRICT;
CREATE INDEX budget_reservations_budget ON budget_reservations (budget_id, state, created_at, amount_usd_micros, settled_usd_micros);
CREATE INDEX budget_reservations_session ON budget_reservations (session_id, state);

CREATE TABLE metrics (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    value      REAL NOT NULL CHECK (value >= 0),
    labels     TEXT NOT NULL CHECK (json_valid(labels)),
    session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX metrics_name ON metrics (team_id, name, at, id);
CREATE INDEX metrics_session ON metrics (session_id, at, id) WHERE session_id IS NOT NULL;

CREATE TABLE model_prices (
    model                                 TEXT NOT NULL,
    valid_from                            INTEGER NOT NULL,
    input_usd_micros_per_million          INTEGER NOT NULL CHECK (input_usd_micros_per_million >= 0),
    output_usd_micros_per_million         INTEGER NOT NULL CHECK (output_usd_micros_per_million >= 0),
    cache_creation_usd_micros_per_million INTEGER NOT NULL CHECK (cache_creation_usd_micros_per_million >= 0),
    cache_read_usd_micros_per_million     INTEGER NOT NULL CHECK (cache_read_usd_micros_per_million >= 0),
    updated_by                            TEXT NOT NULL,
    updated_at                            INTEGER NOT NULL,
    PRIMARY KEY (model, valid_from)
) STRICT, WITHOUT ROWID;
