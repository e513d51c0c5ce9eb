//! A file that holds policies, whichever form it has.

use serde_json::Value;

use crate::{
    batch::PolicyFile,
    settings::{SettingsError, SettingsPlace, SettingsRules},
};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySource {
    /// Policies, and perhaps the surroundings they are tried in.
    Policies(PolicyFile),
    /// The settings of an agent CLI.
    Settings(SettingsRules),
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not JSON, or not what a policy file is; says line and column.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// Its settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It is JSON and neither.
    #[error(
        "it has neither policies nor permissions; accepted: {{\"policies\": [...]}}, or an agent CLI's settings with {{\"permissions\": {{...}}}}"
    )]
    Neither,
}

impl PolicySource {
    /// Reads a file, which is recognised by what it holds: `policies`, or `permissions`.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn read(text: &str, place: &SettingsPlace) -> Result<Self, SourceError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let value: Value = serde_json::from_str(text)?;
        if value.get("policies").is_some() {
            return Ok(Self::Policies(serde_json::from_str(text)?));
        }
        if value.get("permissions").is_some() {
            return Ok(Self::Settings(SettingsRules::read(text, place)?));
        }
        Err(SourceError::Neither)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognised_by_what_it_holds() {
        let place = SettingsPlace { name: "mine".to_owned(), folder: "/p".to_owned() };
        let read = |text: &str| PolicySource::read(text, &place);
        assert!(matches!(read(r#"{"policies": []}"#), Ok(PolicySource::Policies(_))));
        assert!(matches!(read("\u{FEFF}{\"permissions\": {}}"), Ok(PolicySource::Settings(_))));
        for text in ["{}", "[]", "1", r#"{"hooks": {}}"#] {
            assert!(matches!(read(text), Err(SourceError::Neither)), "{text}");
        }
        for text in ["", "{", "\u{0}", r#"{"policies": [], "permissions": {}}"#, r#"{"policies": 1}"#] {
            let message = read(text).expect_err("broken").to_string();
            assert!(message.contains("line") && message.contains("column"), "{text}: {message}");
        }
    }
}
