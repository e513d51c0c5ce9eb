//! The permissions in an agent CLI's `settings.json`, as a policy of rules.
//!
//! What the agent CLI relates to the settings file is written out here, for a policy that is kept knows no file.

use domain::policy::PolicyKind;
use serde_json::{Map, Value, json};

use crate::{
    nearest::nearest,
    rule::{EDITORS, READERS, Rule},
    set::{PolicyText, default_priority},
    surroundings::Surroundings,
};

/// Where a settings file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsPlace {
    /// The name that its policy gets.
    pub name: String,
    /// The absolute folder that `/x` in its rules is below.
    pub folder: String,
}

/// A settings file as a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsRules {
    /// Its rules.
    pub policy: PolicyText,
    /// What of it is not in the policy, one sentence each.
    pub warnings: Vec<String>,
}

/// Why a settings file is refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is not JSON, or not what settings are; says line and column.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// A rule that would forbid or ask something cannot be read. Without it the policy would permit what it was to stop.
    #[error("permissions.{list}[{index}] is {rule:?}, which is no rule: {problem}")]
    Rule {
        /// The list.
        list: &'static str,
        /// Its place in the list, from 0.
        index: usize,
        /// The rule.
        rule: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Rules that begin with `/` would mean more than they say.
    #[error("the folder {0:?} of the settings file holds a wildcard; accepted: a folder without * and ?")]
    Folder(String),
}

#[derive(serde::Deserialize)]
struct File {
    permissions: Permissions,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Permissions {
    deny: Vec<String>,
    ask: Vec<String>,
    allow: Vec<String>,
    default_mode: Option<String>,
    additional_directories: Vec<String>,
}

/// What `permissions` may hold.
const KEYS: [&str; 5] = ["deny", "ask", "allow", "defaultMode", "additionalDirectories"];

impl SettingsRules {
    /// Reads a settings file.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn read(text: &str, place: &SettingsPlace) -> Result<Self, SettingsError> {
        let File { permissions } = serde_json::from_str(text)?;
        let others: Value = serde_json::from_str(text)?;
        let mut warnings = unknown(&others["permissions"]);
        if place.folder.contains(['*', '?']) {
            return Err(SettingsError::Folder(place.folder.clone()));
        }
        let Permissions { deny, ask, mut allow, default_mode, additional_directories } = permissions;
        if let Some(mode) = default_mode {
            warnings.push(format!(
                "permissions.defaultMode {mode:?} is not part of a policy; a session gets its mode with --permission-mode"
            ));
        }
        keep_readable(&mut allow, &mut warnings);
        let mut config = Map::new();
        for (list, rules) in [("deny", deny), ("ask", ask)] {
            refuse_unreadable(list, &rules)?;
            config.insert(list.to_owned(), json!(relocated(rules, place)));
        }
        let mut allow = relocated(allow, place);
        allow.extend(additional_directories.iter().map(|folder| reading(folder, place)));
        config.insert("allow".to_owned(), json!(allow));
        let policy = PolicyText {
            name: place.name.clone(),
            kind: PolicyKind::Rules,
            priority: default_priority(),
            config: Value::Object(config),
        };
        Ok(Self { policy, warnings })
    }
}

fn unknown(permissions: &Value) -> Vec<String> {
    let keys = permissions.as_object().into_iter().flat_map(Map::keys);
    let unknown = keys.filter(|key| !KEYS.contains(&key.as_str()));
    unknown
        .map(|key| match nearest(key, KEYS) {
            Some(meant) => format!("permissions.{key} is left out; did you mean {meant}?"),
            None => format!("permissions.{key} is not part of a policy and left out"),
        })
        .collect()
}

fn problem_of(rule: &str) -> Option<String> {
    Rule::read(rule, &Surroundings::default()).err().map(|error| error.problem)
}

fn keep_readable(allow: &mut Vec<String>, warnings: &mut Vec<String>) {
    allow.retain(|rule| {
        let problem = problem_of(rule);
        let said = problem
            .as_ref()
            .map(|problem| format!("permissions.allow: {rule:?} is left out, for it is no rule: {problem}"));
        warnings.extend(said);
        problem.is_none()
    });
}

fn refuse_unreadable(list: &'static str, rules: &[String]) -> Result<(), SettingsError> {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(problem) = problem_of(rule) {
            return Err(SettingsError::Rule { list, index, rule: rule.clone(), problem });
        }
    }
    Ok(())
}

/// `/x` of a path rule is below the settings file's folder; what begins otherwise means the same anywhere.
fn relocated(rules: Vec<String>, place: &SettingsPlace) -> Vec<String> {
    let relocate = |rule: String| {
        let trimmed = rule.trim();
        let Some((tool, what)) = trimmed.strip_suffix(')').and_then(|rule| rule.split_once('(')) else {
            return trimmed.to_owned();
        };
        let names_paths = READERS.contains(&tool) || EDITORS.contains(&tool);
        let path = what.strip_prefix("path:").unwrap_or(what);
        if names_paths && path.starts_with('/') && !path.starts_with("//") {
            format!("{tool}(/{}{path})", place.folder.trim_end_matches('/'))
        } else {
            trimmed.to_owned()
        }
    };
    rules.into_iter().map(relocate).collect()
}

/// What `additionalDirectories` grants in the mode `default`: reading there. Relative ones begin at the settings file's folder.
fn reading(folder: &str, place: &SettingsPlace) -> String {
    if folder == "~" || folder.starts_with("~/") {
        return format!("Read({}/**)", folder.trim_end_matches('/'));
    }
    let whole =
        if folder.starts_with('/') { folder.to_owned() } else { format!("{}/{folder}", place.folder) };
    match crate::path::normal(&whole).trim_end_matches('/') {
        "" => "Read(//**)".to_owned(),
        folder => format!("Read(/{folder}/**)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &Value) -> Result<SettingsRules, SettingsError> {
        let place = SettingsPlace { name: "mine".to_owned(), folder: "/home/dev/project".to_owned() };
        SettingsRules::read(&settings.to_string(), &place)
    }

    fn list(settings: &Value, list: &str) -> Value {
        read(&json!({ "permissions": settings })).expect("rules").policy.config[list].clone()
    }

    #[test]
    fn paths_are_written_out_from_the_right_folder() {
        let project = |path: &str| format!("Edit(//home/dev/project/{path})");
        let rules = json!([
            "Edit(/src/**)",
            "Write(/a)",
            "Edit(./x)",
            "Edit(x)",
            "Read(~/x)",
            "Read(//etc/**)",
            "Bash(/bin/x)",
            "Edit(path:/b)"
        ]);
        let expected = json!([
            project("src/**"),
            "Write(//home/dev/project/a)",
            "Edit(./x)",
            "Edit(x)",
            "Read(~/x)",
            "Read(//etc/**)",
            "Bash(/bin/x)",
            project("b"),
        ]);
        assert_eq!(list(&json!({ "deny": rules }), "deny"), expected);
    }

    #[test]
    fn additional_folders_may_be_read() {
        let folders = json!(["../docs/", "/srv/data", "~/notes", "/"]);
        let expected = json!([
            "Bash(ls:*)",
            "Read(//home/dev/docs/**)",
            "Read(//srv/data/**)",
            "Read(~/notes/**)",
            "Read(//**)"
        ]);
        let settings = json!({ "allow": ["Bash(ls:*)"], "additionalDirectories": folders });
        assert_eq!(list(&settings, "allow"), expected);
    }

    #[test]
    fn what_is_no_part_of_a_policy_is_said() {
        let permissions = json!({ "defaultMode": "acceptEdits", "alow": [], "disableBypassPermissionsMode": "disable", "allow": ["mcp__*", "Bash(x"] });
        let settings = json!({ "model": "opus", "permissions": permissions });
        let SettingsRules { policy, warnings } = read(&settings).expect("rules");
        assert_eq!(policy.config, json!({ "deny": [], "ask": [], "allow": [] }));
        let said = warnings.join("\n");
        for expected in ["acceptEdits", "did you mean allow?", "disableBypass", "mcp__*", "not closed"] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        assert_eq!(warnings.len(), 5, "{said}");
    }

    #[test]
    fn a_rule_that_forbids_and_cannot_be_read_is_refused() {
        for list in ["deny", "ask"] {
            let error = read(&json!({ "permissions": { list: ["Read(a)", "Bash(command:rm *)"] } }))
                .expect_err("no rule");
            let message = error.to_string();
            assert!(message.starts_with(&format!("permissions.{list}[1]")), "{message}");
        }
    }

    #[test]
    fn broken_settings_name_line_and_column() {
        let place = SettingsPlace { name: "mine".to_owned(), folder: "/p".to_owned() };
        for (text, line) in [
            ("{\n\"permissions\": {\"allow\": [\n,]}}", "line 3"),
            ("{\n\"permissions\": {\"deny\": 1}}", "line 2"),
        ] {
            let message = SettingsRules::read(text, &place).expect_err("broken").to_string();
            assert!(message.contains(line) && message.contains("column"), "{message}");
        }
        let odd = SettingsPlace { folder: "/a*b".to_owned(), ..place };
        assert!(matches!(SettingsRules::read("{\"permissions\": {}}", &odd), Err(SettingsError::Folder(_))));
    }
}
