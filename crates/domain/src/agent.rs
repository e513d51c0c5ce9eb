//! Agents: definitions that sessions run with, and their versions.

use crate::{
    agent_status::AgentStatus,
    dna::{Dna, Text},
    id::{AgentId, TeamId},
    name::Name,
    slug::Slug,
    time::Timestamp,
};

/// A definition that sessions run with. What it is made of stands in its versions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Agent {
    /// Identity.
    pub id: AgentId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique in the team, and never given again.
    pub slug: Slug,
    /// Name for people.
    pub name: Name,
    /// What it is for, in one sentence; may be empty.
    pub tagline: Tagline,
    /// Where it is in its life.
    pub status: AgentStatus,
    /// The number of the version that new sessions take.
    pub current_version: i64,
    /// Grows with each update of this row.
    pub version: i64,
    /// Who made it, as `user:ID` or `system:PART`.
    pub created_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an agent is made of, from one change to the next. Never changes; a session pins one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AgentVersion {
    /// The agent.
    pub agent_id: AgentId,
    /// Its number, from 1 on.
    pub version: i64,
    /// What the agent is made of.
    pub dna: Dna,
    /// Why it was made.
    pub reason: Option<Text<2000>>,
    /// Who made it, as `user:ID` or `system:PART`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// At most 300 characters on one line, without blanks around them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Tagline(String);

/// A text that is no tagline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tagline = {0:?} is refused; accepted: at most 300 characters on one line")]
pub struct InvalidTagline(String);

impl Tagline {
    /// The most characters.
    pub const MAX_CHARS: usize = 300;

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Tagline {
    type Err = InvalidTagline;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if trimmed.chars().count() <= Self::MAX_CHARS && !trimmed.chars().any(char::is_control) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidTagline(text.chars().take(Self::MAX_CHARS).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tagline_is_one_line_or_nothing() {
        assert_eq!(" reads code ".parse::<Tagline>().expect("a line").as_str(), "reads code");
        assert_eq!("".parse(), Ok(Tagline::default()));
        for bad in ["a\nb", &"x".repeat(301)] {
            assert!(bad.parse::<Tagline>().is_err(), "{bad:?}");
        }
    }
}
