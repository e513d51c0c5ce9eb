-- What an entry led to goes; its number stays taken.
ALTER TABLE session_events DISABLE TRIGGER session_events_keep;
UPDATE session_events SET kind = 'command', change = 'removed' WHERE kind NOT IN ('message', 'tool_call', 'transition', 'command');
ALTER TABLE session_events ENABLE TRIGGER session_events_keep;
ALTER TABLE session_events DROP CONSTRAINT session_events_kind_check,
    ADD CONSTRAINT session_events_kind_check CHECK (kind IN ('message', 'tool_call', 'transition', 'command'));
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
