//! What changes about a memory besides what it says; each change is logged.

use domain::{
    digest::Sha256Digest,
    embedding::Embedding,
    id::{MemoryId, MemoryLogId, SessionId},
    memory::{Memory, MemoryAction as Action, MemoryStatus, MemoryTier, MemoryUse},
    time::Timestamp,
};
use serde_json::{Value as Json, json};

use super::{
    Memories,
    head::{Heads as _, said},
};
use crate::{
    conn::Tx,
    error::StoreError,
    repository::embedding_model,
    scope::missing,
    value::{ToValue as _, Value, params},
};

/// Who changes a memory, why and when: a line of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryChange {
    /// Identity of the line.
    pub log_id: MemoryLogId,
    /// Who, as `user:ID` or `system:PART`.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The session it happens in.
    pub session_id: Option<SessionId>,
    /// When.
    pub at: Timestamp,
}

impl Memories<'_, Tx<'_>> {
    /// Deletes a memory softly: a version without content says so.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Stale`] when `version` is given and is not its own.
    pub fn delete(
        &self,
        id: MemoryId,
        version: Option<i64>,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let mut memory = self.scope.lock_live(id)?;
        if let Some(expected) = version.filter(|version| *version != memory.version) {
            let current = memory.version;
            return Err(StoreError::Stale { what: format!("memory {id}"), expected, current });
        }
        memory.version += 1;
        memory.is_deleted = true;
        self.scope.write_state(&mut memory, change)?;
        self.scope.write_version(&memory, change)?;
        let old = Some(memory.content_sha256);
        self.scope.write_log(Action::Deleted, &memory, (Some(said(&memory.fact)), None), old, change)
    }

    /// Brings a deleted memory back as it was, as a new version.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it was not deleted.
    pub fn restore(&self, id: MemoryId, change: &MemoryChange) -> Result<(), StoreError> {
        let mut memory = self.scope.lock(id)?;
        if !memory.is_deleted {
            return Err(StoreError::Conflict { what: format!("memory {id} was not deleted") });
        }
        memory.version += 1;
        memory.is_deleted = false;
        self.scope.write_state(&mut memory, change)?;
        self.scope.write_version(&memory, change)?;
        self.scope.write_log(Action::Restored, &memory, (None, Some(said(&memory.fact))), None, change)
    }

    /// Moves a memory to another status. `superseded_by` is the memory that took its place; a superseded one that is archived
    /// keeps it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it or the other memory is not there; [`StoreError::Invalid`] when memories make no such
    /// move, or when something took the place of one that is not superseded, or the memory its own.
    pub fn set_status(
        &self,
        id: MemoryId,
        to: MemoryStatus,
        superseded_by: Option<MemoryId>,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let mut memory = self.scope.lock_live(id)?;
        let from = memory.status;
        let action = match (from, to) {
            (_, MemoryStatus::Superseded) => Action::Superseded,
            (_, MemoryStatus::Disputed) => Action::ContradictionDetected,
            (MemoryStatus::Disputed, MemoryStatus::Active) => Action::ContradictionResolved,
            _ => Action::Updated,
        };
        if let Some(other) = superseded_by {
            self.accept_successor(id, to, other)?;
        }
        move_to(&mut memory, to)?;
        if to != MemoryStatus::Archived {
            memory.superseded_by = superseded_by;
        }
        self.log_word(action, memory, (json!(from), json!(to)), change)
    }

    fn accept_successor(&self, id: MemoryId, to: MemoryStatus, other: MemoryId) -> Result<(), StoreError> {
        let accepted = match to {
            MemoryStatus::Superseded if other != id => {
                let found = self.scope.find_row::<Memory>(other)?;
                return found.map(drop).ok_or_else(|| missing::<Memory>(other));
            }
            MemoryStatus::Superseded => "another memory than itself".to_owned(),
            _ => format!("none with status {to}; only a superseded memory has one"),
        };
        Err(StoreError::Invalid { field: "superseded_by", value: other.to_string(), accepted })
    }

    /// Takes a memory whose time ran out of use: archived and cold.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Invalid`] when it is archived.
    pub fn expire(&self, id: MemoryId, change: &MemoryChange) -> Result<(), StoreError> {
        let mut memory = self.scope.lock_live(id)?;
        let from = memory.status;
        move_to(&mut memory, MemoryStatus::Archived)?;
        memory.tier = MemoryTier::Cold;
        self.log_word(Action::Expired, memory, (json!(from), json!(MemoryStatus::Archived)), change)
    }

    /// Keeps a memory nearer at hand or farther away; in the tier it has, it stays without a line in the log.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn set_tier(&self, id: MemoryId, to: MemoryTier, change: &MemoryChange) -> Result<(), StoreError> {
        let mut memory = self.scope.lock_live(id)?;
        let from = std::mem::replace(&mut memory.tier, to);
        // Warmest first.
        match to.cmp(&from) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => {
                self.log_word(Action::Promoted, memory, (json!(from), json!(to)), change)
            }
            std::cmp::Ordering::Greater => {
                self.log_word(Action::Demoted, memory, (json!(from), json!(to)), change)
            }
        }
    }

    /// Holds a memory, or lets go of it; without a line in the log when it already is so.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn set_pinned(&self, id: MemoryId, is_pinned: bool, change: &MemoryChange) -> Result<(), StoreError> {
        let mut memory = self.scope.lock_live(id)?;
        if memory.is_pinned == is_pinned {
            return Ok(());
        }
        memory.is_pinned = is_pinned;
        let action = if is_pinned { Action::Pinned } else { Action::Unpinned };
        self.log_word(action, memory, (json!(!is_pinned), json!(is_pinned)), change)
    }

    /// Counts a look at each of these memories, at one that is named twice too. That is no change: neither version nor time of
    /// update grow.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record_access(&self, memories: &[MemoryId], at: Timestamp) -> Result<(), StoreError> {
        // On PostgreSQL first locked in one order, or two who look at the same memories would wait for each other.
        let sql = self.scope.pick(
            "UPDATE memories SET access_count = access_count + 1, last_accessed_at = max(coalesce(last_accessed_at, $1), $1)
             WHERE id IN (SELECT value FROM json_each($2)) AND (team_id = $3) IS TRUE",
            "UPDATE memories SET access_count = access_count + 1, last_accessed_at = greatest(last_accessed_at, $1)
             WHERE id = ANY (ARRAY(
                 SELECT id FROM memories WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($2)))
                 AND (team_id = $3) IS TRUE ORDER BY id FOR NO KEY UPDATE))",
        );
        self.scope.execute(sql, &[at.to_value(), Value::document(&memories)]).map(drop)
    }

    /// Records which memories an agent was given.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when an id is taken or a use says another team.
    pub fn insert_uses(&self, uses: &[MemoryUse]) -> Result<(), StoreError> {
        self.scope.insert_all(uses)
    }

    /// Gives a memory an embedding of the content that has this digest, and says whether it is still its content. That is
    /// no change: neither version nor time of update grow.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the memory or the model is not there; [`StoreError::Invalid`] when the vector is none
    /// of the model's.
    pub fn set_embedding(
        &self,
        id: MemoryId,
        of: &Sha256Digest,
        embedding: &Embedding,
    ) -> Result<bool, StoreError> {
        let tx = self.scope.tx();
        embedding_model::accept(&embedding_model::get(tx, &embedding.model)?, &embedding.vector)?;
        let memory = self.scope.lock_live(id)?;
        // A redacted one keeps the digest of what it said, but nothing that is made of it.
        if memory.content_sha256 != *of || memory.is_redacted() {
            return Ok(false);
        }
        let number = embedding_model::take_changes(tx, &embedding.model, 1)?.map(|last| last + 1);
        let sql = "UPDATE memories SET embedding = $1, embedding_model = $2, embedding_change = $3
             WHERE id = $4 AND (team_id = $5) IS TRUE";
        let values = params![embedding.vector, embedding.model, number, id];
        Ok(self.scope.execute(sql, values)? == 1)
    }

    /// Writes the state with its line in the log, which says what the changed word was and is.
    fn log_word(
        &self,
        action: Action,
        mut memory: Memory,
        (from, to): (Json, Json),
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        self.scope.write_state(&mut memory, change)?;
        let digest = Some(memory.content_sha256);
        self.scope.write_log(action, &memory, (Some(from), Some(to)), digest, change)
    }
}

fn move_to(memory: &mut Memory, to: MemoryStatus) -> Result<(), StoreError> {
    memory.status = memory.status.move_to(to).map_err(|error| StoreError::Invalid {
        field: "status",
        value: to.to_string(),
        accepted: error.to_string(),
    })?;
    Ok(())
}
