CREATE TABLE embedding_models (
    name       TEXT PRIMARY KEY NOT NULL,
    dimension  INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 16000),
    changes    INTEGER NOT NULL DEFAULT 0 CHECK (changes >= 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memories (
    number             INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT NOT NULL UNIQUE,
    team_id            TEXT NOT NULL REFERENCES teams (id),
    namespace          TEXT NOT NULL,
    key                TEXT NOT NULL,
    value              TEXT CHECK (json_valid(value)),
    content            TEXT NOT NULL,
    content_sha256     BLOB NOT NULL CHECK (length(content_sha256) = 32),
    memory_type        TEXT NOT NULL CHECK (memory_type IN ('semantic', 'episodic', 'procedural', 'identity', 'user_profile')),
    tier               TEXT NOT NULL CHECK (tier IN ('hot', 'warm', 'cold')),
    status             TEXT NOT NULL CHECK (status IN ('active', 'superseded', 'disputed', 'archived')),
    source             TEXT NOT NULL CHECK (source IN ('extraction', 'explicit', 'system', 'feedback', 'consolidation', 'compaction', 'import')),
    subject            TEXT,
    importance         INTEGER NOT NULL CHECK (importance BETWEEN 1 AND 10),
    confidence         REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    is_pinned          INTEGER NOT NULL CHECK (is_pinned IN (0, 1)),
    access_count       INTEGER NOT NULL DEFAULT 0 CHECK (access_count >= 0),
    last_accessed_at   INTEGER,
    expires_at         INTEGER,
    version            INTEGER NOT NULL CHECK (version >= 1),
    is_deleted         INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    superseded_by      TEXT REFERENCES memories (id) ON DELETE SET NULL,
    related_to         TEXT NOT NULL CHECK (json_valid(related_to)),
    contradicts        TEXT NOT NULL CHECK (json_valid(contradicts)),
    source_session_id  TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    source_message_id  TEXT REFERENCES messages (id) ON DELETE SET NULL,
    source_sequence    INTEGER,
    author             TEXT,
    occurred_at        INTEGER,
    agent_id           TEXT REFERENCES agents (id) ON DELETE SET NULL,
    user_id            TEXT REFERENCES users (id) ON DELETE SET NULL,
    created_by         TEXT NOT NULL,
    updated_by         TEXT NOT NULL,
    metadata           TEXT NOT NULL CHECK (json_valid(metadata)),
    embedding          BLOB CHECK (length(embedding) % 4 = 0),
    embedding_model    TEXT REFERENCES embedding_models (name),
    embedding_change   INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    UNIQUE (team_id, namespace, key),
    CHECK ((embedding IS NULL) = (embedding_model IS NULL))
) STRICT;
CREATE INDEX memories_team_created ON memories (team_id, created_at, id) WHERE NOT is_deleted;
CREATE INDEX memories_team_type ON memories (team_id, memory_type, created_at, id) WHERE NOT is_deleted;
CREATE INDEX memories_team_tier ON memories (team_id, tier, created_at, id) WHERE NOT is_deleted;
CREATE INDEX memories_team_status ON memories (team_id, status, created_at, id) WHERE NOT is_deleted;
CREATE INDEX memories_team_subject ON memories (team_id, subject) WHERE subject IS NOT NULL AND NOT is_deleted;
CREATE INDEX memories_expiring ON memories (team_id, expires_at, id) WHERE expires_at IS NOT NULL AND NOT is_deleted AND status <> 'archived';
CREATE INDEX memories_superseded_by ON memories (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX memories_source_session ON memories (source_session_id) WHERE source_session_id IS NOT NULL;
CREATE INDEX memories_source_message ON memories (source_message_id) WHERE source_message_id IS NOT NULL;
CREATE INDEX memories_agent ON memories (agent_id) WHERE agent_id IS NOT NULL;
CREATE INDEX memories_user ON memories (user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX memories_embedding_model ON memories (embedding_model, team_id, embedding_change) WHERE embedding_model IS NOT NULL;
CREATE VIRTUAL TABLE memory_words USING fts5(key, content, content='memories', content_rowid='number', tokenize='porter unicode61 remove_diacritics 0');
-- What is erased leaves no words behind.
INSERT INTO memory_words (memory_words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER memories_words_add AFTER INSERT ON memories BEGIN
    INSERT INTO memory_words (rowid, key, content) VALUES (NEW.number, NEW.key, NEW.content);
END;
CREATE TRIGGER memories_words_remove AFTER DELETE ON memories BEGIN
    INSERT INTO memory_words (memory_words, rowid, key, content) VALUES ('delete', OLD.number, OLD.key, OLD.content);
END;
CREATE TRIGGER memories_words_replace AFTER UPDATE OF key, content ON memories BEGIN
    INSERT INTO memory_words (memory_words, rowid, key, content) VALUES ('delete', OLD.number, OLD.key, OLD.content);
    INSERT INTO memory_words (rowid, key, content) VALUES (NEW.number, NEW.key, NEW.content);
END;

CREATE TABLE memory_versions (
    memory_id      TEXT NOT NULL,
    version        INTEGER NOT NULL CHECK (version >= 1),
    team_id        TEXT NOT NULL,
    namespace      TEXT NOT NULL,
    key            TEXT NOT NULL,
    value          TEXT CHECK (json_valid(value)),
    content        TEXT,
    content_sha256 BLOB NOT NULL CHECK (length(content_sha256) = 32),
    is_deleted     INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    changed_by     TEXT NOT NULL,
    reason         TEXT,
    valid_from     INTEGER NOT NULL,
    PRIMARY KEY (memory_id, version)
) STRICT;
CREATE INDEX memory_versions_team ON memory_versions (team_id, namespace, key, valid_from);
CREATE TRIGGER memory_versions_remain BEFORE DELETE ON memory_versions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'memory_versions is append-only');
END;
CREATE TRIGGER memory_versions_keep BEFORE UPDATE OF memory_id, version, team_id, namespace, key, content_sha256, is_deleted, changed_by, valid_from ON memory_versions BEGIN
    SELECT RAISE(ABORT, 'memory_versions is append-only');
END;
CREATE TRIGGER memory_versions_blank BEFORE UPDATE OF value, content, reason ON memory_versions WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.value IS NOT NULL AND NEW.value IS NOT OLD.value) OR (NEW.content IS NOT NULL AND NEW.content IS NOT OLD.content) OR (NEW.reason IS NOT NULL AND NEW.reason IS NOT OLD.reason) BEGIN
    SELECT RAISE(ABORT, 'memory_versions is append-only: maintenance may only blank its payload');
END;

CREATE TABLE memory_log (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL,
    namespace  TEXT NOT NULL,
    key        TEXT NOT NULL,
    memory_id  TEXT NOT NULL,
    action     TEXT NOT NULL CHECK (action IN ('created', 'updated', 'superseded', 'promoted', 'demoted', 'pinned', 'unpinned', 'expired', 'deleted', 'restored', 'redacted', 'contradiction_detected', 'contradiction_resolved', 'consolidated')),
    old_sha256 BLOB CHECK (length(old_sha256) = 32),
    new_sha256 BLOB CHECK (length(new_sha256) = 32),
    old_value  TEXT CHECK (json_valid(old_value)),
    new_value  TEXT CHECK (json_valid(new_value)),
    changed_by TEXT NOT NULL,
    reason     TEXT,
    session_id TEXT,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX memory_log_memory ON memory_log (memory_id, at, id);
CREATE INDEX memory_log_team ON memory_log (team_id, at, id);
CREATE TRIGGER memory_log_remain BEFORE DELETE ON memory_log WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'memory_log is append-only');
END;
CREATE TRIGGER memory_log_keep BEFORE UPDATE OF id, team_id, namespace, key, memory_id, action, old_sha256, new_sha256, changed_by, session_id, at ON memory_log BEGIN
    SELECT RAISE(ABORT, 'memory_log is append-only');
END;
CREATE TRIGGER memory_log_blank BEFORE UPDATE OF old_value, new_value, reason ON memory_log WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL)
    OR (NEW.old_value IS NOT NULL AND NEW.old_value IS NOT OLD.old_value) OR (NEW.new_value IS NOT NULL AND NEW.new_value IS NOT OLD.new_value) OR (NEW.reason IS NOT NULL AND NEW.reason IS NOT OLD.reason) BEGIN
    SELECT RAISE(ABORT, 'memory_log is append-only: maintenance may only blank its payload');
END;

CREATE TABLE memory_tags (
    memory_id TEXT NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    tag       TEXT NOT NULL,
    PRIMARY KEY (memory_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_tags_tag ON memory_tags (tag, memory_id);

CREATE TABLE memory_uses (
    id         TEXT PRIMARY KEY NOT NULL,
    team_id    TEXT NOT NULL,
    session_id TEXT NOT NULL,
    memory_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    score      REAL NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX memory_uses_memory ON memory_uses (memory_id, at, session_id);
CREATE INDEX memory_uses_session ON memory_uses (session_id, at, id);
CREATE TRIGGER memory_uses_remain BEFORE DELETE ON memory_uses WHEN NOT EXISTS (SELECT 1 FROM maintenance_runs WHERE closed_at IS NULL) BEGIN
    SELECT RAISE(ABORT, 'memory_uses is append-only');
END;
CREATE TRIGGER memory_uses_keep BEFORE UPDATE OF id, team_id, session_id, memory_id, version, score, at ON memory_uses BEGIN
    SELECT RAISE(ABORT, 'memory_uses is append-only');
END;

CREATE TABLE document_index (
    id              TEXT PRIMARY KEY NOT NULL,
    team_id         TEXT NOT NULL REFERENCES teams (id),
    file_path       TEXT NOT NULL,
    title           TEXT,
    document_type   TEXT NOT NULL,
    content_sha256  BLOB NOT NULL CHECK (length(content_sha256) = 32),
    chunk_count     INTEGER NOT NULL CHECK (chunk_count >= 0),
    embedding_model TEXT REFERENCES embedding_models (name),
    sync_status     TEXT NOT NULL CHECK (sync_status IN ('pending', 'synced', 'failed', 'stale')),
    error_message   TEXT,
    last_synced_at  INTEGER,
    metadata        TEXT NOT NULL CHECK (json_valid(metadata)),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (team_id, file_path)
) STRICT;
CREATE INDEX document_index_team_created ON document_index (team_id, created_at, id);
CREATE INDEX document_index_team_status ON document_index (team_id, sync_status, created_at, id);
CREATE INDEX document_index_embedding_model ON document_index (embedding_model) WHERE embedding_model IS NOT NULL;

CREATE TABLE document_chunks (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    team_id          TEXT NOT NULL REFERENCES teams (id),
    document_id      TEXT NOT NULL REFERENCES document_index (id) ON DELETE CASCADE,
    ordinal          INTEGER NOT NULL CHECK (ordinal >= 0),
    heading_path     TEXT NOT NULL,
    content          TEXT NOT NULL,
    byte_start       INTEGER NOT NULL CHECK (byte_start >= 0),
    byte_end         INTEGER NOT NULL,
    embedding        BLOB CHECK (length(embedding) % 4 = 0),
    embedding_model  TEXT REFERENCES embedding_models (name),
    embedding_change INTEGER,
    created_at       INTEGER NOT NULL,
    UNIQUE (document_id, ordinal),
    CHECK (byte_end >= byte_start),
    CHECK ((embedding IS NULL) = (embedding_model IS NULL))
) STRICT;
CREATE INDEX document_chunks_team ON document_chunks (team_id, document_id, ordinal);
CREATE UNIQUE INDEX document_chunks_embedding_model ON document_chunks (embedding_model, team_id, embedding_change) WHERE embedding_model IS NOT NULL;
CREATE VIRTUAL TABLE document_words USING fts5(heading_path, content, content='document_chunks', content_rowid='number', tokenize='porter unicode61 remove_diacritics 0');
INSERT INTO document_words (document_words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER document_chunks_words_add AFTER INSERT ON document_chunks BEGIN
    INSERT INTO document_words (rowid, heading_path, content) VALUES (NEW.number, NEW.heading_path, NEW.content);
END;
CREATE TRIGGER document_chunks_words_remove AFTER DELETE ON document_chunks BEGIN
    INSERT INTO document_words (document_words, rowid, heading_path, content) VALUES ('delete', OLD.number, OLD.heading_path, OLD.content);
END;
CREATE TRIGGER document_chunks_words_replace AFTER UPDATE OF heading_path, content ON document_chunks BEGIN
    INSERT INTO document_words (document_words, rowid, heading_path, content) VALUES ('delete', OLD.number, OLD.heading_path, OLD.content);
    INSERT INTO document_words (rowid, heading_path, content) VALUES (NEW.number, NEW.heading_path, NEW.content);
END;
