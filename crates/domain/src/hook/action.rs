//! What a hook does, with the details of its kind.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{HookKind, Validation};
use crate::{
    email::Email,
    webhook::{WebhookSecret, WebhookUrl},
};

/// What a hook does; read from [`Hook::config`](super::Hook::config).
#[derive(Debug, Clone)]
pub enum HookAction {
    /// Runs a program.
    Script(Script),
    /// Asks a server.
    Webhook(Webhook),
    /// Does what Provost itself can do.
    Builtin(Builtin),
}

/// A program that reads the event on its input and answers on its output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// A path, or a name that is looked up in the `PATH`.
    pub program: String,
    /// What it is started with; no shell reads them.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Variables it sees besides the basic ones.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// A server that is sent the event, signed by the Standard Webhooks scheme.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it is sent.
    pub url: WebhookUrl,
    /// What it is signed with.
    #[serde(deserialize_with = "secret")]
    pub secret: WebhookSecret,
    /// It may be in a network that is not the public internet.
    #[serde(default)]
    pub allow_private: bool,
}

/// Something Provost does by itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Builtin {
    /// Writes a line into the audit log.
    Audit {},
    /// Counts uses of tools and measures how long they take.
    Metrics {},
    /// Keeps the whole input of the event, which other runs keep in short.
    Persistence {},
    /// Tells somebody.
    Notification(Notification),
    /// Refuses inputs of tools that break a rule.
    Validation {
        /// The rules by tool.
        tools: Validation,
    },
}

/// Who is told, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "to", rename_all = "lowercase", deny_unknown_fields)]
pub enum Notification {
    /// The log of the process.
    Log {},
    /// A server.
    Webhook(Webhook),
    /// Whatever sends the files of a folder as mail: one JSON file per message, with `to`, `subject` and `text`.
    Email {
        /// To whom.
        #[serde(deserialize_with = "emails")]
        recipients: Vec<Email>,
        /// The folder: an absolute path.
        folder: String,
    },
}

/// Details that are not those of the hook's kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the config of a {kind} hook is wrong: {problem}")]
pub struct InvalidHookAction {
    kind: HookKind,
    problem: String,
}

impl HookAction {
    /// Reads the details of a hook of this kind.
    ///
    /// # Errors
    /// When a field is missing, unknown or wrong; says which and what is accepted, and no secret.
    pub fn parse(kind: HookKind, config: &Value) -> Result<Self, InvalidHookAction> {
        let action = match kind {
            HookKind::Script => read(config).and_then(checked_script).map(Self::Script),
            HookKind::Webhook => read(config).map(Self::Webhook),
            HookKind::Builtin => read(config).and_then(checked_builtin).map(Self::Builtin),
        };
        action.map_err(|problem| InvalidHookAction { kind, problem })
    }

    /// Whether it can only be a gate.
    #[must_use]
    pub const fn is_gate_by_nature(&self) -> bool {
        matches!(self, Self::Builtin(Builtin::Validation { .. }))
    }
}

fn read<T: DeserializeOwned>(config: &Value) -> Result<T, String> {
    T::deserialize(config).map_err(|error| error.to_string())
}

fn checked_script(script: Script) -> Result<Script, String> {
    if script.program.is_empty() {
        return Err("program is empty; accepted: a path or the name of a program".to_owned());
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    if let Some(name) = script.environment.keys().find(|name| !is_name(name)) {
        return Err(format!("environment has {name:?}; accepted: names of variables"));
    }
    let values = script.environment.values();
    if [&script.program].into_iter().chain(&script.arguments).chain(values).any(|text| text.contains('\0')) {
        return Err("no program is started with a NUL character".to_owned());
    }
    Ok(script)
}

fn checked_builtin(builtin: Builtin) -> Result<Builtin, String> {
    match &builtin {
        Builtin::Notification(Notification::Email { folder, .. }) if !folder.starts_with('/') => {
            Err(format!("folder is {folder:?}; accepted: an absolute path"))
        }
        Builtin::Notification(Notification::Email { recipients, .. }) if recipients.is_empty() => {
            Err("recipients is empty; accepted: one address or more".to_owned())
        }
        _ => Ok(builtin),
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<WebhookSecret, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn emails<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Email>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(kind: HookKind, config: &Value) -> String {
        HookAction::parse(kind, config).expect_err(&config.to_string()).to_string()
    }

    #[test]
    fn details_are_those_of_the_kind() {
        let script = json!({ "program": "sh", "arguments": ["-c", "true"], "environment": { "A": "b" } });
        assert!(matches!(HookAction::parse(HookKind::Script, &script), Ok(HookAction::Script(_))));
        let webhook = json!({ "url": "https://example.com/hook", "secret": "0123456789abcdef01234567" });
        assert!(matches!(HookAction::parse(HookKind::Webhook, &webhook), Ok(HookAction::Webhook(_))));
        for name in ["audit", "metrics", "persistence"] {
            HookAction::parse(HookKind::Builtin, &json!({ "name": name })).expect(name);
        }
        let validation = HookAction::parse(HookKind::Builtin, &json!({ "name": "validation", "tools": {} }));
        assert!(validation.expect("an action").is_gate_by_nature());
    }

    #[test]
    fn what_is_wrong_is_named_and_a_secret_is_not() {
        assert!(refused(HookKind::Script, &json!({})).contains("program"));
        assert!(refused(HookKind::Script, &json!({ "program": "a", "shell": true })).contains("shell"));
        assert!(
            refused(HookKind::Script, &json!({ "program": "a", "environment": { "": "x" } }))
                .contains("names")
        );
        let short = refused(HookKind::Webhook, &json!({ "url": "https://a.b", "secret": "s3cret" }));
        assert!(short.contains("24 to 200") && !short.contains("s3cret"), "{short}");
        assert!(refused(HookKind::Webhook, &json!({ "url": "ftp://a.b" })).contains("http"));
        assert!(refused(HookKind::Builtin, &json!({ "name": "mail" })).contains("notification"));
        let email =
            json!({ "name": "notification", "to": "email", "recipients": ["a@b.c"], "folder": "out" });
        assert!(refused(HookKind::Builtin, &email).contains("an absolute path"));
    }
}
