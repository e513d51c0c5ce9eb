-- What kind of change a line of history is: those of before are of the status.
ALTER TABLE task_history ADD COLUMN change text NOT NULL DEFAULT 'status' CHECK (change IN ('status', 'edited', 'linked', 'unlinked', 'deleted'));

ALTER TABLE task_notes ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version >= 1);

-- The name of a request is free again when the task it made is deleted.
DROP INDEX tasks_idempotency;
CREATE UNIQUE INDEX tasks_idempotency ON tasks (team_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND deleted_at IS NULL;
-- One index where two were: lists by status, and the ready queue, whose order is computed from it without reading rows.
DROP INDEX tasks_ready;
DROP INDEX tasks_team_status;
CREATE INDEX tasks_team_status ON tasks (team_id, status, created_at, id, open_dependencies, claim_expires_at, agent_type, priority, dependents, deadline, estimated_seconds, source, deleted_at)
    WHERE deleted_at IS NULL;
-- Tasks for any agent, and those of the queue only, are in none of these.
DROP INDEX tasks_team_agent_type;
CREATE INDEX tasks_team_agent_type ON tasks (team_id, agent_type, created_at, id) WHERE agent_type IS NOT NULL AND deleted_at IS NULL;
DROP INDEX tasks_feature;
CREATE INDEX tasks_feature ON tasks (feature_id, created_at, id) WHERE feature_id IS NOT NULL;
DROP INDEX tasks_epic;
CREATE INDEX tasks_epic ON tasks (epic_id, feature_id, status, deleted_at) WHERE epic_id IS NOT NULL;
