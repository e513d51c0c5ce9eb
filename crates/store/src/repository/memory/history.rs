//! What became of memories: versions, what was known at a time, the log, and uses.

use domain::{
    id::{MemoryId, MemoryLogId, MemoryUseId, SessionId},
    memory::{MemoryAction, MemoryKey, MemoryLogEntry, MemoryUse, MemoryVersion, Namespace},
    time::Timestamp,
};

use super::{Memories, within};
use crate::{
    error::StoreError,
    record::record,
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    statement::{Order, Statement},
    value::{Columns, ToValue as _, Value, stored_words},
};

stored_words! { MemoryAction }

record! {
    MemoryLogEntry in "memory_log" {
        id, team_id, namespace, key, memory_id, action, old_sha256, new_sha256, old_value, new_value, changed_by, reason,
        session_id, at,
    }
    owned by MemoryLogId as "memory log entry" while "TRUE";
    dated by at;
}

record! {
    MemoryUse in "memory_uses" { id, team_id, session_id, memory_id, version, score, at }
    owned by MemoryUseId as "memory use" while "TRUE";
    dated by at;
}

/// The columns of a version; the last is when the next one began.
const COLUMNS: &str = "v.memory_id, v.version, v.team_id, v.namespace, v.key, v.value, v.content, v.content_sha256, \
     v.is_deleted, v.changed_by, v.reason, v.valid_from, \
     (SELECT n.valid_from FROM memory_versions n WHERE n.memory_id = v.memory_id AND n.version = v.version + 1)";

impl<C: Reads> Memories<'_, C> {
    /// What was known under a key at a time, unless it was not there yet or deleted then.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_as_of(
        &self,
        namespace: &Namespace,
        key: &MemoryKey,
        at: Timestamp,
    ) -> Result<Option<MemoryVersion>, StoreError> {
        let mut statement = self.versions();
        statement.and("v.namespace = ? AND v.key = ?", [namespace.to_value(), key.to_value()]);
        statement.and("v.valid_from <= ?", [at.to_value()]);
        // Of several versions of one time the last; of a clock that went back too.
        statement.push(" ORDER BY v.version DESC LIMIT 1", []);
        let version = self.read_versions(&statement)?.into_iter().next();
        Ok(version.filter(|version| !version.is_deleted))
    }

    /// What was known in a namespace and below it at a time, by namespace and key, at most `limit` after the key given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_as_of(
        &self,
        prefix: &Namespace,
        at: Timestamp,
        after: Option<(&Namespace, &MemoryKey)>,
        limit: u32,
    ) -> Result<Vec<MemoryVersion>, StoreError> {
        let mut statement = self.versions();
        within(&mut statement, std::slice::from_ref(prefix));
        statement.and("v.valid_from <= ? AND NOT v.is_deleted", [at.to_value()]);
        let is_last = "NOT EXISTS (SELECT 1 FROM memory_versions l
             WHERE l.memory_id = v.memory_id AND l.version > v.version AND l.valid_from <= ?)";
        statement.and(is_last, [at.to_value()]);
        if let Some((namespace, key)) = after {
            statement.and("(v.namespace, v.key) > (?, ?)", [namespace.to_value(), key.to_value()]);
        }
        statement.push(" ORDER BY v.namespace, v.key LIMIT ?", [Value::Int(i64::from(limit))]);
        self.read_versions(&statement)
    }

    /// The versions of a memory, deleted or not, the newest first, at most `limit` before the one given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_versions(
        &self,
        memory: MemoryId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<MemoryVersion>, StoreError> {
        let mut statement = Statement::new(
            &format!("SELECT {COLUMNS} FROM memory_versions v WHERE v.memory_id = ?"),
            [memory.to_value()],
        );
        statement.and("(v.team_id = ?) IS TRUE", [Value::Id(*self.scope.team().as_uuid())]);
        if let Some(before) = before {
            statement.and("v.version < ?", [Value::Int(before)]);
        }
        statement.push(" ORDER BY v.version DESC LIMIT ?", [Value::Int(i64::from(limit))]);
        self.read_versions(&statement)
    }

    /// The log of a memory, also of one that was purged, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_log_of(
        &self,
        memory: MemoryId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MemoryLogEntry>, StoreError> {
        let mut statement = self.scope.select_by::<MemoryLogEntry>(true);
        statement.and_equal("memory_id", Some(&memory));
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The log of all the team's memories, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_log(&self, after: Option<Cursor>, limit: u32) -> Result<Page<MemoryLogEntry>, StoreError> {
        let statement = self.scope.select::<MemoryLogEntry>();
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// When and to whom a memory was given, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_uses_of(
        &self,
        memory: MemoryId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MemoryUse>, StoreError> {
        let mut statement = self.scope.select_by::<MemoryUse>(true);
        statement.and_equal("memory_id", Some(&memory));
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// What a session's agent was given, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_uses_in(
        &self,
        session: SessionId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MemoryUse>, StoreError> {
        let mut statement = self.scope.select_by::<MemoryUse>(true);
        statement.and_equal("session_id", Some(&session));
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    fn versions<'v>(&self) -> Statement<'v> {
        self.scope.statement(&format!("SELECT {COLUMNS} FROM memory_versions v WHERE v.team_id = ?"))
    }

    fn read_versions(&self, statement: &Statement<'_>) -> Result<Vec<MemoryVersion>, StoreError> {
        statement.query(self.scope.connection(), |row| version_from(&mut row.columns()))
    }
}

fn version_from(columns: &mut Columns<'_>) -> Result<MemoryVersion, StoreError> {
    Ok(MemoryVersion {
        memory_id: columns.next()?,
        version: columns.next()?,
        team_id: columns.next()?,
        namespace: columns.next()?,
        key: columns.next()?,
        value: columns.next()?,
        content: columns.next()?,
        content_sha256: columns.next()?,
        is_deleted: columns.next()?,
        changed_by: columns.next()?,
        reason: columns.next()?,
        valid_from: columns.next()?,
        valid_to: columns.next()?,
    })
}
