DROP TABLE agent_versions;
DROP TABLE agents;
DROP TABLE login_sessions;
DROP TABLE api_keys;
DROP TRIGGER session_events_keep ON session_events;
DROP TRIGGER session_events_remain ON session_events;
CREATE TRIGGER session_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON session_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP FUNCTION keep_append_only();
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
