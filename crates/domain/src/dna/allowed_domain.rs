//! The places on the network an agent may visit.

use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{FromJson, parsed},
};

/// A host name such as `docs.rs`, or `*.` and a host name for all below it; lower-case, at most 253 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct AllowedDomain(String);

/// A text that is no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a domain; accepted: {accepted}", accepted = AllowedDomain::ACCEPTED)]
pub struct InvalidAllowedDomain(String);

impl AllowedDomain {
    const ACCEPTED: &'static str = "a host name such as docs.rs, or *.docs.rs for all below it";

    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AllowedDomain {
    type Err = InvalidAllowedDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded = text.trim().to_ascii_lowercase();
        let host = folded.strip_prefix("*.").unwrap_or(&folded);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if folded.len() <= 253 && host.split('.').all(is_label) {
            Ok(Self(folded))
        } else {
            Err(InvalidAllowedDomain(text.chars().take(80).collect()))
        }
    }
}

impl FromJson for AllowedDomain {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| Self::ACCEPTED.to_owned())
    }
}
