//! The language an agent talks in.

use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{FromJson, parsed},
};

/// A tag such as `en` or `de-AT`: 2 to 8 letters, then subtags of 1 to 8 letters or digits, 35 characters in all.
///
/// The form is that of [RFC 5646](https://www.rfc-editor.org/rfc/rfc5646), section 2.1; whether the subtags are registered
/// is not looked up.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Language(String);

/// A text that is no language tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a language; accepted: {accepted}", accepted = Language::ACCEPTED)]
pub struct InvalidLanguage(String);

impl Language {
    const ACCEPTED: &'static str = "a language tag such as en or de-AT";

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

impl std::str::FromStr for Language {
    type Err = InvalidLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut subtags = text.split('-');
        let is_language = subtags.next().is_some_and(|language| {
            (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        });
        let is_subtag = |subtag: &str| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if is_language && text.len() <= 35 && subtags.all(is_subtag) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLanguage(text.chars().take(80).collect()))
        }
    }
}

impl FromJson for Language {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| Self::ACCEPTED.to_owned())
    }
}
