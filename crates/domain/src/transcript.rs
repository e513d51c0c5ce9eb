//! The mirror of an agent program's own transcript, piece by piece as it grows.

use crate::{id::SessionId, time::Timestamp};

/// Which file of the transcript, relative to the agent program's own folder: names joined by `/`, none of which leads
/// elsewhere, because the file is written again from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct TranscriptPath(String);

/// A text that is no place of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a transcript's path; accepted: a relative path of at most 1024 bytes with / between its names, without .."
)]
pub struct InvalidTranscriptPath(String);

impl TranscriptPath {
    const LONGEST: usize = 1024;

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TranscriptPath {
    type Err = InvalidTranscriptPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let leads_elsewhere = |name: &str| {
            matches!(name, "" | "." | "..") || name.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
        };
        if text.len() <= Self::LONGEST && !text.split('/').any(leads_elsewhere) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTranscriptPath(text.to_owned()))
        }
    }
}

impl std::fmt::Display for TranscriptPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// A piece of a file before it has a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptPiece {
    /// What was written, compressed.
    pub bytes: Vec<u8>,
    /// How much it is when it is not compressed.
    pub size_bytes: u32,
}

/// A piece as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptSegment {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub path_key: TranscriptPath,
    /// Its place in the file, from 0 without gaps.
    pub ordinal: i64,
    /// The piece.
    pub piece: TranscriptPiece,
    /// When it was stored.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_path_survives_its_text_and_stays_where_it_is(text in "[a-z./]{0,20}") {
            if let Ok(path) = text.parse::<TranscriptPath>() {
                prop_assert_eq!(path.as_str(), &text);
                let is_inside = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(std::path::Path::new(path.as_str()).components().all(is_inside));
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            drop(text.parse::<TranscriptPath>());
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for good in ["a.jsonl", "projects/-work/0.jsonl", "ü/..a"] {
            assert!(good.parse::<TranscriptPath>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "C:/a", "a\0", &"a".repeat(1025)] {
            assert!(bad.parse::<TranscriptPath>().is_err(), "{bad}");
        }
    }
}
