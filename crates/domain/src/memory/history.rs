//! What became of a memory: its versions, its log, and who was given it.

use serde_json::Value;

use super::{MemoryContent, MemoryKey, Namespace};
use crate::{
    digest::Sha256Digest,
    id::{MemoryId, MemoryLogId, MemoryUseId, SessionId, TeamId},
    time::Timestamp,
};

/// One version of a memory. Versions of a memory are numbered from 1 without gaps.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MemoryVersion {
    /// The memory; it may have been purged.
    pub memory_id: MemoryId,
    /// Its number.
    pub version: i64,
    /// The tenant.
    pub team_id: TeamId,
    /// Where it lives.
    pub namespace: Namespace,
    /// Its name there.
    pub key: MemoryKey,
    /// What was known, for programs; `None` also when it was deleted or redacted.
    pub value: Option<Value>,
    /// What was known, for people and search; `None` when it was deleted or redacted.
    pub content: Option<MemoryContent>,
    /// The digest of value and content, which outlives them.
    pub content_sha256: Sha256Digest,
    /// From here on the memory was deleted.
    pub is_deleted: bool,
    /// Who made it, as `user:ID` or `system:PART`.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// Since when it was what is known.
    pub valid_from: Timestamp,
    /// Until when; `None` while it is.
    pub valid_to: Option<Timestamp>,
}

text_enum! {
    /// What was done to a memory.
    pub enum MemoryAction: "memory action" {
        /// It is new, or new again after it was deleted.
        Created = "created",
        /// It says something else, or changed in a way that has no word of its own.
        Updated = "updated",
        /// Another took its place.
        Superseded = "superseded",
        /// To a warmer tier.
        Promoted = "promoted",
        /// To a colder tier.
        Demoted = "demoted",
        /// A person holds it.
        Pinned = "pinned",
        /// A person let go of it.
        Unpinned = "unpinned",
        /// Its time ran out.
        Expired = "expired",
        /// It was deleted.
        Deleted = "deleted",
        /// It is back after it was deleted.
        Restored = "restored",
        /// What it said was blanked everywhere.
        Redacted = "redacted",
        /// It contradicts another.
        ContradictionDetected = "contradiction_detected",
        /// It is believed again.
        ContradictionResolved = "contradiction_resolved",
        /// It was made of others.
        Consolidated = "consolidated",
    }
}

/// One line of the log of memory. It stays when the memory is removed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MemoryLogEntry {
    /// Identity.
    pub id: MemoryLogId,
    /// The tenant.
    pub team_id: TeamId,
    /// Where the memory lived.
    pub namespace: Namespace,
    /// Its name there.
    pub key: MemoryKey,
    /// The memory.
    pub memory_id: MemoryId,
    /// What was done.
    pub action: MemoryAction,
    /// The digest of what it said before.
    pub old_sha256: Option<Sha256Digest>,
    /// The digest of what it said after.
    pub new_sha256: Option<Sha256Digest>,
    /// What it was before: `{"content", "value"}`, or the word that changed. `None` also after redaction.
    pub old_value: Option<Value>,
    /// What it was after.
    pub new_value: Option<Value>,
    /// Who did it, as `user:ID` or `system:PART`.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// The session it was done in.
    pub session_id: Option<SessionId>,
    /// When.
    pub at: Timestamp,
}

/// One giving of a memory to an agent.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MemoryUse {
    /// Identity.
    pub id: MemoryUseId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session whose agent got it.
    pub session_id: SessionId,
    /// The memory.
    pub memory_id: MemoryId,
    /// The version it got.
    pub version: i64,
    /// How well it fitted; higher is better.
    pub score: f64,
    /// When.
    pub at: Timestamp,
}
