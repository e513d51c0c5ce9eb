//! An agent as a file describes it.

use serde_json::Value as Json;

use super::{
    Dna, DnaError,
    fields::{Fields, FromJson, parsed},
};
use crate::{agent::Tagline, name::Name, slug::Slug};

/// What somebody writes to create an agent or to change it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentDefinition {
    /// Its short name.
    pub slug: Slug,
    /// Its name for people.
    pub name: Name,
    /// What it is for, in one sentence.
    pub tagline: Tagline,
    /// What it is made of.
    pub dna: Dna,
}

impl TryFrom<&Json> for AgentDefinition {
    type Error = DnaError;

    fn try_from(json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of("agent", json)?;
        let definition = Self {
            slug: fields.required("slug")?,
            name: fields.required("name")?,
            tagline: fields.or_default("tagline")?,
            dna: fields.or_default("dna")?,
        };
        fields.finish()?;
        Ok(definition)
    }
}

impl FromJson for Tagline {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| format!("at most {} characters on one line", Self::MAX_CHARS))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_needs_a_slug_and_a_name() {
        let read = |json| AgentDefinition::try_from(&json);
        let minimal = read(json!({ "slug": "reviewer", "name": "Reviewer" })).expect("a definition");
        assert_eq!((minimal.slug.as_str(), minimal.dna), ("reviewer", Dna::default()));
        for (bad, place) in [
            (json!({ "name": "Reviewer" }), "agent.slug = null"),
            (json!({ "slug": "Re viewer", "name": "R" }), "agent.slug = \"Re viewer\""),
            (json!({ "slug": "r", "name": "R", "dan": {} }), "agent.dan"),
            (
                json!({ "slug": "r", "name": "R", "dna": { "model": { "temperature": 3 } } }),
                "agent.dna.model.temperature = 3",
            ),
            (json!([]), "agent = []"),
        ] {
            let error = read(bad).expect_err("refused").to_string();
            assert!(error.starts_with(place), "{error}");
            assert!(error.contains("accepted: "), "{error}");
        }
    }
}
