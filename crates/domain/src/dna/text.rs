//! Texts of bounded length.

use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{FromJson, parsed},
};

/// 1 to `MAX` characters, without blanks around them; of control characters only line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// A text that is empty, too long, or has control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a text of {chars} characters is refused; accepted: {accepted}")]
pub struct InvalidText {
    /// How long it is.
    pub chars: usize,
    /// What would do.
    pub accepted: String,
}

impl<const MAX: usize> Text<MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn accepted() -> String {
        format!("1 to {MAX} characters without control characters")
    }
}

impl<const MAX: usize> std::str::FromStr for Text<MAX> {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let chars = trimmed.chars().count();
        let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if (1..=MAX).contains(&chars) && !trimmed.contains(is_refused) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidText { chars, accepted: Self::accepted() })
        }
    }
}

impl<const MAX: usize> FromJson for Text<MAX> {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| Self::accepted())
    }
}
