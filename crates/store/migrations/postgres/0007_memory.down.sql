DROP TABLE document_chunks;
DROP TABLE document_index;
DROP TABLE memory_uses;
DROP TABLE memory_tags;
DROP TABLE memory_log;
DROP TABLE memory_versions;
DROP TABLE memories;
DROP FUNCTION words_of(text);
DROP TABLE embedding_models;
-- Somebody else's tables in this database may need it.
DO $$ BEGIN
    DROP EXTENSION vector;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;
END $$;
