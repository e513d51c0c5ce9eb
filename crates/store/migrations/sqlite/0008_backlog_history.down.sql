DROP INDEX tasks_epic;
CREATE INDEX tasks_epic ON tasks (epic_id, feature_id, status, deleted_at);
DROP INDEX tasks_feature;
CREATE INDEX tasks_feature ON tasks (feature_id, created_at, id);
DROP INDEX tasks_team_agent_type;
CREATE INDEX tasks_team_agent_type ON tasks (team_id, agent_type, created_at, id) WHERE deleted_at IS NULL;
DROP INDEX tasks_team_status;
CREATE INDEX tasks_team_status ON tasks (team_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_ready ON tasks (team_id, status, claim_expires_at, agent_type, priority, dependents, deadline, estimated_seconds, created_at, source, id, open_dependencies, deleted_at)
    WHERE open_dependencies = 0 AND deleted_at IS NULL;
-- Of a name that was used again, the task that is there keeps it.
UPDATE tasks SET idempotency_key = NULL WHERE idempotency_key IS NOT NULL AND deleted_at IS NOT NULL;
DROP INDEX tasks_idempotency;
CREATE UNIQUE INDEX tasks_idempotency ON tasks (team_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
ALTER TABLE task_notes DROP COLUMN version;
DROP TRIGGER task_history_keep;
ALTER TABLE task_history DROP COLUMN change;
CREATE TRIGGER task_history_keep BEFORE UPDATE OF id, team_id, task_id, task_key, old_status, new_status, actor, forced, at ON task_history BEGIN
    SELECT RAISE(ABORT, 'task_history is append-only');
END;
