//! Putting a memory under a key: the one way in which what is known changes.

use std::collections::BTreeSet;

use domain::{
    digest::Sha256Digest,
    id::MemoryId,
    memory::{
        Memory, MemoryAction, MemoryDraft, MemoryFact, MemoryLevel, MemorySource, MemoryStatus, MemoryTag,
        MemoryTier,
    },
};

use super::{
    Memories, MemoryChange,
    head::{Heads as _, said},
};
use crate::{conn::Tx, error::StoreError, repository::reference, statement::Statement, value::params};

/// What a writer takes to be under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing, or something deleted.
    New,
    /// This version.
    Version(i64),
    /// What has this digest; nothing that was redacted, which keeps the digest of what it said.
    Digest(Sha256Digest),
}

/// What a put did.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// The memory as it is now.
    pub memory: Memory,
    /// There was nothing under the key before, or something deleted.
    pub is_new: bool,
}

/// Why a put did not happen.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Something else is under the key than the writer took it for.
    #[error("memory {} is at version {}, not as expected: somebody changed it meanwhile", .current.id, .current.version)]
    Changed {
        /// What is there.
        current: Box<Memory>,
    },
    /// Anything that can happen to every change.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Memories<'_, Tx<'_>> {
    /// Puts a memory under its key, with its version, its line in the log and its tags. A deleted key is new again and
    /// continues its versions: warm, active, not pinned. A live one keeps tier, status and pin. Other content than before
    /// has no embedding yet.
    ///
    /// # Errors
    /// [`PutError::Changed`] with what is there when it is not what was expected; [`StoreError::Missing`] when nothing is
    /// there, or no session, message or agent of the team's that the draft newly refers to; [`StoreError::Invalid`] in a
    /// namespace that is never stored; [`StoreError::Conflict`] when the id is taken or a user does not exist.
    pub fn put(
        &self,
        expected: Expected,
        draft: &MemoryDraft,
        change: &MemoryChange,
    ) -> Result<Put, PutError> {
        if draft.namespace.level() == MemoryLevel::Temp {
            let accepted = "a namespace of another level than temp, which is never stored".to_owned();
            let value = draft.namespace.to_string();
            return Err(StoreError::Invalid { field: "namespace", value, accepted }.into());
        }
        if let Some(current) = self.scope.lock_key(&draft.namespace, &draft.key)? {
            return self.put_over(current, expected, draft, change);
        }
        if expected != Expected::New {
            return Err(nothing_there(draft).into());
        }
        self.require_references(&draft.fact, None)?;
        let memory = first(self.scope.team(), draft, change);
        if self.insert_unless_taken(&memory)? {
            self.scope.write_version(&memory, change)?;
            self.scope.write_log(
                action(draft, MemoryAction::Created),
                &memory,
                (None, Some(said(&memory.fact))),
                None,
                change,
            )?;
            self.insert_tags(memory.id, &draft.tags)?;
            return Ok(Put { memory, is_new: true });
        }
        // Somebody else was faster, and has committed: the insertion waited for that.
        match self.scope.lock_key(&draft.namespace, &draft.key)? {
            Some(current) => self.put_over(current, expected, draft, change),
            None => Err(nothing_there(draft).into()),
        }
    }

    fn put_over(
        &self,
        before: Memory,
        expected: Expected,
        draft: &MemoryDraft,
        change: &MemoryChange,
    ) -> Result<Put, PutError> {
        let is_as_expected = match expected {
            Expected::New => before.is_deleted,
            Expected::Version(_) | Expected::Digest(_) if before.is_deleted => {
                return Err(nothing_there(draft).into());
            }
            Expected::Version(version) => before.version == version,
            Expected::Digest(digest) => before.content_sha256 == digest && !before.is_redacted(),
        };
        if !is_as_expected {
            return Err(PutError::Changed { current: Box::new(before) });
        }
        self.require_references(&draft.fact, Some(&before.fact))?;
        let mut memory = before.clone();
        memory.fact = draft.fact.clone().storable();
        memory.content_sha256 = memory.fact.digest();
        memory.version += 1;
        if before.is_deleted {
            memory.is_deleted = false;
            (memory.tier, memory.status) = (MemoryTier::Warm, MemoryStatus::Active);
            (memory.is_pinned, memory.superseded_by) = (false, None);
        }
        if memory.content_sha256 != before.content_sha256 {
            memory.embedding_model = None;
        }
        self.scope.write_fact(&memory)?;
        self.scope.write_state(&mut memory, change)?;
        self.scope.write_version(&memory, change)?;
        let (action, old) = if before.is_deleted {
            (action(draft, MemoryAction::Created), None)
        } else {
            (action(draft, MemoryAction::Updated), Some(said(&before.fact)))
        };
        let old_sha256 = (!before.is_deleted).then_some(before.content_sha256);
        self.scope.write_log(action, &memory, (old, Some(said(&memory.fact))), old_sha256, change)?;
        self.replace_tags(memory.id, &draft.tags)?;
        Ok(Put { memory, is_new: before.is_deleted })
    }

    fn insert_unless_taken(&self, memory: &Memory) -> Result<bool, StoreError> {
        let mut statement = Statement::insert(memory);
        statement.push(" ON CONFLICT (team_id, namespace, key) DO NOTHING", []);
        Ok(self.scope.tx().execute(statement.text(), statement.values())? == 1)
    }

    /// What a memory referred to before it may go on referring to, deleted or not.
    fn require_references(&self, fact: &MemoryFact, before: Option<&MemoryFact>) -> Result<(), StoreError> {
        let session = fact.source_session_id;
        if session != before.and_then(|before| before.source_session_id) {
            reference::require(&self.scope, "sessions", "session", session)?;
        }
        let message = fact.source_message_id;
        if message != before.and_then(|before| before.source_message_id) {
            reference::require_message(&self.scope, message)?;
        }
        let agent = fact.agent_id;
        if agent != before.and_then(|before| before.agent_id) {
            reference::require(&self.scope, "agents", "agent", agent)?;
        }
        Ok(())
    }

    fn replace_tags(&self, memory: MemoryId, tags: &BTreeSet<MemoryTag>) -> Result<(), StoreError> {
        let sql = "DELETE FROM memory_tags WHERE memory_id = $1";
        self.scope.tx().execute(sql, params![memory])?;
        self.insert_tags(memory, tags)
    }

    fn insert_tags(&self, memory: MemoryId, tags: &BTreeSet<MemoryTag>) -> Result<(), StoreError> {
        let sql = "INSERT INTO memory_tags (memory_id, tag) VALUES ($1, $2)";
        tags.iter().try_for_each(|tag| self.scope.tx().execute(sql, params![memory, *tag]).map(drop))
    }
}

/// The first version of a memory.
fn first(team_id: domain::id::TeamId, draft: &MemoryDraft, change: &MemoryChange) -> Memory {
    let fact = draft.fact.clone().storable();
    Memory {
        id: draft.id,
        team_id,
        namespace: draft.namespace.clone(),
        key: draft.key.clone(),
        content_sha256: fact.digest(),
        fact,
        tier: MemoryTier::Warm,
        status: MemoryStatus::Active,
        is_pinned: false,
        access_count: 0,
        last_accessed_at: None,
        version: 1,
        is_deleted: false,
        superseded_by: None,
        embedding_model: None,
        created_by: change.by.clone(),
        updated_by: change.by.clone(),
        created_at: change.at,
        updated_at: change.at,
    }
}

/// What the log calls a put: what is made of other memories has a word of its own.
fn action(draft: &MemoryDraft, otherwise: MemoryAction) -> MemoryAction {
    if draft.fact.source == MemorySource::Consolidation { MemoryAction::Consolidated } else { otherwise }
}

fn nothing_there(draft: &MemoryDraft) -> StoreError {
    StoreError::Missing { what: format!("memory {} in {}", draft.key, draft.namespace) }
}
