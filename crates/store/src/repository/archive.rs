//! Archives of working directories. What changes an archive also keeps its session's `archive_id`, which is the latest
//! completed archive, as it should be.

use domain::{
    archive::{Archive, ArchiveStatus, Compression, IllegalArchiveMove, StorageBackend},
    archive_manifest::ArchiveManifest,
    digest::Sha256Digest,
    id::{ArchiveId, SessionId},
    session::Session,
    storage_key::StorageKey,
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Owned as _, Record as _, record},
    scope::{Scope, missing},
    statement::{Order, Statement},
    value::{FromValue, ToValue, Value, params, stored_documents, stored_words},
};

stored_words! { ArchiveStatus, Compression, StorageBackend }
stored_documents! { ArchiveManifest }

impl ToValue for StorageKey {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.to_string().into())
    }
}

impl FromValue for StorageKey {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { text.parse().ok() } else { None }
    }
}

record! {
    Archive in "working_directory_archives" {
        id, team_id, session_id, storage_backend, archive_path, compression, size_bytes, sha256, status, attempts,
        error_message, archived_at, created_at, updated_at,
    }
    owned by ArchiveId as "archive" while
        "deleted_at IS NULL AND (SELECT s.deleted_at FROM sessions s WHERE s.id = session_id) IS NULL";
    dated by created_at;
}

/// A team's archives. Those of a deleted session are gone with it; only retention still sees them.
#[derive(Debug, Clone, Copy)]
pub struct Archives<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which archives a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArchiveFilter {
    /// Of this session.
    pub session_id: Option<SessionId>,
    /// In this status.
    pub status: Option<ArchiveStatus>,
}

/// What was stored, as verified.
#[derive(Debug, Clone)]
pub struct PackedArchive {
    /// Size of the stored object, in bytes.
    pub size_bytes: u64,
    /// Digest of the stored object.
    pub sha256: Sha256Digest,
    /// What is in it.
    pub manifest: ArchiveManifest,
}

impl<C: Reads> Archives<'_, C> {
    /// The archive of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: ArchiveId) -> Result<Option<Archive>, StoreError> {
        self.scope.find_row(id)
    }

    /// The session's latest completed archive.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_latest(&self, session: SessionId) -> Result<Option<Archive>, StoreError> {
        let sql = format!(
            "SELECT {} FROM sessions s JOIN working_directory_archives a ON a.id = s.archive_id
             WHERE (s.team_id = $1 AND s.deleted_at IS NULL) IS TRUE AND s.id = $2",
            Archive::columns_of("a")
        );
        self.scope.find(&sql, params![session], |row| Archive::from_columns(&mut row.columns()))
    }

    /// What is in an archive; `None` until it is completed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_manifest(&self, id: ArchiveId) -> Result<Option<ArchiveManifest>, StoreError> {
        let sql = format!(
            "SELECT manifest FROM working_directory_archives WHERE (team_id = $1 AND {}) IS TRUE AND id = $2",
            Archive::LIVE
        );
        Ok(self.scope.find(&sql, params![id], |row| row.get(0))?.flatten())
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: ArchiveFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Archive>, StoreError> {
        let mut statement = self.scope.select_by::<Archive>(filter.session_id.is_some());
        statement.and_equal("session_id", filter.session_id.as_ref());
        statement.and_equal("status", filter.status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// Archives that were completed before this time, those of deleted sessions too, at most `limit`, oldest first: what
    /// retention looks at.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_completed_before(&self, time: Timestamp, limit: u32) -> Result<Vec<Archive>, StoreError> {
        let (columns, table) = (Archive::COLUMNS, Archive::TABLE);
        let mut statement = self
            .scope
            .statement(&format!("SELECT {columns} FROM {table} WHERE team_id = ? AND deleted_at IS NULL"));
        statement.and("status = ?", [ArchiveStatus::Completed.to_value()]);
        // None is completed before it was asked for, and that time stands in an index.
        statement.and("created_at < ? AND archived_at < ?", [Value::Time(time), Value::Time(time)]);
        statement.push(" ORDER BY created_at, id LIMIT ?", [Value::Int(limit.into())]);
        statement.rows(self.scope.connection())
    }
}

impl Archives<'_, Tx<'_>> {
    /// Asks for an archive of a session.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is not pending; [`StoreError::Missing`] when its session is not there;
    /// [`StoreError::Conflict`] when its id exists.
    pub fn insert(&self, archive: &Archive) -> Result<(), StoreError> {
        if archive.status != ArchiveStatus::Pending {
            return Err(StoreError::Invalid {
                field: "status",
                value: archive.status.to_string(),
                accepted: format!("{} for a new archive", ArchiveStatus::Pending),
            });
        }
        self.scope.refuse_foreign(archive)?;
        self.scope.insert_below::<Session, _>(archive.session_id, archive)
    }

    /// Packing begins, for the first time or again: the archive says which attempt it is. Of several who try at once, one wins.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it cannot begin.
    pub fn start(&self, id: ArchiveId, at: Timestamp) -> Result<Archive, StoreError> {
        let update = Statement::new(
            "UPDATE working_directory_archives SET error_message = NULL, attempts = attempts + 1",
            [],
        );
        self.move_to(ArchiveStatus::InProgress, id, None, update, at)
    }

    /// Packing is given up in this attempt, which is 0 before the first.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it is completed or failed already, or another
    /// attempt began since.
    pub fn fail(
        &self,
        id: ArchiveId,
        attempt: u32,
        error: &str,
        at: Timestamp,
    ) -> Result<Archive, StoreError> {
        let update =
            Statement::new("UPDATE working_directory_archives SET error_message = ?", [Value::text(error)]);
        self.move_to(ArchiveStatus::Failed, id, Some(attempt), update, at)
    }

    /// The archive of this attempt is stored and verified, and is its session's latest.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it is not in progress, or another attempt
    /// began since; [`StoreError::Invalid`] when its size cannot be stored.
    pub fn complete(
        &self,
        id: ArchiveId,
        attempt: u32,
        packed: &PackedArchive,
        at: Timestamp,
    ) -> Result<Archive, StoreError> {
        let size_bytes = i64::try_from(packed.size_bytes).map_err(|_| StoreError::Invalid {
            field: "size_bytes",
            value: packed.size_bytes.to_string(),
            accepted: format!("0 to {}", i64::MAX),
        })?;
        let archive = self.find(id)?.ok_or_else(|| missing::<Archive>(id))?;
        let session = self.lock_session(archive.session_id)?;
        let update = Statement::new(
            "UPDATE working_directory_archives SET size_bytes = ?, sha256 = ?, manifest = ?, archived_at = ?,
             error_message = NULL",
            params![size_bytes, packed.sha256, packed.manifest, at].to_vec(),
        );
        let archive = self.move_to(ArchiveStatus::Completed, id, Some(attempt), update, at)?;
        self.point_to_latest(session, at)?;
        Ok(archive)
    }

    /// Deletes an archive softly, that of a deleted session too. If it was its session's latest, the one completed before it is
    /// that again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: ArchiveId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "SELECT session_id FROM working_directory_archives
             WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2";
        let session = self.scope.find(sql, params![id], |row| row.get(0))?;
        let session = self.lock_session(session.ok_or_else(|| missing::<Archive>(id))?)?;
        self.scope.delete::<Archive>(id, at)?;
        self.point_to_latest(session, at)
    }

    /// Goes on with an update of an archive so that it also changes the status, from one that this one can follow and in the
    /// attempt that is said.
    fn move_to(
        &self,
        to: ArchiveStatus,
        id: ArchiveId,
        attempt: Option<u32>,
        update: Statement<'_>,
        at: Timestamp,
    ) -> Result<Archive, StoreError> {
        let from: Vec<_> = to.predecessors().collect();
        let mut update = update;
        update.push(", status = ?, updated_at = ? WHERE id = ?", params![to, at, id].to_vec());
        let places = from.iter().map(|_| "?").collect::<Vec<_>>().join(", ");
        let team = Value::Id(*self.scope.team().as_uuid());
        update.and(
            &format!("(status IN ({places}) AND {} AND team_id = ?) IS TRUE", Archive::LIVE),
            from.iter().map(ToValue::to_value).chain([team]),
        );
        update.and_equal("attempts", attempt.as_ref());
        update.push(&format!(" RETURNING {}", Archive::COLUMNS), []);
        let moved = update.rows(self.scope.connection())?.into_iter().next();
        if let Some(archive) = moved {
            return Ok(archive);
        }
        let Archive { status: from, attempts, .. } = self.find(id)?.ok_or_else(|| missing::<Archive>(id))?;
        let reason = match (from.transition_to(to), attempt) {
            (Ok(_), Some(attempt)) => format!("attempt {attempt} ended when attempt {attempts} began"),
            _ => IllegalArchiveMove { from, to }.to_string(),
        };
        Err(StoreError::Conflict { what: format!("archive {id}: {reason}") })
    }

    /// An archive's session, deleted or not, whose `archive_id` nobody else changes until this transaction ends. It is locked
    /// before the archive, by all that change both.
    fn lock_session(&self, session: SessionId) -> Result<SessionId, StoreError> {
        let lock = self.scope.pick("", " FOR NO KEY UPDATE");
        let sql = format!("SELECT id FROM sessions WHERE (team_id = $1) IS TRUE AND id = $2{lock}");
        self.scope.find(&sql, params![session], |row| row.get(0))?.ok_or_else(|| missing::<Session>(session))
    }

    fn point_to_latest(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET updated_at = $1, archive_id = (
                 SELECT a.id FROM working_directory_archives a
                 WHERE a.session_id = $2 AND (a.status = $3 AND a.deleted_at IS NULL) IS TRUE
                 ORDER BY a.archived_at DESC, a.id DESC LIMIT 1)
             WHERE id = $2 AND (team_id = $4) IS TRUE";
        self.scope.execute(sql, params![at, session, ArchiveStatus::Completed]).map(drop)
    }
}
