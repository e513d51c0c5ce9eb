//! What can be wrong with settings; each names the key, the value and where it stands.

use std::path::PathBuf;

use super::Origin;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsProblem {
    #[error("{path} cannot be read: {source}", path = .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{origin} is not TOML: {what}")]
    Syntax { origin: Origin, what: String },
    #[error("{key} in {origin} is not a setting{}", .nearest.as_ref().map(|key| format!("; did you mean {key}?")).unwrap_or_default())]
    UnknownKey { key: String, origin: Origin, nearest: Option<String> },
    #[error("{key} = {value} in {origin} is not accepted: {what}")]
    Value { key: String, value: String, origin: Origin, what: String },
    #[error(
        "{key} in {origin} is refused: a repository must not decide what is run, what is allowed or where it is recorded"
    )]
    Untrusted { key: String, origin: Origin },
}
