-- What an entry led to goes; its number stays taken.
DROP TRIGGER session_events_keep;
UPDATE session_events SET kind = 'command', change = 'removed' WHERE kind NOT IN ('message', 'tool_call', 'transition', 'command');
CREATE TRIGGER session_events_keep BEFORE UPDATE OF session_id, sequence, kind, row_id, change, at ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''message'', ''tool_call'', ''transition'', ''command'', ''hook_execution'', ''decision'', ''approval''))', '''message'', ''tool_call'', ''transition'', ''command''))')
    WHERE type = 'table' AND name = 'session_events';
PRAGMA writable_schema = RESET;
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
