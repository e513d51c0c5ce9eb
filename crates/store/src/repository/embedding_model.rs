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

/// The tables with embeddings.
const EMBEDDED: [&str; 2] = ["memories", "document_chunks"];

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
    /// Makes a model known, and on PostgreSQL the indexes that find its embeddings, if they are not there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is known with another dimension or the dimension is not one of vectors.
    pub fn register(&self, model: &EmbeddingModel) -> Result<(), StoreError> {
        let EmbeddingModel { name, dimension, created_at } = model;
        let sql = "INSERT INTO embedding_models (name, dimension, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO NOTHING";
        self.conn.execute(sql, params![*name, *dimension, *created_at])?;
        match self.find(name)? {
            Some(known) if known.dimension == *dimension => create_indexes(self.conn, *dimension),
            known => Err(StoreError::Conflict {
                what: format!(
                    "embedding model {name} has dimension {}, not {dimension}",
                    known.map_or(0, |known| known.dimension)
                ),
            }),
        }
    }
}

/// An index for each length of vectors: pgvector's takes only one, and a column can hold several.
fn create_indexes(tx: &Tx<'_>, dimension: i64) -> Result<(), StoreError> {
    let is_indexed = usize::try_from(dimension).is_ok_and(|dimension| dimension <= LONGEST_INDEXED);
    if tx.postgres().is_none() || !is_indexed {
        return Ok(());
    }
    // Two who make the same index at once would meet in the catalogue.
    tx.query("SELECT pg_advisory_xact_lock($1)", params![INDEX_LOCK], |_| Ok(()))?;
    for table in EMBEDDED {
        // Asked first, because `IF NOT EXISTS` holds up everybody who writes to the table.
        let name = format!("{table}_embedding_{dimension}");
        if tx.scalar("SELECT to_regclass($1) IS NOT NULL", params![name])? {
            continue;
        }
        let sql = format!(
            "CREATE INDEX {name} ON {table}
             USING hnsw ((embedding::vector({dimension})) vector_cosine_ops) WHERE vector_dims(embedding) = {dimension}"
        );
        tx.execute(&sql, &[])?;
    }
    Ok(())
}

/// Makes anew what finds embeddings, after rows came in without it: the numbers of changes on SQLite, the indexes on
/// PostgreSQL.
pub(crate) fn rebuild(tx: &Tx<'_>) -> Result<(), StoreError> {
    if tx.postgres().is_some() {
        let all = "/* every model */ SELECT DISTINCT dimension FROM embedding_models";
        let dimensions: Vec<i64> = tx.query(all, &[], |row| row.get(0))?;
        return dimensions.into_iter().try_for_each(|dimension| create_indexes(tx, dimension));
    }
    for table in EMBEDDED {
        tx.execute(
            &format!("/* every row */ UPDATE {table} SET embedding_change = number WHERE embedding_model IS NOT NULL"),
            &[],
        )?;
        let changes = format!(
            "/* every model */ UPDATE embedding_models
             SET changes = max(changes, (SELECT coalesce(max(number), 0) FROM {table}))"
        );
        tx.execute(&changes, &[])?;
    }
    Ok(())
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

/// Refuses a vector that is none of a model's: of another dimension, or without a direction, so that nothing can be compared
/// with it.
///
/// # Errors
/// [`StoreError::Invalid`] when it is refused.
pub(crate) fn accept(model: &EmbeddingModel, vector: &Vector) -> Result<(), StoreError> {
    let is_of_model = i64::try_from(vector.dimension()).is_ok_and(|dimension| dimension == model.dimension);
    if is_of_model && vector.has_direction() {
        return Ok(());
    }
    let value = match is_of_model {
        true => format!("{} numbers without a direction", vector.dimension()),
        false => format!("{} numbers", vector.dimension()),
    };
    let accepted = format!(
        "{} numbers of {}, the sum of whose squares is more than 0 and fits into 32 bits",
        model.dimension, model.name
    );
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
