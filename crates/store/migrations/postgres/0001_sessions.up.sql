CREATE TABLE users (
    id           uuid PRIMARY KEY,
    email        text NOT NULL UNIQUE,
    display_name text NOT NULL,
    is_active    boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

CREATE TABLE teams (
    id         uuid PRIMARY KEY,
    slug       text NOT NULL UNIQUE,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE team_memberships (
    team_id    uuid NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_memberships_user ON team_memberships (user_id);

CREATE TABLE sessions (
    id                       uuid PRIMARY KEY,
    team_id                  uuid NOT NULL REFERENCES teams (id),
    user_id                  uuid REFERENCES users (id) ON DELETE SET NULL,
    name                     text NOT NULL,
    mode                     text NOT NULL CHECK (mode IN ('interactive', 'background', 'forked')),
    status                   text NOT NULL CHECK (status IN ('created', 'connecting', 'active', 'waiting', 'processing', 'paused', 'completed', 'failed', 'terminated', 'archived')),
    runtime                  text NOT NULL CHECK (runtime IN ('claude', 'scripted')),
    origin                   text NOT NULL CHECK (origin IN ('run', 'captured', 'imported')),
    external_id              text,
    working_directory        text NOT NULL,
    model                    text,
    system_prompt            text,
    permission_mode          text NOT NULL CHECK (permission_mode IN ('default', 'acceptEdits', 'plan', 'bypassPermissions', 'dontAsk')),
    max_turns                bigint CHECK (max_turns > 0),
    budget_usd_micros        bigint CHECK (budget_usd_micros >= 0),
    timeout_seconds          bigint NOT NULL CHECK (timeout_seconds > 0),
    total_messages           bigint NOT NULL DEFAULT 0 CHECK (total_messages >= 0),
    total_tool_calls         bigint NOT NULL DEFAULT 0 CHECK (total_tool_calls >= 0),
    total_permission_checks  bigint NOT NULL DEFAULT 0 CHECK (total_permission_checks >= 0),
    total_errors             bigint NOT NULL DEFAULT 0 CHECK (total_errors >= 0),
    total_retries            bigint NOT NULL DEFAULT 0 CHECK (total_retries >= 0),
    input_tokens             bigint NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    output_tokens            bigint NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    cache_creation_tokens    bigint NOT NULL DEFAULT 0 CHECK (cache_creation_tokens >= 0),
    cache_read_tokens        bigint NOT NULL DEFAULT 0 CHECK (cache_read_tokens >= 0),
    total_cost_usd_micros    bigint NOT NULL DEFAULT 0 CHECK (total_cost_usd_micros >= 0),
    duration_ms              bigint NOT NULL DEFAULT 0 CHECK (duration_ms >= 0),
    reported_cost_usd_micros bigint NOT NULL DEFAULT 0 CHECK (reported_cost_usd_micros >= 0),
    result                   jsonb,
    error_message            text,
    created_at               timestamptz NOT NULL,
    updated_at               timestamptz NOT NULL,
    started_at               timestamptz,
    completed_at             timestamptz,
    last_activity_at         timestamptz NOT NULL,
    lease_owner              text,
    lease_expires_at         timestamptz,
    fence                    bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    next_sequence            bigint NOT NULL DEFAULT 1 CHECK (next_sequence >= 1),
    deleted_at               timestamptz,
    CHECK ((lease_owner IS NULL) = (lease_expires_at IS NULL))
);
CREATE INDEX sessions_team_created ON sessions (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_team_status ON sessions (team_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_leased ON sessions (lease_expires_at) WHERE lease_owner IS NOT NULL;

CREATE TABLE session_transitions (
    id          uuid PRIMARY KEY,
    session_id  uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence    bigint NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    reason      text NOT NULL,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (session_id, sequence)
);

CREATE TABLE session_commands (
    id         uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence   bigint NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('prompt', 'interrupt', 'pause', 'resume', 'terminate', 'set_mode', 'set_model', 'answer')),
    payload    jsonb NOT NULL,
    author     text NOT NULL,
    status     text NOT NULL CHECK (status IN ('queued', 'delivered', 'done', 'cancelled', 'refused')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (session_id, sequence)
);
CREATE INDEX session_commands_open ON session_commands (session_id, status) WHERE status IN ('queued', 'delivered');

CREATE TABLE messages (
    id                 uuid PRIMARY KEY,
    session_id         uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence           bigint NOT NULL,
    message_type       text NOT NULL CHECK (message_type IN ('user', 'assistant', 'system', 'result')),
    subtype            text,
    content            jsonb NOT NULL,
    model              text,
    thinking_content   text,
    parent_tool_use_id text,
    external_id        text,
    usage              jsonb,
    created_at         timestamptz NOT NULL,
    UNIQUE (session_id, sequence)
);

CREATE TABLE tool_calls (
    id                  uuid PRIMARY KEY,
    session_id          uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    message_id          uuid REFERENCES messages (id) ON DELETE SET NULL,
    sequence            bigint NOT NULL,
    tool_use_id         text NOT NULL,
    tool_name           text NOT NULL,
    tool_input          jsonb NOT NULL,
    tool_output         jsonb,
    status              text NOT NULL CHECK (status IN ('pending', 'running', 'success', 'error', 'denied')),
    error_message       text,
    permission_decision text CHECK (permission_decision IN ('allow', 'deny', 'ask')),
    permission_reason   text,
    created_at          timestamptz NOT NULL,
    started_at          timestamptz,
    completed_at        timestamptz,
    duration_ms         bigint CHECK (duration_ms >= 0),
    UNIQUE (session_id, sequence)
);
-- Not unique: an agent program that repeats an id must not end its session.
CREATE INDEX tool_calls_use ON tool_calls (session_id, tool_use_id);
CREATE INDEX tool_calls_message ON tool_calls (message_id);
CREATE INDEX tool_calls_open ON tool_calls (session_id, status) WHERE status IN ('pending', 'running');

CREATE TABLE session_events (
    session_id uuid NOT NULL,
    sequence   bigint NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('message', 'tool_call', 'transition', 'command')),
    row_id     uuid NOT NULL,
    change     text NOT NULL CHECK (change IN ('created', 'updated', 'replaced', 'removed')),
    at         timestamptz NOT NULL,
    PRIMARY KEY (session_id, sequence)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER session_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON session_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
