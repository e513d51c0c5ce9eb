//! What an agent may do, as far as it is told; what it can do is decided by policies.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    AllowedDomain, Bounded, DnaError, Text,
    fields::{Fields, FromJson, words_in_json},
    personality::refuse_common,
};
use crate::name::Name;

text_enum! {
    /// How far an agent goes by itself.
    pub enum Autonomy: "autonomy" {
        /// It does things.
        Execute = "execute",
        /// It says what it would do.
        Suggest = "suggest",
        /// It asks before it does things.
        Ask = "ask",
    }
}

words_in_json! { Autonomy }

/// What an agent is told about its limits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Boundaries {
    /// What it is for.
    pub can_do: Vec<Text<500>>,
    /// What it leaves alone; nothing can stand here and in `can_do`.
    pub cannot_do: Vec<Text<500>>,
    /// Whom it turns to when it does not know: a person or another agent.
    pub escalates_to: Option<Name>,
    /// How far it goes by itself; `ask` unless said.
    pub max_autonomy: Autonomy,
    /// The places on the network it may visit; none is not restricted.
    pub allowed_domains: BTreeSet<AllowedDomain>,
    /// The most tool calls between two answers; 20 unless said.
    pub max_tool_calls_per_turn: Bounded<1, 50>,
}

impl Default for Boundaries {
    fn default() -> Self {
        Self {
            can_do: Vec::new(),
            cannot_do: Vec::new(),
            escalates_to: None,
            max_autonomy: Autonomy::Ask,
            allowed_domains: BTreeSet::new(),
            max_tool_calls_per_turn: Bounded::saturating(20),
        }
    }
}

impl FromJson for Boundaries {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let default = Self::default();
        let boundaries = Self {
            can_do: fields.or_default("can_do")?,
            cannot_do: fields.or_default("cannot_do")?,
            escalates_to: fields.optional("escalates_to")?,
            max_autonomy: fields.or("max_autonomy", default.max_autonomy)?,
            allowed_domains: fields.or_default("allowed_domains")?,
            max_tool_calls_per_turn: fields.or("max_tool_calls_per_turn", default.max_tool_calls_per_turn)?,
        };
        fields.finish()?;
        refuse_common(&boundaries.can_do, &boundaries.cannot_do, &format!("{path}.cannot_do"), "can_do")?;
        Ok(boundaries)
    }
}
