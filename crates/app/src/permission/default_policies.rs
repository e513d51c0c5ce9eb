//! The policies that hold in every session without being added.

use policy::PolicyText;
use serde_json::{Value, json};

use domain::policy::PolicyKind;

/// The built-in policies, and whether sessions may bring some of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPolicies {
    /// Whether the built-in ones hold.
    pub built_in: bool,
    /// Beginnings of commands that are denied.
    pub blocked_commands: Vec<String>,
    /// Files and folders that are neither read nor written.
    pub restricted_paths: Vec<String>,
    /// Files among them that may be.
    pub restricted_except: Vec<String>,
    /// Folders whose content may be removed, however it is.
    pub removable: Vec<String>,
    /// Whether a session may bring policies of its own.
    pub custom: bool,
}

/// What destroys more than anybody means to, and what hides what it does.
const CLASSES: [(&str, &str); 9] = [
    ("recursive_force_remove", "deny"),
    ("sudo_rm", "deny"),
    ("make_filesystem", "deny"),
    ("disk_format", "deny"),
    ("dd_to_device", "deny"),
    ("device_write", "deny"),
    ("fork_bomb", "deny"),
    ("pipe_to_shell", "deny"),
    ("opaque_exec", "ask"),
];

impl DefaultPolicies {
    /// They come first in explanations; the outcome does not depend on it.
    const PRIORITY: i64 = 0;

    /// As policies. The name of each says where it is set.
    #[must_use]
    pub fn texts(&self) -> Vec<PolicyText> {
        if !self.built_in {
            return Vec::new();
        }
        let classes: serde_json::Map<String, Value> =
            CLASSES.iter().map(|(class, decision)| ((*class).to_owned(), json!(decision))).collect();
        let commands =
            json!({ "classes": classes, "blocked": self.blocked_commands, "removable": self.removable });
        let files =
            json!({ "restricted": self.restricted_paths, "restricted_except": self.restricted_except });
        let all = [
            ("built-in commands", PolicyKind::Command, commands),
            ("built-in files", PolicyKind::FileAccess, files),
            ("built-in network", PolicyKind::Network, json!({ "metadata": "deny" })),
        ];
        let text = |(name, kind, config): (&str, _, _)| PolicyText {
            name: name.to_owned(),
            kind,
            priority: Self::PRIORITY,
            config,
        };
        all.into_iter().map(text).collect()
    }
}
