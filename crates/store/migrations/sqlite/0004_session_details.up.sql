CREATE TABLE session_templates (
    id          TEXT PRIMARY KEY NOT NULL,
    team_id     TEXT NOT NULL REFERENCES teams (id),
    name        TEXT NOT NULL,
    category    TEXT,
    description TEXT NOT NULL,
    options     TEXT NOT NULL CHECK (json_valid(options)),
    tags        TEXT NOT NULL CHECK (json_valid(tags)),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    version     INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    deleted_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX session_templates_name ON session_templates (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX session_templates_team_created ON session_templates (team_id, created_at, id) WHERE deleted_at IS NULL;

ALTER TABLE sessions ADD COLUMN agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN agent_version INTEGER;
ALTER TABLE sessions ADD COLUMN task_id TEXT REFERENCES tasks (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN template_id TEXT REFERENCES session_templates (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN description TEXT;
ALTER TABLE sessions ADD COLUMN parent_session_id TEXT REFERENCES sessions (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN fork_at_message INTEGER CHECK (fork_at_message >= 0);
ALTER TABLE sessions ADD COLUMN allowed_tools TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(allowed_tools));
ALTER TABLE sessions ADD COLUMN disallowed_tools TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(disallowed_tools));
ALTER TABLE sessions ADD COLUMN custom_policies TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(custom_policies));
ALTER TABLE sessions ADD COLUMN hooks_enabled INTEGER NOT NULL DEFAULT 1 CHECK (hooks_enabled IN (0, 1));
ALTER TABLE sessions ADD COLUMN include_partial_messages INTEGER NOT NULL DEFAULT 0 CHECK (include_partial_messages IN (0, 1));
ALTER TABLE sessions ADD COLUMN max_retries INTEGER NOT NULL DEFAULT 3 CHECK (max_retries >= 0);
ALTER TABLE sessions ADD COLUMN retry_delay_ms INTEGER NOT NULL DEFAULT 2000 CHECK (retry_delay_ms >= 0);
ALTER TABLE sessions ADD COLUMN sdk_options TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(sdk_options));
ALTER TABLE sessions ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata));
ALTER TABLE sessions ADD COLUMN total_hook_executions INTEGER NOT NULL DEFAULT 0 CHECK (total_hook_executions >= 0);
ALTER TABLE sessions ADD COLUMN priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10);
ALTER TABLE sessions ADD COLUMN queued_at INTEGER;
ALTER TABLE sessions ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0);
ALTER TABLE sessions ADD COLUMN next_attempt_at INTEGER;
ALTER TABLE sessions ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
CREATE INDEX sessions_agent ON sessions (agent_id, created_at, id);
CREATE INDEX sessions_task ON sessions (task_id, created_at, id);
CREATE INDEX sessions_template ON sessions (template_id);
CREATE INDEX sessions_parent ON sessions (parent_session_id, created_at, id);
CREATE INDEX sessions_team_mode ON sessions (team_id, mode, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_team_user ON sessions (team_id, user_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_queue ON sessions (priority, queued_at, id) WHERE queued_at IS NOT NULL AND lease_owner IS NULL AND deleted_at IS NULL;

ALTER TABLE messages ADD COLUMN is_partial INTEGER NOT NULL DEFAULT 0 CHECK (is_partial IN (0, 1));
ALTER TABLE messages ADD COLUMN parent_message_id TEXT REFERENCES messages (id) ON DELETE SET NULL;
ALTER TABLE messages ADD COLUMN feedback_rating TEXT CHECK (feedback_rating IN ('positive', 'negative'));
ALTER TABLE messages ADD COLUMN feedback_comment TEXT;
CREATE INDEX messages_parent ON messages (parent_message_id) WHERE parent_message_id IS NOT NULL;
CREATE INDEX messages_partial ON messages (session_id, sequence) WHERE is_partial;

ALTER TABLE session_transitions ADD COLUMN forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1));

ALTER TABLE tool_calls ADD COLUMN hook_pre_data TEXT CHECK (json_valid(hook_pre_data));
ALTER TABLE tool_calls ADD COLUMN hook_post_data TEXT CHECK (json_valid(hook_post_data));
ALTER TABLE tool_calls ADD COLUMN retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0);

CREATE TABLE agent_instances (
    id                 TEXT PRIMARY KEY NOT NULL,
    team_id            TEXT NOT NULL REFERENCES teams (id),
    session_id         TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    task_id            TEXT REFERENCES tasks (id) ON DELETE SET NULL,
    agent_id           TEXT REFERENCES agents (id) ON DELETE SET NULL,
    kind               TEXT NOT NULL CHECK (kind IN ('main', 'subagent')),
    name               TEXT NOT NULL,
    specialization     TEXT,
    external_id        TEXT,
    parent_tool_use_id TEXT,
    state              TEXT NOT NULL CHECK (state IN ('spawning', 'idle', 'working', 'waiting', 'terminated')),
    model              TEXT,
    resource_usage     TEXT CHECK (json_valid(resource_usage)),
    spawned_at         INTEGER NOT NULL,
    terminated_at      INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_instances_team ON agent_instances (team_id, created_at, id);
CREATE INDEX agent_instances_session ON agent_instances (session_id, created_at, id);
CREATE INDEX agent_instances_task ON agent_instances (task_id);
CREATE INDEX agent_instances_agent ON agent_instances (agent_id);

CREATE TABLE session_state (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL CHECK (json_valid(value)),
    version    INTEGER NOT NULL CHECK (version >= 1),
    updated_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    id               TEXT PRIMARY KEY NOT NULL,
    team_id          TEXT NOT NULL REFERENCES teams (id),
    session_id       TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    task_id          TEXT REFERENCES tasks (id) ON DELETE CASCADE,
    name             TEXT NOT NULL,
    iteration        INTEGER NOT NULL CHECK (iteration >= 0),
    state            TEXT NOT NULL CHECK (json_valid(state)),
    message_sequence INTEGER CHECK (message_sequence >= 0),
    file_snapshot    TEXT,
    created_by       TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    deleted_at       INTEGER,
    CHECK (session_id IS NOT NULL OR task_id IS NOT NULL)
) STRICT;
CREATE INDEX checkpoints_session ON checkpoints (session_id, created_at, id);
CREATE INDEX checkpoints_task ON checkpoints (task_id, created_at, id);

CREATE TABLE session_metrics_snapshots (
    id                      TEXT PRIMARY KEY NOT NULL,
    session_id              TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    snapshot_type           TEXT NOT NULL CHECK (snapshot_type IN ('periodic', 'checkpoint', 'final')),
    total_messages          INTEGER NOT NULL CHECK (total_messages >= 0),
    total_tool_calls        INTEGER NOT NULL CHECK (total_tool_calls >= 0),
    total_hook_executions   INTEGER NOT NULL CHECK (total_hook_executions >= 0),
    total_permission_checks INTEGER NOT NULL CHECK (total_permission_checks >= 0),
    total_errors            INTEGER NOT NULL CHECK (total_errors >= 0),
    total_retries           INTEGER NOT NULL CHECK (total_retries >= 0),
    input_tokens            INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens           INTEGER NOT NULL CHECK (output_tokens >= 0),
    cache_creation_tokens   INTEGER NOT NULL CHECK (cache_creation_tokens >= 0),
    cache_read_tokens       INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
    total_cost_usd_micros   INTEGER NOT NULL CHECK (total_cost_usd_micros >= 0),
    duration_ms             INTEGER NOT NULL CHECK (duration_ms >= 0),
    avg_tool_duration_ms    REAL CHECK (avg_tool_duration_ms >= 0),
    metrics                 TEXT NOT NULL CHECK (json_valid(metrics)),
    snapshot_at             INTEGER NOT NULL
) STRICT;
CREATE INDEX session_metrics_snapshots_session ON session_metrics_snapshots (session_id, snapshot_at, id);

CREATE TABLE transcript_segments (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    path_key   TEXT NOT NULL,
    ordinal    INTEGER NOT NULL CHECK (ordinal >= 0),
    bytes      BLOB NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, path_key, ordinal)
) STRICT;

CREATE TABLE nodes (
    id           TEXT PRIMARY KEY NOT NULL,
    owner        TEXT NOT NULL UNIQUE,
    version      TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    stopped_at   INTEGER
) STRICT;
CREATE INDEX nodes_heartbeat ON nodes (heartbeat_at) WHERE stopped_at IS NULL;
-- What was said, found by its words: the text of messages, the names and inputs of tool calls. The texts stay where they
-- are; this only leads to them.
CREATE TABLE message_search (
    number     INTEGER PRIMARY KEY,
    team_id    TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('message', 'tool_call')),
    row_id     TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX message_search_session ON message_search (session_id, sequence);
CREATE VIRTUAL TABLE message_words USING fts5(text, content='', contentless_delete=1, tokenize='porter unicode61 remove_diacritics 0');
CREATE TRIGGER message_search_remove AFTER DELETE ON message_search BEGIN
    DELETE FROM message_words WHERE rowid = OLD.number;
END;
-- Sessions from before there was a search: their words are added after the migration, a few rows at a time.
CREATE TABLE search_pending (
    session_id TEXT PRIMARY KEY NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    team_id    TEXT NOT NULL
) STRICT;
INSERT INTO search_pending (session_id, team_id) SELECT id, team_id FROM sessions WHERE next_sequence > 1;
