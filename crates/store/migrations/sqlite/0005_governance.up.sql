CREATE TABLE hooks (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    event      TEXT NOT NULL,
    matcher    TEXT,
    kind       TEXT NOT NULL CHECK (kind IN ('builtin', 'script', 'webhook')),
    config     TEXT NOT NULL CHECK (json_valid(config)),
    priority   INTEGER NOT NULL,
    is_gate    INTEGER NOT NULL CHECK (is_gate IN (0, 1)),
    timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    version    INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX hooks_name ON hooks (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX hooks_chain ON hooks (team_id, event, priority, id) WHERE is_enabled AND deleted_at IS NULL;
CREATE INDEX hooks_team_created ON hooks (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE hook_executions (
    id                 TEXT PRIMARY KEY NOT NULL,
    session_id         TEXT NOT NULL,
    sequence           INTEGER NOT NULL,
    hook_name          TEXT NOT NULL,
    hook_type          TEXT NOT NULL,
    tool_call_id       TEXT,
    tool_use_id        TEXT,
    tool_name          TEXT,
    input_data         TEXT CHECK (json_valid(input_data)),
    output_data        TEXT CHECK (json_valid(output_data)),
    context_data       TEXT CHECK (json_valid(context_data)),
    continue_execution INTEGER NOT NULL CHECK (continue_execution IN (0, 1)),
    duration_us        INTEGER NOT NULL CHECK (duration_us >= 0),
    error_message      TEXT,
    executed_at        INTEGER NOT NULL,
    UNIQUE (session_id, sequence)
) STRICT;
CREATE INDEX hook_executions_type ON hook_executions (session_id, hook_type, sequence);
CREATE INDEX hook_executions_call ON hook_executions (session_id, tool_call_id, sequence) WHERE tool_call_id IS NOT NULL;
CREATE TRIGGER hook_executions_remain BEFORE DELETE ON hook_executions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'hook_executions is append-only');
END;
CREATE TRIGGER hook_executions_keep BEFORE UPDATE OF id, session_id, sequence, hook_name, hook_type, tool_call_id, tool_use_id, tool_name, continue_execution, duration_us, executed_at ON hook_executions BEGIN
    SELECT RAISE(ABORT, 'hook_executions is append-only');
END;
CREATE TRIGGER hook_executions_blank BEFORE UPDATE OF input_data, output_data, context_data, error_message ON hook_executions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.input_data IS NOT NULL AND NEW.input_data IS NOT OLD.input_data) OR (NEW.output_data IS NOT NULL AND NEW.output_data IS NOT OLD.output_data) OR (NEW.context_data IS NOT NULL AND NEW.context_data IS NOT OLD.context_data) OR (NEW.error_message IS NOT NULL AND NEW.error_message IS NOT OLD.error_message) BEGIN
    SELECT RAISE(ABORT, 'hook_executions is append-only: maintenance may only blank its payload');
END;

CREATE TABLE policies (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('rules', 'file_access', 'command', 'network', 'tool_list', 'mcp', 'schedule')),
    config     TEXT NOT NULL CHECK (json_valid(config)),
    priority   INTEGER NOT NULL,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    version    INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX policies_name ON policies (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX policies_order ON policies (team_id, priority, id) WHERE deleted_at IS NULL;

CREATE TABLE policy_revisions (
    team_id    TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    policies   TEXT NOT NULL CHECK (json_valid(policies)),
    changed_by TEXT NOT NULL,
    reason     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, version)
) STRICT;
CREATE TRIGGER policy_revisions_remain BEFORE DELETE ON policy_revisions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'policy_revisions is append-only');
END;
CREATE TRIGGER policy_revisions_keep BEFORE UPDATE OF team_id, version, policies, changed_by, reason, created_at ON policy_revisions BEGIN
    SELECT RAISE(ABORT, 'policy_revisions is append-only');
END;

CREATE TABLE permission_decisions (
    id           TEXT PRIMARY KEY NOT NULL,
    session_id   TEXT NOT NULL,
    sequence     INTEGER NOT NULL,
    tool_call_id TEXT,
    tool_use_id  TEXT,
    tool_name    TEXT NOT NULL,
    input_data   TEXT CHECK (json_valid(input_data)),
    context      TEXT CHECK (json_valid(context)),
    decision     TEXT NOT NULL CHECK (decision IN ('allow', 'deny', 'ask')),
    decided_by   TEXT NOT NULL CHECK (decided_by IN ('policy', 'mode', 'person', 'cache', 'timeout', 'default')),
    policy_name  TEXT,
    approval_id  TEXT,
    reason       TEXT,
    interrupted  INTEGER NOT NULL CHECK (interrupted IN (0, 1)),
    decided_at   INTEGER NOT NULL,
    UNIQUE (session_id, sequence)
) STRICT;
CREATE INDEX permission_decisions_decision ON permission_decisions (session_id, decision, sequence);
-- What a person allowed is allowed once.
CREATE UNIQUE INDEX permission_decisions_grant ON permission_decisions (session_id, approval_id) WHERE decision = 'allow' AND approval_id IS NOT NULL;
CREATE TRIGGER permission_decisions_remain BEFORE DELETE ON permission_decisions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'permission_decisions is append-only');
END;
CREATE TRIGGER permission_decisions_keep BEFORE UPDATE OF id, session_id, sequence, tool_call_id, tool_use_id, tool_name, decision, decided_by, policy_name, approval_id, interrupted, decided_at ON permission_decisions BEGIN
    SELECT RAISE(ABORT, 'permission_decisions is append-only');
END;
CREATE TRIGGER permission_decisions_blank BEFORE UPDATE OF input_data, context, reason ON permission_decisions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.input_data IS NOT NULL AND NEW.input_data IS NOT OLD.input_data) OR (NEW.context IS NOT NULL AND NEW.context IS NOT OLD.context) OR (NEW.reason IS NOT NULL AND NEW.reason IS NOT OLD.reason) BEGIN
    SELECT RAISE(ABORT, 'permission_decisions is append-only: maintenance may only blank its payload');
END;

CREATE TABLE approvals (
    id            TEXT PRIMARY KEY NOT NULL,
    team_id       TEXT NOT NULL REFERENCES teams (id),
    session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence      INTEGER NOT NULL,
    tool_use_id   TEXT,
    tool_name     TEXT NOT NULL,
    input         TEXT NOT NULL CHECK (json_valid(input)),
    input_sha256  BLOB NOT NULL CHECK (length(input_sha256) = 32),
    suggestions   TEXT CHECK (json_valid(suggestions)),
    status        TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'cancelled')),
    requested_at  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    decided_by    TEXT,
    decided_at    INTEGER,
    note          TEXT,
    updated_input TEXT CHECK (json_valid(updated_input)),
    updated_at    INTEGER NOT NULL,
    UNIQUE (session_id, sequence),
    CHECK ((status = 'pending') = (decided_at IS NULL))
) STRICT;
CREATE INDEX approvals_team ON approvals (team_id, status, requested_at, id);
CREATE INDEX approvals_expiring ON approvals (expires_at) WHERE status = 'pending';
CREATE INDEX approvals_grant ON approvals (session_id, tool_name, input_sha256);

CREATE TABLE audit_log (
    id               TEXT PRIMARY KEY NOT NULL,
    team_id          TEXT NOT NULL,
    number           INTEGER CHECK (number >= 1),
    at               INTEGER NOT NULL,
    actor_kind       TEXT NOT NULL CHECK (actor_kind IN ('user', 'agent', 'api_key', 'system')),
    actor_id         TEXT NOT NULL,
    action           TEXT NOT NULL,
    target_kind      TEXT NOT NULL,
    target_id        TEXT,
    session_id       TEXT,
    memory_operation TEXT,
    memory_namespace TEXT,
    detail           TEXT CHECK (json_valid(detail)),
    detail_sha256    BLOB CHECK (length(detail_sha256) = 32),
    digest           BLOB NOT NULL CHECK (length(digest) = 32),
    request_id       TEXT,
    ip               TEXT,
    outcome          TEXT NOT NULL CHECK (outcome IN ('success', 'failure', 'denied'))
) STRICT;
CREATE UNIQUE INDEX audit_log_number ON audit_log (team_id, number) WHERE number IS NOT NULL;
CREATE INDEX audit_log_unsealed ON audit_log (team_id, at, id) WHERE number IS NULL;
CREATE INDEX audit_log_team ON audit_log (team_id, at, id);
CREATE INDEX audit_log_action ON audit_log (team_id, action, at, id);
CREATE INDEX audit_log_outcome ON audit_log (team_id, outcome, at, id);
CREATE INDEX audit_log_actor ON audit_log (team_id, actor_kind, actor_id, at, id);
CREATE INDEX audit_log_target ON audit_log (team_id, target_kind, target_id, at, id);
CREATE INDEX audit_log_session ON audit_log (session_id, at, id) WHERE session_id IS NOT NULL;
-- A row gets its number once, from the sealer.
CREATE TRIGGER audit_log_remain BEFORE DELETE ON audit_log WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER audit_log_keep BEFORE UPDATE OF id, team_id, at, actor_kind, actor_id, action, target_kind, target_id, session_id, memory_operation, memory_namespace, detail_sha256, digest, request_id, ip, outcome ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER audit_log_number_once BEFORE UPDATE OF number ON audit_log WHEN OLD.number IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER audit_log_blank BEFORE UPDATE OF detail ON audit_log WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.detail IS NOT NULL AND NEW.detail IS NOT OLD.detail) BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: maintenance may only blank its payload');
END;

CREATE TABLE audit_seals (
    team_id      TEXT NOT NULL,
    number       INTEGER NOT NULL CHECK (number >= 1),
    first_number INTEGER NOT NULL CHECK (first_number >= 1),
    last_number  INTEGER NOT NULL,
    previous     BLOB NOT NULL CHECK (length(previous) = 32),
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    key_id       TEXT,
    signature    BLOB,
    sealed_at    INTEGER NOT NULL,
    PRIMARY KEY (team_id, number),
    CHECK (last_number >= first_number),
    CHECK ((key_id IS NULL) = (signature IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_seals_remain BEFORE DELETE ON audit_seals WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'audit_seals is append-only');
END;
CREATE TRIGGER audit_seals_keep BEFORE UPDATE OF team_id, number, first_number, last_number, previous, digest, key_id, signature, sealed_at ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'audit_seals is append-only');
END;

CREATE TABLE idempotency_keys (
    team_id        TEXT NOT NULL REFERENCES teams (id),
    actor          TEXT NOT NULL,
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
    answer         TEXT CHECK (json_valid(answer)),
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (team_id, actor, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);

CREATE TABLE webhook_subscriptions (
    id              TEXT PRIMARY KEY NOT NULL,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    url             TEXT NOT NULL,
    secret          TEXT NOT NULL,
    event_types     TEXT NOT NULL CHECK (json_valid(event_types)),
    description     TEXT,
    is_enabled      INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    disabled_reason TEXT,
    version         INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT;
CREATE INDEX webhook_subscriptions_team ON webhook_subscriptions (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE webhook_deliveries (
    id              TEXT PRIMARY KEY NOT NULL,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    subscription_id TEXT NOT NULL REFERENCES webhook_subscriptions (id) ON DELETE CASCADE,
    event_type      TEXT NOT NULL,
    payload         TEXT NOT NULL CHECK (json_valid(payload)),
    status          TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at INTEGER,
    response_status INTEGER,
    error_message   TEXT,
    delivered_at    INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_subscription ON webhook_deliveries (subscription_id, created_at, id);
CREATE INDEX webhook_deliveries_team ON webhook_deliveries (team_id, created_at, id);
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (team_id, status, created_at, id);

CREATE TABLE mcp_servers (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    transport  TEXT NOT NULL CHECK (transport IN ('stdio', 'sse', 'http', 'sdk')),
    config     TEXT NOT NULL CHECK (json_valid(config)),
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    health     TEXT NOT NULL CHECK (health IN ('healthy', 'degraded', 'unhealthy', 'unknown')),
    checked_at INTEGER,
    version    INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX mcp_servers_name ON mcp_servers (team_id, name) WHERE deleted_at IS NULL;
CREATE INDEX mcp_servers_team_created ON mcp_servers (team_id, created_at, id) WHERE deleted_at IS NULL;

-- The timeline names three more kinds of rows.
-- Only the text of a check changes, nothing that is stored: this is SQLite's own way to do it without copying the table.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''message'', ''tool_call'', ''transition'', ''command''))', '''message'', ''tool_call'', ''transition'', ''command'', ''hook_execution'', ''decision'', ''approval''))')
    WHERE type = 'table' AND name = 'session_events';
PRAGMA writable_schema = RESET;
