DROP TABLE agent_versions;
DROP TABLE agents;
DROP TABLE login_sessions;
DROP TABLE api_keys;
DROP TRIGGER session_events_keep;
DROP TRIGGER session_events_remain;
CREATE TRIGGER session_events_keep BEFORE UPDATE ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
CREATE TRIGGER session_events_remain BEFORE DELETE ON session_events BEGIN
    SELECT RAISE(ABORT, 'session_events is append-only');
END;
DROP TABLE maintenance_runs;
DROP INDEX teams_created;
DROP INDEX users_created;
ALTER TABLE teams DROP COLUMN deleted_at;
ALTER TABLE teams DROP COLUMN version;
ALTER TABLE teams DROP COLUMN retention_days;
ALTER TABLE teams DROP COLUMN settings;
ALTER TABLE users DROP COLUMN deleted_at;
ALTER TABLE users DROP COLUMN version;
ALTER TABLE users DROP COLUMN password_hash;
