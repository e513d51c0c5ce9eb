//! Models that embed texts, and what they make of them.

use crate::{parsed_text::is_line, time::Timestamp, vector::Vector};

parsed_text! {
    /// The name of a model that embeds texts. Only embeddings of one model can be compared.
    pub struct EmbeddingModelName: "name of an embedding model",
        "1 to 200 bytes of text on one line, without blanks at its ends", |text| is_line(text, 200);
}

/// A model that embeds texts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EmbeddingModel {
    /// Its name.
    pub name: EmbeddingModelName,
    /// How many numbers each of its embeddings has, 1 to 16,000.
    pub dimension: i64,
    /// When it was first used.
    pub created_at: Timestamp,
}

/// A text as numbers, and whose.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Embedding {
    /// The model that made it.
    pub model: EmbeddingModelName,
    /// The numbers.
    pub vector: Vector,
}
