//! What an agent is made of: a JSON document of typed parts, each read with errors that name the place, the value and what
//! is accepted, and what an agent is told of it.

mod allowed_domain;
mod boundaries;
mod bounded;
mod definition;
mod fields;
mod language;
mod memory;
mod model;
mod personality;
mod prompt;
mod retrieval_weights;
mod skills;
mod text;
mod voice_example;

use serde_json::Value as Json;

pub use allowed_domain::{AllowedDomain, InvalidAllowedDomain};
pub use boundaries::{Autonomy, Boundaries};
pub use bounded::{Bounded, OutOfBounds};
pub use definition::AgentDefinition;
pub use language::{InvalidLanguage, Language};
pub use memory::MemoryDna;
pub use model::{InvalidTemperature, ModelDna, Temperature};
pub use personality::{Formality, Personality, Verbosity};
pub use retrieval_weights::{InvalidWeights, RetrievalWeights, Signal};
pub use skills::Skills;
pub use text::{InvalidText, Text};
pub use voice_example::VoiceExample;

use fields::{Fields, FromJson};

/// The whole. A part that is left out, and a field left out of a part, has its default; `{}` is an agent without traits.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Dna {
    /// How it talks.
    pub personality: Personality,
    /// What thinks.
    pub model: ModelDna,
    /// What it knows how to do.
    pub skills: Skills,
    /// What it remembers.
    pub memory: MemoryDna,
    /// What it may do.
    pub boundaries: Boundaries,
}

/// A value that cannot stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} = {value} is refused; accepted: {accepted}")]
pub struct DnaError {
    /// The place, such as `dna.model.temperature`.
    pub path: String,
    /// The value as JSON, cut off after 80 characters.
    pub value: String,
    /// What would do.
    pub accepted: String,
}

impl TryFrom<&Json> for Dna {
    type Error = DnaError;

    fn try_from(json: &Json) -> Result<Self, DnaError> {
        Self::from_json("dna", json)
    }
}

impl FromJson for Dna {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let dna = Self {
            personality: fields.or_default("personality")?,
            model: fields.or_default("model")?,
            skills: fields.or_default("skills")?,
            memory: fields.or_default("memory")?,
            boundaries: fields.or_default("boundaries")?,
        };
        fields.finish()?;
        Ok(dna)
    }
}

impl<'de> serde::Deserialize<'de> for Dna {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(&Json::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
