-- The next number of each kind of key: numbers are never given twice, even after what had them is gone.
CREATE TABLE key_counters (
    team_id uuid NOT NULL REFERENCES teams (id),
    scope   text NOT NULL,
    next    bigint NOT NULL CHECK (next >= 1),
    PRIMARY KEY (team_id, scope)
);

CREATE TABLE workflows (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    definition jsonb NOT NULL,
    is_active  boolean NOT NULL,
    version    bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (team_id, name)
);
CREATE UNIQUE INDEX workflows_active ON workflows (team_id) WHERE is_active;

CREATE TABLE epics (
    id                   uuid PRIMARY KEY,
    team_id              uuid NOT NULL REFERENCES teams (id),
    key                  text NOT NULL,
    title                text NOT NULL,
    description          text NOT NULL,
    status               text NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'archived')),
    is_status_overridden boolean NOT NULL,
    priority             text NOT NULL CHECK (priority IN ('high', 'medium', 'low')),
    business_value       bigint CHECK (business_value BETWEEN 1 AND 10),
    slug                 text,
    file_path            text,
    progress_pct         double precision NOT NULL DEFAULT 0 CHECK (progress_pct BETWEEN 0 AND 100),
    version              bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    deleted_at           timestamptz,
    UNIQUE (team_id, key)
);
CREATE INDEX epics_team_created ON epics (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX epics_team_status ON epics (team_id, status, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE features (
    id                   uuid PRIMARY KEY,
    team_id              uuid NOT NULL REFERENCES teams (id),
    epic_id              uuid NOT NULL REFERENCES epics (id) ON DELETE CASCADE,
    key                  text NOT NULL,
    title                text NOT NULL,
    description          text NOT NULL,
    status               text NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'archived')),
    is_status_overridden boolean NOT NULL,
    execution_order      bigint,
    slug                 text,
    file_path            text,
    progress_pct         double precision NOT NULL DEFAULT 0 CHECK (progress_pct BETWEEN 0 AND 100),
    version              bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    deleted_at           timestamptz,
    UNIQUE (team_id, key)
);
CREATE INDEX features_epic ON features (epic_id, created_at, id);
CREATE INDEX features_team_created ON features (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE tasks (
    id                uuid PRIMARY KEY,
    team_id           uuid NOT NULL REFERENCES teams (id),
    epic_id           uuid REFERENCES epics (id) ON DELETE CASCADE,
    feature_id        uuid REFERENCES features (id) ON DELETE CASCADE,
    key               text NOT NULL,
    title             text NOT NULL,
    description       text NOT NULL,
    prompt            text,
    input             jsonb,
    status            text NOT NULL,
    agent_type        text,
    priority          bigint NOT NULL CHECK (priority BETWEEN 1 AND 10),
    assigned_agent_id uuid REFERENCES agents (id) ON DELETE SET NULL,
    blocked_reason    text,
    source            text NOT NULL CHECK (source IN ('human', 'agent', 'import')),
    parent_task_id    uuid REFERENCES tasks (id) ON DELETE SET NULL,
    session_id        uuid REFERENCES sessions (id) ON DELETE SET NULL,
    claim_owner       text,
    claim_expires_at  timestamptz,
    fence             bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    deadline          timestamptz,
    estimated_seconds bigint CHECK (estimated_seconds > 0),
    retry_count       bigint NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    max_retries       bigint NOT NULL CHECK (max_retries >= 0),
    result            jsonb,
    error_message     text,
    idempotency_key   text,
    started_at        timestamptz,
    completed_at      timestamptz,
    blocked_at        timestamptz,
    execution_order   bigint,
    file_path         text,
    open_dependencies bigint NOT NULL DEFAULT 0 CHECK (open_dependencies >= 0),
    dependents        bigint NOT NULL DEFAULT 0 CHECK (dependents >= 0),
    version           bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    UNIQUE (team_id, key),
    CHECK ((feature_id IS NULL) = (epic_id IS NULL)),
    CHECK ((claim_owner IS NULL) = (claim_expires_at IS NULL))
);
CREATE UNIQUE INDEX tasks_idempotency ON tasks (team_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_team_created ON tasks (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_team_status ON tasks (team_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_team_agent_type ON tasks (team_id, agent_type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_team_priority ON tasks (team_id, priority, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_feature ON tasks (feature_id, created_at, id);
-- Carries what progress counts, in the order in which it is counted, so it reads and sorts no rows.
CREATE INDEX tasks_epic ON tasks (epic_id, feature_id, status, deleted_at);
-- Carries what the order of the ready queue is computed from, so it reads no rows.
CREATE INDEX tasks_ready ON tasks (team_id, status, claim_expires_at, agent_type, priority, dependents, deadline, estimated_seconds, created_at, source, id, open_dependencies, deleted_at)
    WHERE open_dependencies = 0 AND deleted_at IS NULL;
CREATE INDEX tasks_claimed ON tasks (claim_expires_at) WHERE claim_owner IS NOT NULL;
CREATE INDEX tasks_parent ON tasks (parent_task_id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX tasks_session ON tasks (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX tasks_assigned_agent ON tasks (assigned_agent_id) WHERE assigned_agent_id IS NOT NULL;

CREATE TABLE task_dependencies (
    task_id       uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    depends_on_id uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    kind          text NOT NULL CHECK (kind IN ('depends_on', 'related_to', 'duplicates', 'supersedes', 'spawned_from')),
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (task_id, depends_on_id, kind),
    CHECK (task_id <> depends_on_id)
);
CREATE INDEX task_dependencies_depends_on ON task_dependencies (depends_on_id, kind, task_id);

CREATE TABLE task_history (
    id               uuid PRIMARY KEY,
    team_id          uuid NOT NULL,
    task_id          uuid NOT NULL,
    task_key         text NOT NULL,
    old_status       text,
    new_status       text NOT NULL,
    actor            text NOT NULL,
    notes            text,
    rejection_reason text,
    forced           boolean NOT NULL,
    at               timestamptz NOT NULL
);
CREATE INDEX task_history_task ON task_history (task_id, at, id);
CREATE INDEX task_history_team ON task_history (team_id, at, id);
CREATE TRIGGER task_history_keep BEFORE UPDATE OR DELETE ON task_history
    FOR EACH ROW EXECUTE FUNCTION keep_append_only('notes', 'rejection_reason');
CREATE TRIGGER task_history_remain BEFORE TRUNCATE ON task_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE task_notes (
    id         uuid PRIMARY KEY,
    task_id    uuid NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('comment', 'decision', 'blocker', 'solution', 'reference', 'question')),
    content    text NOT NULL,
    author     text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX task_notes_task ON task_notes (task_id, created_at, id);
