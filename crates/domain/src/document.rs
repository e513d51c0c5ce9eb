//! Documents: indexed files, cut into chunks that search finds.

use serde_json::Value;

use crate::{
    digest::Sha256Digest,
    embedding::{Embedding, EmbeddingModelName},
    id::{DocumentChunkId, DocumentId, TeamId},
    parsed_text::is_line,
    time::Timestamp,
};

parsed_text! {
    /// Where an indexed file is.
    pub struct DocumentPath: "path of a document",
        "1 to 1024 bytes of text on one line, without blanks at its ends", |text| is_line(text, 1024);
}

parsed_text! {
    /// What kind of document it is, such as `markdown`.
    pub struct DocumentType: "document type",
        "1 to 100 bytes of text on one line, without blanks at its ends", |text| is_line(text, 100);
}

text_enum! {
    /// Whether the index holds what the file says.
    pub enum SyncStatus: "sync status" {
        /// Never indexed.
        Pending = "pending",
        /// The index holds what the file says.
        Synced = "synced",
        /// Indexing failed.
        Failed = "failed",
        /// The file changed since it was indexed.
        Stale = "stale",
    }
}

/// An indexed file.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Document {
    /// Identity.
    pub id: DocumentId,
    /// The tenant.
    pub team_id: TeamId,
    /// Where the file is; unique in the team.
    pub file_path: DocumentPath,
    /// What it calls itself.
    pub title: Option<String>,
    /// What kind of document it is.
    pub document_type: DocumentType,
    /// The digest of the file.
    pub content_sha256: Sha256Digest,
    /// How many chunks the index holds.
    pub chunk_count: i64,
    /// The model that embedded them.
    pub embedding_model: Option<EmbeddingModelName>,
    /// Whether the index holds what the file says.
    pub sync_status: SyncStatus,
    /// Why indexing failed.
    pub error_message: Option<String>,
    /// When it was last indexed.
    pub last_synced_at: Option<Timestamp>,
    /// Anything else.
    pub metadata: Value,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DocumentChunk {
    /// Identity.
    pub id: DocumentChunkId,
    /// The tenant.
    pub team_id: TeamId,
    /// The document.
    pub document_id: DocumentId,
    /// Its place among the document's chunks, counted from 0.
    pub ordinal: i64,
    /// The headings above it, outermost first.
    pub heading_path: String,
    /// What it says.
    pub content: String,
    /// Where it begins in the file, in bytes.
    pub byte_start: i64,
    /// Where it ends in the file, in bytes; not part of it.
    pub byte_end: i64,
    /// What it means.
    pub embedding: Option<Embedding>,
    /// When it was indexed.
    pub created_at: Timestamp,
}

impl DocumentChunk {
    /// The most bytes its headings and content have together.
    pub const LONGEST: usize = 100_000;
}
