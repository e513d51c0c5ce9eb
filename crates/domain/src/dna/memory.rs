//! What an agent remembers.

use serde_json::Value as Json;

use super::{
    Bounded, DnaError, RetrievalWeights, Text,
    fields::{Fields, FromJson},
};

/// How an agent uses memory.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MemoryDna {
    /// The most tokens of memories it is given at once; 2,000 unless said.
    pub token_budget: Bounded<100, 8000>,
    /// A model may extract memories from what it says and hears; not unless said.
    pub auto_extract: bool,
    /// What makes a memory worth giving.
    pub retrieval_weights: RetrievalWeights,
    /// Words after which what was said is to be remembered.
    pub remember_phrases: Vec<Text<100>>,
}

impl Default for MemoryDna {
    fn default() -> Self {
        Self {
            token_budget: Bounded::saturating(2000),
            auto_extract: false,
            retrieval_weights: RetrievalWeights::default(),
            remember_phrases: Vec::new(),
        }
    }
}

impl FromJson for MemoryDna {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let default = Self::default();
        let memory = Self {
            token_budget: fields.or("token_budget", default.token_budget)?,
            auto_extract: fields.or("auto_extract", default.auto_extract)?,
            retrieval_weights: fields.or_default("retrieval_weights")?,
            remember_phrases: fields.or_default("remember_phrases")?,
        };
        fields.finish()?;
        Ok(memory)
    }
}
