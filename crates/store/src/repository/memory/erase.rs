//! Erasing what a memory says, and memories altogether: through the door of maintenance, because histories are touched.

use domain::{
    id::MemoryId,
    memory::{MemoryAction, MemoryContent},
};

use super::{Memories, MemoryChange, head::Heads as _};
use crate::{
    conn::Tx,
    error::StoreError,
    maintenance::Maintenance,
    value::{ToValue as _, Value, params},
};

impl Memories<'_, Tx<'_>> {
    /// Blanks what a memory says, in all its versions and in its log too; digests stay. What else tells of it goes: its words,
    /// its embedding, its subject, its author, its tags and its metadata. That is a new version, without content.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; a deleted one is.
    pub fn redact(
        &self,
        id: MemoryId,
        maintenance: &Maintenance,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let mut memory = self.scope.lock(id)?;
        self.scope.tx().maintain(maintenance, |open| {
            let versions = "UPDATE memory_versions SET value = NULL, content = NULL, reason = NULL WHERE memory_id = $1";
            open.blank(versions, params![id])?;
            let log = "UPDATE memory_log SET old_value = NULL, new_value = NULL, reason = NULL WHERE memory_id = $1";
            open.blank(log, params![id])
        })?;
        memory.fact.value = None;
        memory.fact.content = MemoryContent::default();
        memory.fact.subject = None;
        memory.fact.author = None;
        memory.fact.metadata = serde_json::json!({});
        memory.embedding_model = None;
        memory.version += 1;
        self.scope.tx().execute("DELETE FROM memory_tags WHERE memory_id = $1", params![id])?;
        self.scope.write_fact(&memory)?;
        self.scope.write_state(&mut memory, change)?;
        self.scope.write_version(&memory, change)?;
        let digest = memory.content_sha256;
        self.scope.write_log(MemoryAction::Redacted, &memory, (None, None), Some(digest), change)
    }

    /// Removes a memory with its versions, tags and embedding. Its log stays as it is, with this as its last line: redact
    /// first what must not stay there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; a deleted one is.
    pub fn purge(
        &self,
        id: MemoryId,
        maintenance: &Maintenance,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let memory = self.scope.lock(id)?;
        self.scope.tx().maintain(maintenance, |open| {
            open.delete("DELETE FROM memory_versions WHERE memory_id = $1", params![id])
        })?;
        let team = Value::Id(*self.scope.team().as_uuid());
        let sql = "DELETE FROM memories WHERE id = $1 AND (team_id = $2) IS TRUE";
        self.scope.tx().execute_one("memory", sql, &[id.to_value(), team])?;
        let digest = memory.content_sha256;
        self.scope.write_log(MemoryAction::Deleted, &memory, (None, None), Some(digest), change)
    }
}
