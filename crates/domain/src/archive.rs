//! Archives: packed working directories, kept apart from the sessions they belong to.

use crate::{
    digest::Sha256Digest,
    id::{ArchiveId, SessionId, TeamId},
    storage_key::StorageKey,
    time::Timestamp,
};

text_enum! {
    /// Where an archive is in its life.
    pub enum ArchiveStatus: "archive status" {
        /// Recorded; nothing is packed yet.
        Pending = "pending",
        /// Being packed and stored.
        InProgress = "in_progress",
        /// Stored and verified.
        Completed = "completed",
        /// Given up, until somebody tries again.
        Failed = "failed",
    }
}

text_enum! {
    /// How a packed directory is made smaller.
    pub enum Compression: "compression" {
        /// What every system can unpack.
        Gzip = "gzip",
        /// Smaller and faster.
        Zstd = "zstd",
        /// Not at all.
        None = "none",
    }
}

text_enum! {
    /// Where packed directories are kept.
    pub enum StorageBackend: "storage backend" {
        /// A folder of this machine.
        Local = "local",
        /// An S3 bucket, or one of its many likes.
        S3 = "s3",
        /// Google Cloud Storage.
        Gcs = "gcs",
        /// Azure Blob Storage.
        Azure = "azure",
    }
}

/// A move that an archive does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an archive cannot go from {from} to {to}; from {from} it can go to: {}", join(.from.successors()))]
pub struct IllegalArchiveMove {
    /// Status before.
    pub from: ArchiveStatus,
    /// Status asked for.
    pub to: ArchiveStatus,
}

impl ArchiveStatus {
    /// The statuses that can follow this one. A failed archive can be tried again; a completed one stays.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::InProgress, Self::Failed],
            Self::InProgress => &[Self::Completed, Self::Failed],
            Self::Failed => &[Self::InProgress],
            Self::Completed => &[],
        }
    }

    /// The statuses that this one can follow.
    pub fn predecessors(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |from| from.successors().contains(&self))
    }

    /// This status followed by `to`.
    ///
    /// # Errors
    /// When an archive has no such move; staying is not a move.
    pub fn transition_to(self, to: Self) -> Result<Self, IllegalArchiveMove> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalArchiveMove { from: self, to }) }
    }
}

fn join(statuses: &[ArchiveStatus]) -> String {
    if statuses.is_empty() {
        return "nothing".to_owned();
    }
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

impl Compression {
    /// How the name of a packed directory ends, without the leading dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Gzip => "tar.gz",
            Self::Zstd => "tar.zst",
            Self::None => "tar",
        }
    }
}

/// An archive as it stands in the store. What is in it says its [manifest](crate::archive_manifest::ArchiveManifest), which
/// can be large and is read on its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Archive {
    /// Identity.
    pub id: ArchiveId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session whose working directory it is.
    pub session_id: SessionId,
    /// Where it is kept.
    pub storage_backend: StorageBackend,
    /// Under which key it is kept there.
    pub archive_path: StorageKey,
    /// How it was made smaller.
    pub compression: Compression,
    /// Size of the stored object, in bytes, once completed.
    pub size_bytes: Option<i64>,
    /// Digest of the stored object, once completed.
    pub sha256: Option<Sha256Digest>,
    /// Where it is in its life.
    pub status: ArchiveStatus,
    /// How often packing began; only the last attempt may end it.
    pub attempts: u32,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When it was completed.
    pub archived_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Archive {
    /// An archive that is asked for: pending, under the key that follows from its identity.
    #[must_use]
    pub const fn new(
        id: ArchiveId,
        team_id: TeamId,
        session_id: SessionId,
        storage_backend: StorageBackend,
        compression: Compression,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            team_id,
            session_id,
            storage_backend,
            archive_path: StorageKey::Archive { team_id, session_id, archive_id: id, compression },
            compression,
            size_bytes: None,
            sha256: None,
            status: ArchiveStatus::Pending,
            attempts: 0,
            error_message: None,
            archived_at: None,
            created_at: at,
            updated_at: at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_moves_only_as_drawn() {
        use ArchiveStatus::{Completed, Failed, InProgress, Pending};
        let drawn = [
            (Pending, InProgress),
            (Pending, Failed),
            (InProgress, Completed),
            (InProgress, Failed),
            (Failed, InProgress),
        ];
        for &from in ArchiveStatus::ALL {
            for &to in ArchiveStatus::ALL {
                let expected =
                    if drawn.contains(&(from, to)) { Ok(to) } else { Err(IllegalArchiveMove { from, to }) };
                assert_eq!(from.transition_to(to), expected);
                assert_eq!(to.predecessors().any(|before| before == from), expected.is_ok());
            }
        }
    }

    #[test]
    fn a_refused_move_names_what_is_possible() {
        let refused =
            |from: ArchiveStatus| from.transition_to(ArchiveStatus::Pending).unwrap_err().to_string();
        assert_eq!(
            refused(ArchiveStatus::InProgress),
            "an archive cannot go from in_progress to pending; from in_progress it can go to: completed, failed"
        );
        assert!(refused(ArchiveStatus::Completed).ends_with("from completed it can go to: nothing"));
    }
}
