//! What a decision may know of the machine besides the call: who runs it, where, and how paths are read there.

use std::collections::HashMap;

/// The machine as a decision sees it. Nothing of it is looked up here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Surroundings {
    /// The user who runs the agent.
    pub user: String,
    /// Their home folder.
    pub home: String,
    /// Home folders by user name, for `~name`.
    pub homes: HashMap<String, String>,
    /// Where rules that begin with `./` and `/` start.
    pub project_root: String,
    /// How paths are read.
    pub platform: Platform,
    /// Whether names that differ in case are different files.
    pub case_sensitive_fs: bool,
}

/// How paths are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// `/` separates; every byte counts.
    Linux,
    /// As Linux.
    Macos,
    /// `\` separates too; trailing dots, blanks and streams do not count.
    Windows,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            user: String::new(),
            home: "/nonexistent".to_owned(),
            homes: HashMap::new(),
            project_root: "/".to_owned(),
            platform: Platform::Linux,
            case_sensitive_fs: true,
        }
    }
}

/// What was found on the disk when the call was judged: each symbolic link, by its absolute path, and where it leads. A path
/// that is not there is no link.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Links(pub HashMap<String, String>);

impl Links {
    /// Where the link at this absolute path leads.
    #[must_use]
    pub fn target(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}
