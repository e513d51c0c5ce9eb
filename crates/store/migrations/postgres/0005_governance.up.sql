CREATE TABLE hooks (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    event      text NOT NULL,
    matcher    text,
    kind       text NOT NULL CHECK (kind IN ('builtin', 'script', 'webhook')),
    config     jsonb NOT NULL,
    priority   bigint NOT NULL,
    is_gate    boolean NOT NULL,
    timeout_ms bigint NOT NULL CHECK (timeout_ms > 0),
    is_enabled boolean NOT NULL,
    version    bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX hooks_name ON hooks (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX hooks_chain ON hooks (team_id, event, priority, id) WHERE is_enabled AND deleted_at IS NULL;
CREATE INDEX hooks_team_created ON hooks (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE hook_executions (
    id                 uuid PRIMARY KEY,
    session_id         uuid NOT NULL,
    sequence           bigint NOT NULL,
    hook_name          text NOT NULL,
    hook_type          text NOT NULL,
    tool_call_id       uuid,
    tool_use_id        text,
    tool_name          text,
    input_data         jsonb,
    output_data        jsonb,
    context_data       jsonb,
    continue_execution boolean NOT NULL,
    duration_us        bigint NOT NULL CHECK (duration_us >= 0),
    error_message      text,
    executed_at        timestamptz NOT NULL,
    UNIQUE (session_id, sequence)
);
CREATE INDEX hook_executions_type ON hook_executions (session_id, hook_type, sequence);
CREATE INDEX hook_executions_call ON hook_executions (session_id, tool_call_id, sequence) WHERE tool_call_id IS NOT NULL;
CREATE TRIGGER hook_executions_keep BEFORE UPDATE OR DELETE ON hook_executions
    FOR EACH ROW EXECUTE FUNCTION keep_append_only('input_data', 'output_data', 'context_data', 'error_message');
CREATE TRIGGER hook_executions_remain BEFORE TRUNCATE ON hook_executions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE policies (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('rules', 'file_access', 'command', 'network', 'tool_list', 'mcp', 'schedule')),
    config     jsonb NOT NULL,
    priority   bigint NOT NULL,
    is_enabled boolean NOT NULL,
    version    bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX policies_name ON policies (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX policies_order ON policies (team_id, priority, id) WHERE deleted_at IS NULL;

CREATE TABLE policy_revisions (
    team_id    uuid NOT NULL,
    version    bigint NOT NULL CHECK (version >= 1),
    policies   jsonb NOT NULL,
    changed_by text NOT NULL,
    reason     text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, version)
);
CREATE TRIGGER policy_revisions_keep BEFORE UPDATE OR DELETE ON policy_revisions
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER policy_revisions_remain BEFORE TRUNCATE ON policy_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE permission_decisions (
    id           uuid PRIMARY KEY,
    session_id   uuid NOT NULL,
    sequence     bigint NOT NULL,
    tool_call_id uuid,
    tool_use_id  text,
    tool_name    text NOT NULL,
    input_data   jsonb,
    context      jsonb,
    decision     text NOT NULL CHECK (decision IN ('allow', 'deny', 'ask')),
    decided_by   text NOT NULL CHECK (decided_by IN ('policy', 'mode', 'person', 'cache', 'timeout', 'default')),
    policy_name  text,
    approval_id  uuid,
    reason       text,
    interrupted  boolean NOT NULL,
    decided_at   timestamptz NOT NULL,
    UNIQUE (session_id, sequence)
);
CREATE INDEX permission_decisions_decision ON permission_decisions (session_id, decision, sequence);
-- What a person allowed is allowed once.
CREATE UNIQUE INDEX permission_decisions_grant ON permission_decisions (session_id, approval_id) WHERE decision = 'allow' AND approval_id IS NOT NULL;
CREATE TRIGGER permission_decisions_keep BEFORE UPDATE OR DELETE ON permission_decisions
    FOR EACH ROW EXECUTE FUNCTION keep_append_only('input_data', 'context', 'reason');
CREATE TRIGGER permission_decisions_remain BEFORE TRUNCATE ON permission_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE approvals (
    id            uuid PRIMARY KEY,
    team_id       uuid NOT NULL REFERENCES teams (id),
    session_id    uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence      bigint NOT NULL,
    tool_use_id   text,
    tool_name     text NOT NULL,
    input         jsonb NOT NULL,
    input_sha256  bytea NOT NULL CHECK (length(input_sha256) = 32),
    suggestions   jsonb,
    status        text NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'cancelled')),
    requested_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    decided_by    text,
    decided_at    timestamptz,
    note          text,
    updated_input jsonb,
    updated_at    timestamptz NOT NULL,
    UNIQUE (session_id, sequence),
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX approvals_team ON approvals (team_id, status, requested_at, id);
CREATE INDEX approvals_expiring ON approvals (expires_at) WHERE status = 'pending';
CREATE INDEX approvals_grant ON approvals (session_id, tool_name, input_sha256);

CREATE TABLE audit_log (
    id               uuid PRIMARY KEY,
    team_id          uuid NOT NULL,
    number           bigint CHECK (number >= 1),
    at               timestamptz NOT NULL,
    actor_kind       text NOT NULL CHECK (actor_kind IN ('user', 'agent', 'api_key', 'system')),
    actor_id         text NOT NULL,
    action           text COLLATE "C" NOT NULL,
    target_kind      text NOT NULL,
    target_id        text,
    session_id       uuid,
    memory_operation text,
    memory_namespace text,
    detail           jsonb,
    detail_sha256    bytea CHECK (length(detail_sha256) = 32),
    digest           bytea NOT NULL CHECK (length(digest) = 32),
    request_id       text,
    ip               text,
    outcome          text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied'))
);
CREATE UNIQUE INDEX audit_log_number ON audit_log (team_id, number) WHERE number IS NOT NULL;
CREATE INDEX audit_log_unsealed ON audit_log (team_id, at, id) WHERE number IS NULL;
CREATE INDEX audit_log_team ON audit_log (team_id, at, id);
CREATE INDEX audit_log_action ON audit_log (team_id, action, at, id);
CREATE INDEX audit_log_outcome ON audit_log (team_id, outcome, at, id);
CREATE INDEX audit_log_actor ON audit_log (team_id, actor_kind, actor_id, at, id);
CREATE INDEX audit_log_target ON audit_log (team_id, target_kind, target_id, at, id);
CREATE INDEX audit_log_session ON audit_log (session_id, at, id) WHERE session_id IS NOT NULL;
-- A row gets its number once, from the sealer.
CREATE TRIGGER audit_log_keep BEFORE UPDATE ON audit_log FOR EACH ROW
    WHEN (NOT (OLD.number IS NULL AND NEW.number IS NOT NULL AND to_jsonb(NEW) - 'number' = to_jsonb(OLD) - 'number'))
    EXECUTE FUNCTION keep_append_only('detail');
CREATE TRIGGER audit_log_stay BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER audit_log_remain BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_seals (
    team_id      uuid NOT NULL,
    number       bigint NOT NULL CHECK (number >= 1),
    first_number bigint NOT NULL CHECK (first_number >= 1),
    last_number  bigint NOT NULL,
    previous     bytea NOT NULL CHECK (length(previous) = 32),
    digest       bytea NOT NULL CHECK (length(digest) = 32),
    key_id       text,
    signature    bytea,
    sealed_at    timestamptz NOT NULL,
    PRIMARY KEY (team_id, number),
    CHECK (last_number >= first_number),
    CHECK ((key_id IS NULL) = (signature IS NULL))
);
CREATE TRIGGER audit_seals_keep BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER audit_seals_remain BEFORE TRUNCATE ON audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE idempotency_keys (
    team_id        uuid NOT NULL REFERENCES teams (id),
    actor          text NOT NULL,
    key            text NOT NULL,
    request_sha256 bytea NOT NULL CHECK (length(request_sha256) = 32),
    answer         jsonb,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (team_id, actor, key)
);
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);

CREATE TABLE webhook_subscriptions (
    id              uuid PRIMARY KEY,
    team_id         uuid NOT NULL REFERENCES teams (id),
    url             text NOT NULL,
    secret          text NOT NULL,
    event_types     jsonb NOT NULL,
    description     text,
    is_enabled      boolean NOT NULL,
    disabled_reason text,
    version         bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);
CREATE INDEX webhook_subscriptions_team ON webhook_subscriptions (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE webhook_deliveries (
    id              uuid PRIMARY KEY,
    team_id         uuid NOT NULL REFERENCES teams (id),
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions (id) ON DELETE CASCADE,
    event_type      text NOT NULL,
    payload         jsonb NOT NULL,
    status          text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz,
    response_status bigint,
    error_message   text,
    delivered_at    timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_subscription ON webhook_deliveries (subscription_id, created_at, id);
CREATE INDEX webhook_deliveries_team ON webhook_deliveries (team_id, created_at, id);
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (team_id, status, created_at, id);

CREATE TABLE mcp_servers (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    transport  text NOT NULL CHECK (transport IN ('stdio', 'sse', 'http', 'sdk')),
    config     jsonb NOT NULL,
    is_enabled boolean NOT NULL,
    health     text NOT NULL CHECK (health IN ('healthy', 'degraded', 'unhealthy', 'unknown')),
    checked_at timestamptz,
    version    bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX mcp_servers_name ON mcp_servers (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX mcp_servers_team_created ON mcp_servers (team_id, created_at, id) WHERE deleted_at IS NULL;

-- The timeline names three more kinds of rows.
ALTER TABLE session_events DROP CONSTRAINT session_events_kind_check,
    ADD CONSTRAINT session_events_kind_check CHECK (kind IN ('message', 'tool_call', 'transition', 'command', 'hook_execution', 'decision', 'approval'));
