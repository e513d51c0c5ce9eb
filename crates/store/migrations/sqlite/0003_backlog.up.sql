-- The next number of each kind of key: numbers are never given twice, even after what had them is gone.
CREATE TABLE key_counters (
    team_id TEXT NOT NULL REFERENCES teams (id),
    scope   TEXT NOT NULL,
    next    INTEGER NOT NULL CHECK (next >= 1),
    PRIMARY KEY (team_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL REFERENCES teams (id),
    name       TEXT NOT NULL,
    definition TEXT NOT NULL CHECK (json_valid(definition)),
    is_active  INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version    INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (team_id, name)
) STRICT;
CREATE UNIQUE INDEX workflows_active ON workflows (team_id) WHERE is_active;

CREATE TABLE epics (
    id                   TEXT PRIMARY KEY NOT NULL,
    team_id              TEXT NOT NULL REFERENCES teams (id),
    key                  TEXT NOT NULL,
    title                TEXT NOT NULL,
    description          TEXT NOT NULL,
    status               TEXT NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'archived')),
    is_status_overridden INTEGER NOT NULL CHECK (is_status_overridden IN (0, 1)),
    priority             TEXT NOT NULL CHECK (priority IN ('high', 'medium', 'low')),
    business_value       INTEGER CHECK (business_value BETWEEN 1 AND 10),
    slug                 TEXT,
    file_path            TEXT,
    progress_pct         REAL NOT NULL DEFAULT 0 CHECK (progress_pct BETWEEN 0 AND 100),
    version              INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    deleted_at           INTEGER,
    UNIQUE (team_id, key)
) STRICT;
CREATE INDEX epics_team_created ON epics (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX epics_team_status ON epics (team_id, status, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE features (
    id                   TEXT PRIMARY KEY NOT NULL,
    team_id              TEXT NOT NULL REFERENCES teams (id),
    epic_id              TEXT NOT NULL REFERENCES epics (id) ON DELETE CASCADE,
    key                  TEXT NOT NULL,
    title                TEXT NOT NULL,
    description          TEXT NOT NULL,
    status               TEXT NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'archived')),
    is_status_overridden INTEGER NOT NULL CHECK (is_status_overridden IN (0, 1)),
    execution_order      INTEGER,
    slug                 TEXT,
    file_path            TEXT,
    progress_pct         REAL NOT NULL DEFAULT 0 CHECK (progress_pct BETWEEN 0 AND 100),
    version              INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    deleted_at           INTEGER,
    UNIQUE (team_id, key)
) STRICT;
CREATE INDEX features_epic ON features (epic_id, created_at, id);
CREATE INDEX features_team_created ON features (team_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE tasks (
    id                TEXT PRIMARY KEY NOT NULL,
    team_id           TEXT NOT NULL REFERENCES teams (id),
    epic_id           TEXT REFERENCES epics (id) ON DELETE CASCADE,
    feature_id        TEXT REFERENCES features (id) ON DELETE CASCADE,
    key               TEXT NOT NULL,
    title             TEXT NOT NULL,
    description       TEXT NOT NULL,
    prompt            TEXT,
    input             TEXT CHECK (json_valid(input)),
    status            TEXT NOT NULL,
    agent_type        TEXT,
    priority          INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 10),
    assigned_agent_id TEXT REFERENCES agents (id) ON DELETE SET NULL,
    blocked_reason    TEXT,
    source            TEXT NOT NULL CHECK (source IN ('human', 'agent', 'import')),
    parent_task_id    TEXT REFERENCES tasks (id) ON DELETE SET NULL,
    session_id        TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    claim_owner       TEXT,
    claim_expires_at  INTEGER,
    fence             INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    deadline          INTEGER,
    estimated_seconds INTEGER CHECK (estimated_seconds > 0),
    retry_count       INTEGER NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
    max_retries       INTEGER NOT NULL CHECK (max_retries >= 0),
    result            TEXT CHECK (json_valid(result)),
    error_message     TEXT,
    idempotency_key   TEXT,
    started_at        INTEGER,
    completed_at      INTEGER,
    blocked_at        INTEGER,
    execution_order   INTEGER,
    file_path         TEXT,
    open_dependencies INTEGER NOT NULL DEFAULT 0 CHECK (open_dependencies >= 0),
    dependents        INTEGER NOT NULL DEFAULT 0 CHECK (dependents >= 0),
    version           INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    deleted_at        INTEGER,
    UNIQUE (team_id, key),
    CHECK ((feature_id IS NULL) = (epic_id IS NULL)),
    CHECK ((claim_owner IS NULL) = (claim_expires_at IS NULL))
) STRICT;
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
    task_id       TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    depends_on_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    kind          TEXT NOT NULL CHECK (kind IN ('depends_on', 'related_to', 'duplicates', 'supersedes', 'spawned_from')),
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (task_id, depends_on_id, kind),
    CHECK (task_id <> depends_on_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependencies_depends_on ON task_dependencies (depends_on_id, kind, task_id);

CREATE TABLE task_history (
    id               TEXT PRIMARY KEY NOT NULL,
    team_id          TEXT NOT NULL,
    task_id          TEXT NOT NULL,
    task_key         TEXT NOT NULL,
    old_status       TEXT,
    new_status       TEXT NOT NULL,
    actor            TEXT NOT NULL,
    notes            TEXT,
    rejection_reason TEXT,
    forced           INTEGER NOT NULL CHECK (forced IN (0, 1)),
    at               INTEGER NOT NULL
) STRICT;
CREATE INDEX task_history_task ON task_history (task_id, at, id);
CREATE INDEX task_history_team ON task_history (team_id, at, id);
CREATE TRIGGER task_history_remain BEFORE DELETE ON task_history WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'task_history is append-only');
END;
CREATE TRIGGER task_history_keep BEFORE UPDATE OF id, team_id, task_id, task_key, old_status, new_status, actor, forced, at ON task_history BEGIN
    SELECT RAISE(ABORT, 'task_history is append-only');
END;
CREATE TRIGGER task_history_blank BEFORE UPDATE OF notes, rejection_reason ON task_history WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.notes IS NOT NULL AND NEW.notes IS NOT OLD.notes) OR (NEW.rejection_reason IS NOT NULL AND NEW.rejection_reason IS NOT OLD.rejection_reason) BEGIN
    SELECT RAISE(ABORT, 'task_history is append-only: maintenance may only blank its payload');
END;

CREATE TABLE task_notes (
    id         TEXT PRIMARY KEY NOT NULL,
    task_id    TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('comment', 'decision', 'blocker', 'solution', 'reference', 'question')),
    content    TEXT NOT NULL,
    author     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE INDEX task_notes_task ON task_notes (task_id, created_at, id);
