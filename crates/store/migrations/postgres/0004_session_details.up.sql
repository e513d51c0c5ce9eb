CREATE TABLE session_templates (
    id          uuid PRIMARY KEY,
    team_id     uuid NOT NULL REFERENCES teams (id),
    name        text NOT NULL,
    category    text,
    description text NOT NULL,
    options     jsonb NOT NULL,
    tags        jsonb NOT NULL,
    usage_count bigint NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    version     bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX session_templates_name ON session_templates (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX session_templates_team_created ON session_templates (team_id, created_at, id) WHERE deleted_at IS NULL;

ALTER TABLE sessions ADD COLUMN agent_id uuid REFERENCES agents (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN agent_version bigint;
ALTER TABLE sessions ADD COLUMN task_id uuid REFERENCES tasks (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN template_id uuid REFERENCES session_templates (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN description text;
ALTER TABLE sessions ADD COLUMN parent_session_id uuid REFERENCES sessions (id) ON DELETE SET NULL;
ALTER TABLE sessions ADD COLUMN fork_at_message bigint CHECK (fork_at_message >= 0);
ALTER TABLE sessions ADD COLUMN allowed_tools jsonb NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN disallowed_tools jsonb NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN custom_policies jsonb NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN hooks_enabled boolean NOT NULL DEFAULT true;
ALTER TABLE sessions ADD COLUMN include_partial_messages boolean NOT NULL DEFAULT false;
ALTER TABLE sessions ADD COLUMN max_retries bigint NOT NULL DEFAULT 3 CHECK (max_retries >= 0);
ALTER TABLE sessions ADD COLUMN retry_delay_ms bigint NOT NULL DEFAULT 2000 CHECK (retry_delay_ms >= 0);
ALTER TABLE sessions ADD COLUMN sdk_options jsonb NOT NULL DEFAULT '{}';
ALTER TABLE sessions ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}';
ALTER TABLE sessions ADD COLUMN total_hook_executions bigint NOT NULL DEFAULT 0 CHECK (total_hook_executions >= 0);
ALTER TABLE sessions ADD COLUMN priority bigint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10);
ALTER TABLE sessions ADD COLUMN queued_at timestamptz;
ALTER TABLE sessions ADD COLUMN attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0);
ALTER TABLE sessions ADD COLUMN next_attempt_at timestamptz;
ALTER TABLE sessions ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1);
CREATE INDEX sessions_agent ON sessions (agent_id, created_at, id);
CREATE INDEX sessions_task ON sessions (task_id, created_at, id);
CREATE INDEX sessions_template ON sessions (template_id);
CREATE INDEX sessions_parent ON sessions (parent_session_id, created_at, id);
CREATE INDEX sessions_team_mode ON sessions (team_id, mode, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_team_user ON sessions (team_id, user_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_queue ON sessions (priority, queued_at, id) WHERE queued_at IS NOT NULL AND lease_owner IS NULL AND deleted_at IS NULL;

ALTER TABLE messages ADD COLUMN is_partial boolean NOT NULL DEFAULT false;
ALTER TABLE messages ADD COLUMN parent_message_id uuid REFERENCES messages (id) ON DELETE SET NULL;
ALTER TABLE messages ADD COLUMN feedback_rating text CHECK (feedback_rating IN ('positive', 'negative'));
ALTER TABLE messages ADD COLUMN feedback_comment text;
CREATE INDEX messages_parent ON messages (parent_message_id) WHERE parent_message_id IS NOT NULL;
CREATE INDEX messages_partial ON messages (session_id, sequence) WHERE is_partial;

ALTER TABLE session_transitions ADD COLUMN forced boolean NOT NULL DEFAULT false;

ALTER TABLE tool_calls ADD COLUMN hook_pre_data jsonb;
ALTER TABLE tool_calls ADD COLUMN hook_post_data jsonb;
ALTER TABLE tool_calls ADD COLUMN retries bigint NOT NULL DEFAULT 0 CHECK (retries >= 0);

CREATE TABLE agent_instances (
    id                 uuid PRIMARY KEY,
    team_id            uuid NOT NULL REFERENCES teams (id),
    session_id         uuid REFERENCES sessions (id) ON DELETE SET NULL,
    task_id            uuid REFERENCES tasks (id) ON DELETE SET NULL,
    agent_id           uuid REFERENCES agents (id) ON DELETE SET NULL,
    kind               text NOT NULL CHECK (kind IN ('main', 'subagent')),
    name               text NOT NULL,
    specialization     text,
    external_id        text,
    parent_tool_use_id text,
    state              text NOT NULL CHECK (state IN ('spawning', 'idle', 'working', 'waiting', 'terminated')),
    model              text,
    resource_usage     jsonb,
    spawned_at         timestamptz NOT NULL,
    terminated_at      timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL
);
CREATE INDEX agent_instances_team ON agent_instances (team_id, created_at, id);
CREATE INDEX agent_instances_session ON agent_instances (session_id, created_at, id);
CREATE INDEX agent_instances_task ON agent_instances (task_id);
CREATE INDEX agent_instances_agent ON agent_instances (agent_id);

CREATE TABLE session_state (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    key        text COLLATE "C" NOT NULL,
    value      jsonb NOT NULL,
    version    bigint NOT NULL CHECK (version >= 1),
    updated_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, key)
);

CREATE TABLE checkpoints (
    id               uuid PRIMARY KEY,
    team_id          uuid NOT NULL REFERENCES teams (id),
    session_id       uuid REFERENCES sessions (id) ON DELETE CASCADE,
    task_id          uuid REFERENCES tasks (id) ON DELETE CASCADE,
    name             text NOT NULL,
    iteration        bigint NOT NULL CHECK (iteration >= 0),
    state            jsonb NOT NULL,
    message_sequence bigint CHECK (message_sequence >= 0),
    file_snapshot    text,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL,
    deleted_at       timestamptz,
    CHECK (session_id IS NOT NULL OR task_id IS NOT NULL)
);
CREATE INDEX checkpoints_session ON checkpoints (session_id, created_at, id);
CREATE INDEX checkpoints_task ON checkpoints (task_id, created_at, id);

CREATE TABLE session_metrics_snapshots (
    id                      uuid PRIMARY KEY,
    session_id              uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    snapshot_type           text NOT NULL CHECK (snapshot_type IN ('periodic', 'checkpoint', 'final')),
    total_messages          bigint NOT NULL CHECK (total_messages >= 0),
    total_tool_calls        bigint NOT NULL CHECK (total_tool_calls >= 0),
    total_hook_executions   bigint NOT NULL CHECK (total_hook_executions >= 0),
    total_permission_checks bigint NOT NULL CHECK (total_permission_checks >= 0),
    total_errors            bigint NOT NULL CHECK (total_errors >= 0),
    total_retries           bigint NOT NULL CHECK (total_retries >= 0),
    input_tokens            bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens           bigint NOT NULL CHECK (output_tokens >= 0),
    cache_creation_tokens   bigint NOT NULL CHECK (cache_creation_tokens >= 0),
    cache_read_tokens       bigint NOT NULL CHECK (cache_read_tokens >= 0),
    total_cost_usd_micros   bigint NOT NULL CHECK (total_cost_usd_micros >= 0),
    duration_ms             bigint NOT NULL CHECK (duration_ms >= 0),
    avg_tool_duration_ms    double precision CHECK (avg_tool_duration_ms >= 0),
    metrics                 jsonb NOT NULL,
    snapshot_at             timestamptz NOT NULL
);
CREATE INDEX session_metrics_snapshots_session ON session_metrics_snapshots (session_id, snapshot_at, id);

CREATE TABLE transcript_segments (
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    path_key   text COLLATE "C" NOT NULL,
    ordinal    bigint NOT NULL CHECK (ordinal >= 0),
    bytes      bytea NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, path_key, ordinal)
);

CREATE TABLE nodes (
    id           uuid PRIMARY KEY,
    owner        text NOT NULL UNIQUE,
    version      text NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    stopped_at   timestamptz
);
CREATE INDEX nodes_heartbeat ON nodes (heartbeat_at) WHERE stopped_at IS NULL;
-- What was said, found by its words: the text of messages, the names and inputs of tool calls. The texts stay where they
-- are; this only leads to them.
CREATE TABLE message_search (
    number     bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    team_id    uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence   bigint NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('message', 'tool_call')),
    row_id     uuid NOT NULL UNIQUE,
    words      tsvector NOT NULL
);
CREATE INDEX message_search_session ON message_search (session_id, sequence);
-- Sessions from before there was a search: their words are added after the migration, a few rows at a time.
CREATE TABLE search_pending (
    session_id uuid PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    team_id    uuid NOT NULL
);
INSERT INTO search_pending (session_id, team_id) SELECT id, team_id FROM sessions WHERE next_sequence > 1;
CREATE INDEX message_search_words ON message_search USING gin (words);
