//! How an agent talks.

use serde_json::Value as Json;

use super::{
    DnaError, Language, Text, VoiceExample,
    fields::{Fields, FromJson, refused, words_in_json},
};

text_enum! {
    /// How much an agent says.
    pub enum Verbosity: "verbosity" {
        /// As little as answers the question.
        Concise = "concise",
        /// As much as the question seems to want.
        Balanced = "balanced",
        /// With reasons and alternatives.
        Detailed = "detailed",
    }
}

text_enum! {
    /// How an agent addresses people.
    pub enum Formality: "formality" {
        /// As among friends.
        Casual = "casual",
        /// As among colleagues.
        Neutral = "neutral",
        /// As to strangers.
        Formal = "formal",
    }
}

words_in_json! { Formality, Verbosity }

/// How an agent talks. Lists keep their order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Personality {
    /// The sound of it, such as `warm and direct`.
    pub tone: Option<Text<200>>,
    /// How much it says; `balanced` unless said.
    pub verbosity: Verbosity,
    /// How it addresses people; `neutral` unless said.
    pub formality: Formality,
    /// What it talks in; `en` unless said.
    pub language: Language,
    /// What it is like, such as `curious`.
    pub traits: Vec<Text<100>>,
    /// Samples of how it talks.
    pub voice_examples: Vec<VoiceExample>,
    /// Rules it keeps.
    pub always: Vec<Text<500>>,
    /// What it never does; no rule can stand here and in `always`.
    pub never: Vec<Text<500>>,
    /// Whatever else it is told.
    pub custom_instructions: Option<Text<20_000>>,
}

impl Default for Personality {
    fn default() -> Self {
        Self {
            tone: None,
            verbosity: Verbosity::Balanced,
            formality: Formality::Neutral,
            language: Language::default(),
            traits: Vec::new(),
            voice_examples: Vec::new(),
            always: Vec::new(),
            never: Vec::new(),
            custom_instructions: None,
        }
    }
}

impl FromJson for Personality {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let default = Self::default();
        let personality = Self {
            tone: fields.optional("tone")?,
            verbosity: fields.or("verbosity", default.verbosity)?,
            formality: fields.or("formality", default.formality)?,
            language: fields.or_default("language")?,
            traits: fields.or_default("traits")?,
            voice_examples: fields.or_default("voice_examples")?,
            always: fields.or_default("always")?,
            never: fields.or_default("never")?,
            custom_instructions: fields.optional("custom_instructions")?,
        };
        fields.finish()?;
        refuse_common(&personality.always, &personality.never, &format!("{path}.never"), "always")?;
        Ok(personality)
    }
}

/// A text cannot stand in two lists that contradict one another.
pub(super) fn refuse_common<T: PartialEq + serde::Serialize>(
    first: &[T],
    second: &[T],
    path: &str,
    name: &str,
) -> Result<(), DnaError> {
    match second.iter().enumerate().find(|(_, entry)| first.contains(entry)) {
        Some((index, entry)) => {
            let json = serde_json::to_value(entry).unwrap_or(Json::Null);
            Err(refused(&format!("{path}[{index}]"), &json, format!("what does not also stand in {name}")))
        }
        None => Ok(()),
    }
}
