-- The public halves of the keys that seals are signed with, so that everybody can verify them.
CREATE TABLE audit_keys (
    id         TEXT PRIMARY KEY NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_keys_remain BEFORE DELETE ON audit_keys WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'audit_keys is append-only');
END;
CREATE TRIGGER audit_keys_keep BEFORE UPDATE OF id, public_key, created_at ON audit_keys BEGIN
    SELECT RAISE(ABORT, 'audit_keys is append-only');
END;
