//! Searching memories, by their words and by what they mean.

use domain::{
    embedding::{Embedding, EmbeddingModelName},
    id::MemoryId,
    memory::Memory,
    vector::Vector,
};

use super::{Memories, MemoryFilter};
use crate::{
    error::StoreError,
    repository::{
        Reads,
        search::{
            Scored,
            embedding::{self, Wanted},
            text,
        },
    },
    value::params,
};

impl<C: Reads> Memories<'_, C> {
    /// Memories with all words of a text in their key or content, best first; with any of the words when none has all. Any
    /// text will do. Of thousands of memories with a word the newest are ranked. PostgreSQL does not count words that every
    /// English text is full of, such as `the`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search_by_text(
        &self,
        text: &str,
        filter: &MemoryFilter,
        limit: u32,
    ) -> Result<Vec<Scored<Memory>>, StoreError> {
        text::search(&self.scope, text, filter, limit)
    }

    /// Memories most like an embedding, among those that its model embedded, best first. With many, the first search on
    /// SQLite reads them all: it belongs to [`Store::scan`](crate::Store::scan).
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the model is not known; [`StoreError::Invalid`] when the vector is none of its.
    pub fn search_by_embedding(
        &self,
        embedding: &Embedding,
        filter: &MemoryFilter,
        limit: u32,
    ) -> Result<Vec<Scored<Memory>>, StoreError> {
        let Embedding { model, vector } = embedding;
        embedding::search(&self.scope, Wanted { vector, model, limit }, filter)
    }

    /// Other memories most like this one, best first; `None` when it is not there or has no embedding.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_similar(
        &self,
        id: MemoryId,
        filter: &MemoryFilter,
        limit: u32,
    ) -> Result<Option<Vec<Scored<Memory>>>, StoreError> {
        let Some(embedding) = self.find_embedding(id)? else { return Ok(None) };
        let mut found = self.search_by_embedding(&embedding, filter, limit.saturating_add(1))?;
        found.retain(|scored| scored.item.id != id);
        found.truncate(limit as usize);
        Ok(Some(found))
    }

    /// The embedding of a memory, if it has one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_embedding(&self, id: MemoryId) -> Result<Option<Embedding>, StoreError> {
        let sql = "SELECT embedding_model, embedding FROM memories
             WHERE (team_id = $1 AND NOT is_deleted AND embedding_model IS NOT NULL) IS TRUE AND id = $2";
        self.scope.find(sql, params![id], |row| {
            Ok(Embedding { model: row.get::<EmbeddingModelName>(0)?, vector: row.get::<Vector>(1)? })
        })
    }
}
