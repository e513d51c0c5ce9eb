CREATE TABLE users (
    id           TEXT PRIMARY KEY NOT NULL,
    email        TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    is_active    INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE teams (
    id         TEXT PRIMARY KEY NOT NULL,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE team_memberships (
    team_id    TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_memberships_user ON team_memberships (user_id);

CREATE TABLE sessions (
    id                       TEXT PRIMARY KEY NOT NULL,
    team_id                  TEXT NOT NULL REFERENCES teams (id),
    user_id                  TEXT REFERENCES users (id) ON DELETE SET NULL,
    name                     TEXT NOT NULL,
    mode                     TEXT NOT NULL CHECK (mode IN ('interactive', 'background', 'forked')),
    status                   TEXT NOT NULL CHECK (status IN ('created', 'connecting', 'active', 'waiting', 'processing', 'paused', 'completed', 'failed', 'terminated', 'archived')),
    runtime                  TEXT NOT NULL CHECK (runtime IN ('claude', 'scripted')),
    origin                   TEXT NOT NULL CHECK (origin IN ('run', 'captured', 'imported')),
    external_id              TEXT,
    working_directory        TEXT NOT NULL,
    model                    TEXT,
    system_prompt            TEXT,
    permission_mode          TEXT NOT NULL CHECK (permission_mode IN ('default', 'acceptEdits', 'plan', 'bypassPermissions', 'dontAsk')),
    max_turns                INTEGER CHECK (max_turns > 0),
    budget_usd_micros        INTEGER CHECK (budget_usd_micros >= 0),
    timeout_seconds          INTEGER NOT NULL CHECK (timeout_seconds > 0),
    total_messages           INTEGER NOT NULL DEFAULT 0 CHECK (total_messages >= 0),
    total_tool_calls         INTEGER NOT NULL DEFAULT 0 CHECK (total_tool_calls >= 0),
    total_permission_checks  INTEGER NOT NULL DEFAULT 0 CHECK (total_permission_checks >= 0),
    total_errors             INTEGER NOT NULL DEFAULT 0 CHECK (total_errors >= 0),
    total_retries            INTEGER NOT NULL DEFAULT 0 CHECK (total_retries >= 0),
    input_tokens             INTEGER NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    output_tokens            INTEGER NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    cache_creation_tokens    INTEGER NOT NULL DEFAULT 0 CHECK (cache_creation_tokens >= 0),
    cache_read_tokens        INTEGER NOT NULL DEFAULT 0 CHECK (cache_read_tokens >= 0),
    total_cost_usd_micros    INTEGER NOT NULL DEFAULT 0 CHECK (total_cost_usd_micros >= 0),
    duration_ms              INTEGER NOT NULL DEFAULT 0 CHECK (duration_ms >= 0),
    reported_cost_usd_micros INTEGER NOT NULL DEFAULT 0 CHECK (reported_cost_usd_micros >= 0),
    result                   TEXT CHECK (json_valid(result)),
    error_message            TEXT,
    created_at               INTEGER NOT NULL,
    updated_at               INTEGER NOT NULL,
    started_at               INTEGER,
    completed_at             INTEGER,
    last_activity_at         INTEGER NOT NULL,
    lease_owner              TEXT,
    lease_expires_at         INTEGER,
    fence                    INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    next_sequence            INTEGER NOT NULL DEFAULT 1 CHECK (next_sequence >= 1),
    deleted_at               INTEGER,
    CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
) STRICT;
CREATE INDEX sessions_team_created ON sessions (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_team_status ON sessions (team_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_leased ON sessions (lease_expires_at) WHERE lease_owner IS NOT NULL;

CREATE TABLE session_transitions (
    id          TEXT PRIMARY KEY NOT NULL,
    session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence    INTEGER NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    reason      TEXT NOT NULL,
    actor       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (session_id, sequence)
) STRICT;

CREATE TABLE session_commands (
    id         TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('prompt', 'interrupt', 'pause', 'resume', 'terminate', 'set_mode', 'set_model', 'answer')),
    payload    TEXT NOT NULL CHECK (json_valid(payload)),
    author     TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('queued', 'delivered', 'done', 'cancelled', 'refused')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (session_id, sequence)
) STRICT;
CREATE INDEX session_commands_open ON session_commands (session_id, status) WHERE status IN ('queued', 'delivered');

CREATE TABLE messages (
    id                 TEXT PRIMARY KEY NOT NULL,
    session_id         TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence           INTEGER NOT NULL,
    message_type       TEXT NOT NULL CHECK (message_type IN ('user', 'assistant', 'system', 'result')),
    subtype            TEXT,
    content            TEXT NOT NULL CHECK (json_valid(content)),
    model              TEXT,
    thinking_content   TEXT,
    parent_tool_use_id TEXT,
    external_id        TEXT,
    usage              TEXT CHECK (json_valid(usage)),
    created_at         INTEGER NOT NULL,
    UNIQUE (session_id, sequence)
) STRICT;

CREATE TABLE tool_calls (
    id                  TEXT PRIMARY KEY NOT NULL,
    session_id          TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    message_id          TEXT REFERENCES messages (id) ON DELETE SET NULL,
    sequence            INTEGER NOT NULL,
    tool_use_id         TEXT NOT NULL,
    tool_name           TEXT NOT NULL,
    tool_input          TEXT NOT NULL CHECK (json_valid(tool_input)),
    tool_output         TEXT CHECK (json_valid(tool_output)),
    status              TEXT NOT NULL CHECK (status IN ('pending', 'running', 'success', 'error', 'denied')),
    error_message       TEXT,
    permission_decision TEXT CHECK (permission_decision IN ('allow', 'deny', 'ask')),
    permission_reason   TEXT,
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    completed_at        INTEGER,
    duration_ms         INTEGER CHECK (duration_ms >= 0),
    UNIQUE (session_id, sequence)
) STRICT;
-- Not unique: an agent program that repeats an id must not end its session.
CREATE INDEX tool_calls_use ON tool_calls (session_id, tool_use_id);
CREATE INDEX tool_calls_message ON tool_calls (message_id);
CREATE INDEX tool_calls_open ON tool_calls (session_id, status) WHERE status IN ('pending', 'running');

CREATE TABLE session_events (
    session_id TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('message', 'tool_call', 'transition', 'command')),
    row_id     TEXT NOT NULL,
    change     TEXT NOT NULL CHECK (change IN ('created', 'updated', 'replaced', 'removed')),
    at         INTEGER NOT NULL,
    PRIMARY KEY (session_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER session_events_keep BEFORE UPDATE ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
CREATE TRIGGER session_events_remain BEFORE DELETE ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
