//! Models that embed texts. They belong to no team; embeddings do.

use domain::{
    embedding::{EmbeddingModel, EmbeddingModelName},
    vector::Vector,
};

use super::Reads;
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    record::{Record as _, record},
    statement::Statement,
    value::{params, stored_words},
};

stored_words! { EmbeddingModelName }

record! {
    EmbeddingModel in "embedding_models" { name, dimension, created_at }
}

/// The longest vectors that pgvector's index takes.
pub(crate) const LONGEST_INDEXED: usize = 2000;

/// Serialises the making of indexes.
const INDEX_LOCK: i64 = 0x656d_6264;

/// The models that embed texts.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingModels<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> EmbeddingModels<'_, C> {
    /// The model of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, name: &EmbeddingModelName) -> Result<Option<EmbeddingModel>, StoreError> {
        find(self.conn.conn(), name)
    }
}

impl EmbeddingModels<'_, Tx<'_>> {
    /// Makes a model known, and on PostgreSQL the indexes that find its embeddings. Does nothing when it is known.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is known with another dimension or the dimension is not one of vectors.
    pub fn register(&self, model: &EmbeddingModel) -> Result<(), StoreError> {
        let EmbeddingModel { name, dimension, created_at } = model;
        let sql = "INSERT INTO embedding_models (name, dimension, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO NOTHING";
        if self.conn.execute(sql, params![*name, *dimension, *created_at])? == 1 {
            return self.create_indexes(*dimension);
        }
        match self.find(name)? {
            Some(known) if known.dimension == *dimension => Ok(()),
            known => Err(StoreError::Conflict {
                what: format!(
                    "embedding model {name} has dimension {}, not {dimension}",
                    known.map_or(0, |known| known.dimension)
                ),
            }),
        }
    }

    /// An index for each length of vectors: pgvector's takes only one, and a column can hold several.
    fn create_indexes(&self, dimension: i64) -> Result<(), StoreError> {
        let is_indexed = usize::try_from(dimension).is_ok_and(|dimension| dimension <= LONGEST_INDEXED);
        if self.conn.postgres().is_none() || !is_indexed {
            return Ok(());
        }
        // Two who make the same index at once would meet in the catalogue; there, `IF NOT EXISTS` does not help.
        self.conn.query("SELECT pg_advisory_xact_lock($1)", params![INDEX_LOCK], |_| Ok(()))?;
        for table in ["memories", "document_chunks"] {
            let sql = format!(
                "CREATE INDEX IF NOT EXISTS {table}_embedding_{dimension} ON {table}
                 USING hnsw ((embedding::vector({dimension})) vector_cosine_ops) WHERE vector_dims(embedding) = {dimension}"
            );
            self.conn.execute(&sql, &[])?;
        }
        Ok(())
    }
}

fn find(conn: &Conn, name: &EmbeddingModelName) -> Result<Option<EmbeddingModel>, StoreError> {
    let mut statement =
        Statement::new(&format!("SELECT {} FROM embedding_models", EmbeddingModel::COLUMNS), []);
    statement.push(" WHERE name = ?", params![*name].iter().cloned());
    Ok(statement.rows(conn)?.into_iter().next())
}

/// The model of this name.
///
/// # Errors
/// [`StoreError::Missing`] when it is not known.
pub(crate) fn get(conn: &Conn, name: &EmbeddingModelName) -> Result<EmbeddingModel, StoreError> {
    find(conn, name)?.ok_or_else(|| StoreError::Missing { what: format!("embedding model {name}") })
}

/// Refuses a vector that is none of a model's: of another dimension, or without a direction, so that nothing is like it.
///
/// # Errors
/// [`StoreError::Invalid`] when it is refused.
pub(crate) fn accept(model: &EmbeddingModel, vector: &Vector) -> Result<(), StoreError> {
    let is_of_model = i64::try_from(vector.dimension()).is_ok_and(|dimension| dimension == model.dimension);
    if is_of_model && vector.as_slice().iter().any(|number| *number != 0.0) {
        return Ok(());
    }
    let value = if is_of_model { "all zeros".to_owned() } else { format!("{} numbers", vector.dimension()) };
    let accepted = format!("{} numbers of {}, not all zeros", model.dimension, model.name);
    Err(StoreError::Invalid { field: "embedding", value, accepted })
}

/// Takes so many numbers for changed embeddings of a model, and gives the last that was taken before. They only grow, so
/// that a reader who remembers the newest finds what came after it. `None` on PostgreSQL, which has no such reader.
pub(crate) fn take_changes(
    tx: &Tx<'_>,
    name: &EmbeddingModelName,
    count: i64,
) -> Result<Option<i64>, StoreError> {
    if tx.sqlite().is_none() {
        return Ok(None);
    }
    let sql = "UPDATE embedding_models SET changes = changes + $1 WHERE name = $2 RETURNING changes - $1";
    tx.find(sql, params![count, *name], |row| row.get(0))
}
