//! A sample of how an agent talks.

use serde_json::Value as Json;

use super::{
    DnaError, Text,
    fields::{Fields, FromJson},
};

/// What somebody says, and how the agent would answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VoiceExample {
    /// What somebody says.
    pub prompt: Text<2000>,
    /// How the agent would answer.
    pub reply: Text<4000>,
}

impl FromJson for VoiceExample {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let example = Self { prompt: fields.required("prompt")?, reply: fields.required("reply")? };
        fields.finish()?;
        Ok(example)
    }
}
