DROP TRIGGER session_events_keep;
DROP TRIGGER session_events_remain;
ALTER TABLE session_events RENAME TO session_events_before;
CREATE TABLE session_events (
    session_id TEXT NOT NULL,
    sequence   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('message', 'tool_call', 'transition', 'command')),
    row_id     TEXT NOT NULL,
    change     TEXT NOT NULL CHECK (change IN ('created', 'updated', 'replaced', 'removed')),
    at         INTEGER NOT NULL,
    PRIMARY KEY (session_id, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO session_events SELECT * FROM session_events_before WHERE kind IN ('message', 'tool_call', 'transition', 'command');
DROP TABLE session_events_before;
CREATE TRIGGER session_events_remain BEFORE DELETE ON session_events WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
CREATE TRIGGER session_events_keep BEFORE UPDATE OF session_id, sequence, kind, row_id, change, at ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
DROP TABLE mcp_servers;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_subscriptions;
DROP TABLE idempotency_keys;
DROP TABLE audit_seals;
DROP TABLE audit_log;
DROP TABLE approvals;
DROP TABLE permission_decisions;
DROP TABLE policy_revisions;
DROP TABLE policies;
DROP TABLE hook_executions;
DROP TABLE hooks;
