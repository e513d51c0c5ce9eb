//! The row of a memory, and what each change writes beside it: the parts that all changes are made of.

use domain::{
    digest::Sha256Digest,
    id::MemoryId,
    memory::{Memory, MemoryAction, MemoryFact, MemoryKey, MemoryLogEntry, Namespace},
};
use serde_json::{Value as Json, json};

use super::{FACT_COLUMNS, MemoryChange, fact_values};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record as _,
    scope::{Scope, missing},
    statement::Statement,
    value::{ToValue as _, Value, params},
};

/// What a memory says, as the log keeps it.
pub(super) fn said(fact: &MemoryFact) -> Json {
    json!({ "content": fact.content.as_str(), "value": fact.value })
}

/// What all changes of a memory are made of.
pub(super) trait Heads {
    /// The memory under a key, deleted or not; nobody else changes it until this transaction ends.
    fn lock_key(&self, namespace: &Namespace, key: &MemoryKey) -> Result<Option<Memory>, StoreError>;

    /// The memory of this id, deleted or not; nobody else changes it until this transaction ends.
    fn lock(&self, id: MemoryId) -> Result<Memory, StoreError>;

    /// As [`Heads::lock`], unless it was deleted.
    fn lock_live(&self, id: MemoryId) -> Result<Memory, StoreError>;

    /// Writes what a memory says; without a model it loses its embedding.
    fn write_fact(&self, memory: &Memory) -> Result<(), StoreError>;

    /// Writes everything about a memory but what it says.
    fn write_state(&self, memory: &mut Memory, change: &MemoryChange) -> Result<(), StoreError>;

    /// Adds a memory's version as it is now; that of a deleted or redacted one has no content.
    fn write_version(&self, memory: &Memory, change: &MemoryChange) -> Result<(), StoreError>;

    /// Adds a line to the log: what was and what is.
    fn write_log(
        &self,
        action: MemoryAction,
        memory: &Memory,
        values: (Option<Json>, Option<Json>),
        old_sha256: Option<Sha256Digest>,
        change: &MemoryChange,
    ) -> Result<(), StoreError>;
}

impl Heads for Scope<'_, Tx<'_>> {
    fn lock_key(&self, namespace: &Namespace, key: &MemoryKey) -> Result<Option<Memory>, StoreError> {
        let sql = format!(
            "SELECT {} FROM memories WHERE team_id = $1 AND namespace = $2 AND key = $3{}",
            Memory::COLUMNS,
            self.pick("", " FOR UPDATE")
        );
        self.find(&sql, params![*namespace, *key], |row| Memory::from_columns(&mut row.columns()))
    }

    fn lock(&self, id: MemoryId) -> Result<Memory, StoreError> {
        let sql = format!(
            "SELECT {} FROM memories WHERE (team_id = $1) IS TRUE AND id = $2{}",
            Memory::COLUMNS,
            self.pick("", " FOR UPDATE")
        );
        let memory = self.find(&sql, params![id], |row| Memory::from_columns(&mut row.columns()))?;
        memory.ok_or_else(|| missing::<Memory>(id))
    }

    fn lock_live(&self, id: MemoryId) -> Result<Memory, StoreError> {
        let memory = self.lock(id)?;
        if memory.is_deleted { Err(missing::<Memory>(id)) } else { Ok(memory) }
    }

    fn write_fact(&self, memory: &Memory) -> Result<(), StoreError> {
        let mut statement =
            Statement::new("UPDATE memories SET content_sha256 = ?", [memory.content_sha256.to_value()]);
        for (column, value) in FACT_COLUMNS.iter().zip(fact_values(&memory.fact)) {
            statement.push(&format!(", {column} = ?"), [value]);
        }
        if memory.embedding_model.is_none() {
            statement.push(", embedding = NULL, embedding_model = NULL, embedding_change = NULL", []);
        }
        statement.push(" WHERE id = ?", [memory.id.to_value()]);
        self.tx().execute_one("memory", statement.text(), statement.values())
    }

    fn write_state(&self, memory: &mut Memory, change: &MemoryChange) -> Result<(), StoreError> {
        memory.updated_by.clone_from(&change.by);
        memory.updated_at = change.at;
        let sql = "UPDATE memories SET tier = $1, status = $2, is_pinned = $3, version = $4, is_deleted = $5,
                 superseded_by = $6, updated_by = $7, updated_at = $8
             WHERE id = $9 AND (team_id = $10) IS TRUE";
        let Memory { tier, status, is_pinned, version, is_deleted, .. } = *memory;
        let values = params![
            tier,
            status,
            is_pinned,
            version,
            is_deleted,
            memory.superseded_by,
            memory.updated_by,
            memory.updated_at,
            memory.id
        ];
        self.execute(sql, values).map(drop)
    }

    fn write_version(&self, memory: &Memory, change: &MemoryChange) -> Result<(), StoreError> {
        let (value, content) = if memory.is_deleted || memory.is_redacted() {
            (Value::Null, Value::Null)
        } else {
            (memory.fact.value.to_value(), memory.fact.content.to_value())
        };
        let sql = "INSERT INTO memory_versions (memory_id, version, namespace, key, value, content, content_sha256, \
             is_deleted, changed_by, reason, valid_from, team_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let values = [
            memory.id.to_value(),
            memory.version.to_value(),
            memory.namespace.to_value(),
            memory.key.to_value(),
            value,
            content,
            memory.content_sha256.to_value(),
            memory.is_deleted.to_value(),
            change.by.to_value(),
            change.reason.to_value(),
            change.at.to_value(),
        ];
        self.execute(sql, &values).map(drop)
    }

    fn write_log(
        &self,
        action: MemoryAction,
        memory: &Memory,
        (old_value, new_value): (Option<Json>, Option<Json>),
        old_sha256: Option<Sha256Digest>,
        change: &MemoryChange,
    ) -> Result<(), StoreError> {
        let is_gone = action == MemoryAction::Deleted;
        self.insert(&MemoryLogEntry {
            id: change.log_id,
            team_id: memory.team_id,
            namespace: memory.namespace.clone(),
            key: memory.key.clone(),
            memory_id: memory.id,
            action,
            old_sha256,
            new_sha256: (!is_gone).then_some(memory.content_sha256),
            old_value,
            new_value,
            changed_by: change.by.clone(),
            reason: change.reason.clone(),
            session_id: change.session_id,
            at: change.at,
        })
    }
}
