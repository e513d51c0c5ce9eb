//! The index of documents: files and their chunks.

use domain::{
    digest::Sha256Digest,
    document::{Document, DocumentChunk, DocumentPath, DocumentType, SyncStatus},
    embedding::{Embedding, EmbeddingModelName},
    id::{DocumentChunkId, DocumentId},
    time::Timestamp,
};

use super::{
    Reads, embedding_model,
    page::{Cursor, Page},
    search::{
        Narrow, Scored, Searched,
        embedding::{self, Wanted},
        text,
    },
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Owned, Record, record},
    scope::{Scope, missing},
    statement::{Order, Statement},
    value::{Columns, ToValue as _, Value, params, stored_words},
};

stored_words! { DocumentPath, DocumentType, SyncStatus }

record! {
    Document in "document_index" {
        id, team_id, file_path, title, document_type, content_sha256, chunk_count, embedding_model, sync_status,
        error_message, last_synced_at, metadata, created_at, updated_at,
    }
    owned by DocumentId as "document" while "TRUE";
    dated by created_at;
}

impl Record for DocumentChunk {
    const TABLE: &'static str = "document_chunks";
    const COLUMNS: &'static str = "id, team_id, document_id, ordinal, heading_path, content, byte_start, byte_end, \
         embedding, embedding_model, created_at";

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.id.to_value(),
            self.team_id.to_value(),
            self.document_id.to_value(),
            self.ordinal.to_value(),
            self.heading_path.to_value(),
            self.content.to_value(),
            self.byte_start.to_value(),
            self.byte_end.to_value(),
            self.embedding.as_ref().map_or(Value::Null, |embedding| embedding.vector.to_value()),
            self.embedding.as_ref().map_or(Value::Null, |embedding| embedding.model.to_value()),
            self.created_at.to_value(),
        ]
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            team_id: columns.next()?,
            document_id: columns.next()?,
            ordinal: columns.next()?,
            heading_path: columns.next()?,
            content: columns.next()?,
            byte_start: columns.next()?,
            byte_end: columns.next()?,
            embedding: embedding_from(columns)?,
            created_at: columns.next()?,
        })
    }
}

fn embedding_from(columns: &mut Columns<'_>) -> Result<Option<Embedding>, StoreError> {
    let (vector, model) = (columns.next()?, columns.next::<Option<EmbeddingModelName>>()?);
    Ok(model.zip(vector).map(|(model, vector)| Embedding { model, vector }))
}

impl Owned for DocumentChunk {
    type Id = DocumentChunkId;
    const NOUN: &'static str = "document chunk";
    const LIVE: &'static str = "TRUE";

    fn id(&self) -> DocumentChunkId {
        self.id
    }

    fn team_id(&self) -> domain::id::TeamId {
        self.team_id
    }
}

impl Searched for DocumentChunk {
    const WORDS: &'static str = "document_words";
}

/// A team's documents.
#[derive(Debug, Clone, Copy)]
pub struct Documents<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which chunks a search holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct ChunkFilter {
    /// Of this document.
    pub document_id: Option<DocumentId>,
    /// Of documents of this type.
    pub document_type: Option<DocumentType>,
}

impl Narrow for ChunkFilter {
    fn narrow<'v>(&'v self, statement: &mut Statement<'v>) {
        statement.and_equal("document_id", self.document_id.as_ref());
        if let Some(document_type) = &self.document_type {
            // For each chunk its document: `EXISTS` would let PostgreSQL gather all documents of the type first.
            let condition =
                "(SELECT d.document_type FROM document_index d WHERE d.id = document_chunks.document_id) = ?";
            statement.and(condition, [document_type.to_value()]);
        }
    }

    fn names_a_place(&self) -> bool {
        self.document_id.is_some()
    }
}

impl<C: Reads> Documents<'_, C> {
    /// The document of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        self.scope.find_row(id)
    }

    /// The document of this path.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_path(&self, path: &DocumentPath) -> Result<Option<Document>, StoreError> {
        self.scope.find_row_by("file_path", path)
    }

    /// Newest first; of one status or of all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        status: Option<SyncStatus>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Document>, StoreError> {
        let mut statement = self.scope.select::<Document>();
        statement.and_equal("sync_status", status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The chunks of a document in order, at most `limit` after the ordinal given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_chunks(
        &self,
        document: DocumentId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DocumentChunk>, StoreError> {
        let mut statement = self.scope.select::<DocumentChunk>();
        statement.and_equal("document_id", Some(&document));
        if let Some(after) = after {
            statement.and("ordinal > ?", [Value::Int(after)]);
        }
        statement.push(" ORDER BY ordinal LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }

    /// Chunks with all words of a text in their headings or content, best first; with any of the words when none has all.
    /// Any text will do.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search_by_text(
        &self,
        text: &str,
        filter: &ChunkFilter,
        limit: u32,
    ) -> Result<Vec<Scored<DocumentChunk>>, StoreError> {
        text::search(&self.scope, text, filter, limit)
    }

    /// Chunks most like an embedding, among those that its model embedded, best first. With many, the first search on SQLite
    /// reads them all: it belongs to [`Store::scan`](crate::Store::scan).
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the model is not known; [`StoreError::Invalid`] when the vector is none of its.
    pub fn search_by_embedding(
        &self,
        embedding: &Embedding,
        filter: &ChunkFilter,
        limit: u32,
    ) -> Result<Vec<Scored<DocumentChunk>>, StoreError> {
        let Embedding { model, vector } = embedding;
        embedding::search(&self.scope, Wanted { vector, model, limit }, filter)
    }
}

impl Documents<'_, Tx<'_>> {
    /// Makes a file known, or that it changed, and gives the document as it stands: a known path keeps its id and its
    /// chunks, and is stale when the file's digest is another.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken or the document is another team's.
    pub fn upsert(&self, document: &Document) -> Result<Document, StoreError> {
        self.scope.refuse_foreign(document)?;
        let (known, columns) = (Document::TABLE, Document::COLUMNS);
        let mut statement = Statement::insert(document);
        let changed = " ON CONFLICT (team_id, file_path) DO UPDATE SET
             title = excluded.title, document_type = excluded.document_type, metadata = excluded.metadata,
             updated_at = excluded.updated_at, content_sha256 = excluded.content_sha256, sync_status = CASE ";
        statement.push(changed, []);
        // One that was never indexed does not become stale.
        statement.push(
            &format!(
                "WHEN {known}.sync_status = ? AND {known}.content_sha256 <> excluded.content_sha256 THEN ?
                 ELSE {known}.sync_status END RETURNING {columns}"
            ),
            [SyncStatus::Synced.to_value(), SyncStatus::Stale.to_value()],
        );
        let rows: Vec<Document> = statement.rows(self.scope.tx())?;
        rows.into_iter().next().ok_or_else(|| missing::<Document>(document.id))
    }

    /// Records what became of indexing a document. Only a failure has an error.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn set_status(
        &self,
        id: DocumentId,
        status: SyncStatus,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let error = error.filter(|_| status == SyncStatus::Failed);
        let synced_at = (status == SyncStatus::Synced).then_some(at);
        let sql = "UPDATE document_index SET sync_status = $1, error_message = $2,
                 last_synced_at = coalesce($3, last_synced_at), updated_at = $4
             WHERE id = $5 AND (team_id = $6) IS TRUE";
        match self.scope.execute(sql, params![status, error, synced_at, at, id])? {
            0 => Err(missing::<Document>(id)),
            _ => Ok(()),
        }
    }

    /// Replaces the chunks of a document by these, which were made of the content with this digest and whose ordinals count
    /// from 0, makes it synced, and says that it did. When the document has another content by now, everything stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the document or a model is not there; [`StoreError::Invalid`] when a chunk is too long
    /// or an embedding is none of its model's, or chunks are embedded by different models; [`StoreError::Conflict`] when a
    /// chunk is another document's, or an id or ordinal is taken.
    pub fn replace_chunks(
        &self,
        document: DocumentId,
        of: &Sha256Digest,
        chunks: &[DocumentChunk],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let tx = self.scope.tx();
        let model = self.accept_chunks(document, chunks)?;
        let count = i64::try_from(chunks.len()).unwrap_or(i64::MAX);
        let sql = "UPDATE document_index SET chunk_count = $1, embedding_model = $2, sync_status = $3, error_message = NULL,
                 last_synced_at = $4, updated_at = $4
             WHERE id = $5 AND (content_sha256 = $6 AND team_id = $7) IS TRUE";
        // First the document: whoever replaces its chunks at the same time waits here.
        if self.scope.execute(sql, params![count, model, SyncStatus::Synced, at, document, *of])? == 0 {
            return self.find(document)?.map_or_else(|| Err(missing::<Document>(document)), |_| Ok(false));
        }
        tx.execute("DELETE FROM document_chunks WHERE document_id = $1", params![document])?;
        self.scope.insert_all(chunks)?;
        if let Some(model) = &model
            && let Some(last) = embedding_model::take_changes(tx, model, count)?
        {
            let sql = "UPDATE document_chunks SET embedding_change = $1 + 1 + ordinal
                 WHERE document_id = $2 AND (embedding_model IS NOT NULL) IS TRUE";
            tx.execute(sql, params![last, document])?;
        }
        Ok(true)
    }

    /// Removes a document with its chunks.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: DocumentId) -> Result<(), StoreError> {
        let sql = "DELETE FROM document_index WHERE id = $1 AND (team_id = $2) IS TRUE";
        match self.scope.execute(sql, params![id])? {
            0 => Err(missing::<Document>(id)),
            _ => Ok(()),
        }
    }

    /// The model that embedded the chunks, if they can be the document's.
    fn accept_chunks(
        &self,
        document: DocumentId,
        chunks: &[DocumentChunk],
    ) -> Result<Option<EmbeddingModelName>, StoreError> {
        let embedded = || chunks.iter().filter_map(|chunk| chunk.embedding.as_ref());
        let first = embedded().next();
        let model = first.map(|first| embedding_model::get(self.scope.tx(), &first.model)).transpose()?;
        for (ordinal, chunk) in (0_i64..).zip(chunks) {
            if chunk.document_id != document || chunk.ordinal != ordinal {
                let what = format!("chunk {} is not number {ordinal} of document {document}", chunk.id);
                return Err(StoreError::Conflict { what });
            }
            let length = chunk.heading_path.len() + chunk.content.len();
            if length > DocumentChunk::LONGEST {
                let value = format!("{length} bytes");
                let accepted = format!("at most {} bytes", DocumentChunk::LONGEST);
                return Err(StoreError::Invalid { field: "content", value, accepted });
            }
        }
        let Some(model) = model else { return Ok(None) };
        for embedding in embedded() {
            if embedding.model != model.name {
                let (value, accepted) =
                    (embedding.model.to_string(), format!("{} for all chunks", model.name));
                return Err(StoreError::Invalid { field: "embedding_model", value, accepted });
            }
            embedding_model::accept(&model, &embedding.vector)?;
        }
        Ok(Some(model.name))
    }
}
