-- The public halves of the keys that seals are signed with, so that everybody can verify them.
CREATE TABLE audit_keys (
    id         text PRIMARY KEY,
    public_key bytea NOT NULL CHECK (length(public_key) = 32),
    created_at timestamptz NOT NULL
);
CREATE TRIGGER audit_keys_keep BEFORE UPDATE OR DELETE ON audit_keys
    FOR EACH ROW EXECUTE FUNCTION keep_append_only();
CREATE TRIGGER audit_keys_remain BEFORE TRUNCATE ON audit_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
