//! What programs keep about a session: values under keys, each with a version.

use serde_json::Value;

use crate::{id::SessionId, time::Timestamp};

/// The key of a value: 1 to 200 characters, none of them space or control.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct StateKey(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key; accepted: 1 to 200 characters without space and control characters")]
pub struct InvalidStateKey(String);

impl StateKey {
    const LONGEST: usize = 200;

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for StateKey {
    type Err = InvalidStateKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = (1..=Self::LONGEST).contains(&text.chars().count())
            && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidStateKey(text.to_owned())) }
    }
}

impl std::fmt::Display for StateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// A value as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SessionStateEntry {
    /// The session.
    pub session_id: SessionId,
    /// Unique in the session.
    pub key: StateKey,
    /// The value.
    pub value: Value,
    /// Grows with each change, from 1.
    pub version: i64,
    /// Who changed it last, as `user:ID` or `system:PART`.
    pub updated_by: String,
    /// When the key was first set.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_survives_its_text(text in ".{0,250}") {
            if let Ok(key) = text.parse::<StateKey>() {
                prop_assert_eq!(key.as_str(), &text);
            }
        }
    }

    #[test]
    fn a_key_has_no_space_and_an_end() {
        for good in ["a", "review/round", "ü.1", &"k".repeat(200)] {
            assert!(good.parse::<StateKey>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\n", "\0", &"k".repeat(201)] {
            assert!(bad.parse::<StateKey>().is_err(), "{bad}");
        }
    }
}
