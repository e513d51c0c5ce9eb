//! What a tool call may do when no policy says anything: the rule of the permission mode.
//!
//! Judging takes two pure steps, so that this crate looks at no disk: [`plan`] names the paths a call touches, the
//! application finds out where they really lead, [`judge`] decides.

use serde_json::Value;

text_enum! {
    /// Who decides tool calls that no policy decides.
    pub enum PermissionMode: "permission mode" {
        /// Reading inside the working directory is allowed, the rest is asked.
        Default = "default",
        /// As `default`, and edits inside the working directory are allowed.
        AcceptEdits = "acceptEdits",
        /// Only reading; everything else is denied.
        Plan = "plan",
        /// Everything is allowed.
        BypassPermissions = "bypassPermissions",
        /// Nothing is asked: what no policy allows is denied, reading included.
        DontAsk = "dontAsk",
    }
}

text_enum! {
    /// What becomes of a tool call.
    pub enum Decision: "permission decision" {
        /// It runs.
        Allow = "allow",
        /// It does not run.
        Deny = "deny",
        /// A person decides.
        Ask = "ask",
    }
}

/// A decision and why it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What becomes of the call.
    pub decision: Decision,
    /// One sentence for the person and the agent.
    pub reason: String,
}

/// What a call would do, as far as its name and input tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Reads these paths, relative to the working directory unless absolute.
    Read(Vec<String>),
    /// Writes these paths, relative to the working directory unless absolute.
    Edit(Vec<String>),
    /// Touches nothing but the agent's own notes; what a subagent does is judged call by call.
    Bookkeeping,
    /// Anything else, unknown tools and malformed inputs included.
    Other,
}

impl Effect {
    /// The paths whose real places [`judge`] must know.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        match self {
            Self::Read(paths) | Self::Edit(paths) => paths,
            Self::Bookkeeping | Self::Other => &[],
        }
    }
}

/// What a call would do.
#[must_use]
pub fn plan(tool_name: &str, input: &Value) -> Effect {
    match tool_name {
        "Read" => path_in(input, "file_path").map_or(Effect::Other, Effect::Read),
        "NotebookRead" => path_in(input, "notebook_path").map_or(Effect::Other, Effect::Read),
        "LS" | "Grep" => optional_path(input).map_or(Effect::Other, Effect::Read),
        "Glob" => glob_paths(input).map_or(Effect::Other, Effect::Read),
        "Write" | "Edit" | "MultiEdit" => path_in(input, "file_path").map_or(Effect::Other, Effect::Edit),
        "NotebookEdit" => path_in(input, "notebook_path").map_or(Effect::Other, Effect::Edit),
        "TodoWrite" | "Task" | "Agent" => Effect::Bookkeeping,
        _ => Effect::Other,
    }
}

/// Decides by the mode. `all_inside` says that every path of [`Effect::paths`], with links followed, lies inside the
/// working directory.
#[must_use]
pub fn judge(mode: PermissionMode, effect: &Effect, all_inside: bool) -> Judgement {
    let harmless = match effect {
        Effect::Bookkeeping => true,
        Effect::Read(_) => all_inside,
        Effect::Edit(_) | Effect::Other => false,
    };
    let edit_inside = matches!(effect, Effect::Edit(_)) && all_inside;
    let (decision, reason) = match mode {
        PermissionMode::BypassPermissions => (Decision::Allow, "mode bypassPermissions allows everything"),
        PermissionMode::DontAsk => (Decision::Deny, "mode dontAsk denies what no policy allows"),
        PermissionMode::Plan if !harmless => {
            (Decision::Deny, "mode plan allows only reading inside the working directory")
        }
        _ if matches!(effect, Effect::Bookkeeping) => {
            (Decision::Allow, "it changes only the agent's own notes")
        }
        _ if harmless => (Decision::Allow, "reading inside the working directory is allowed"),
        PermissionMode::AcceptEdits if edit_inside => {
            (Decision::Allow, "mode acceptEdits allows edits inside the working directory")
        }
        _ => (Decision::Ask, ask_reason(effect, all_inside)),
    };
    Judgement { decision, reason: reason.to_owned() }
}

fn ask_reason(effect: &Effect, all_inside: bool) -> &'static str {
    match effect {
        Effect::Read(_) => "it reads outside the working directory",
        Effect::Edit(_) if all_inside => "it changes a file",
        Effect::Edit(_) => {
            "it changes a file outside the working directory, or one that tells programs what to run"
        }
        Effect::Bookkeeping | Effect::Other => "it is more than reading",
    }
}

fn path_in(input: &Value, field: &str) -> Option<Vec<String>> {
    let path = input.get(field)?.as_str()?;
    (!path.is_empty()).then(|| vec![path.to_owned()])
}

/// `path`, or the working directory when it is not given; `None` when it is given as something else than text.
fn optional_path(input: &Value) -> Option<Vec<String>> {
    match input.get("path") {
        None | Some(Value::Null) => Some(vec![".".to_owned()]),
        Some(path) => path.as_str().map(|path| vec![if path.is_empty() { "." } else { path }.to_owned()]),
    }
}

/// The folder searched and, because a pattern can lead out of it, the part of the pattern before its first wildcard.
/// A pattern with `..` anywhere is left to a person.
fn glob_paths(input: &Value) -> Option<Vec<String>> {
    let pattern = input.get("pattern")?.as_str()?;
    if pattern.contains("..") || pattern.starts_with('~') {
        return None;
    }
    let mut paths = optional_path(input)?;
    let literal = pattern.split(['*', '?', '[', '{']).next().unwrap_or_default();
    let lead = match (pattern.chars().next(), paths.first()) {
        (Some('/'), _) => literal.to_owned(),
        // Alternatives can begin with anything.
        (Some('{'), _) => "/".to_owned(),
        (_, Some(folder)) => format!("{folder}/{literal}"),
        (_, None) => literal.to_owned(),
    };
    paths.push(lead);
    Some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decide(mode: PermissionMode, tool: &str, input: &Value, inside: bool) -> Decision {
        judge(mode, &plan(tool, input), inside).decision
    }

    #[test]
    fn default_mode_allows_reading_inside_and_asks_for_the_rest() {
        let mode = PermissionMode::Default;
        assert_eq!(decide(mode, "Read", &json!({"file_path": "a"}), true), Decision::Allow);
        assert_eq!(decide(mode, "Read", &json!({"file_path": "/etc/passwd"}), false), Decision::Ask);
        assert_eq!(decide(mode, "Write", &json!({"file_path": "a"}), true), Decision::Ask);
        assert_eq!(decide(mode, "Bash", &json!({"command": "ls"}), true), Decision::Ask);
        assert_eq!(decide(mode, "mcp__x__y", &json!({}), true), Decision::Ask);
    }

    #[test]
    fn accept_edits_stops_at_the_working_directory() {
        let mode = PermissionMode::AcceptEdits;
        assert_eq!(decide(mode, "Edit", &json!({"file_path": "a"}), true), Decision::Allow);
        assert_eq!(decide(mode, "Edit", &json!({"file_path": "/etc/hosts"}), false), Decision::Ask);
        assert_eq!(decide(mode, "Bash", &json!({"command": "ls"}), true), Decision::Ask);
    }

    #[test]
    fn plan_mode_denies_everything_but_reading_inside() {
        let mode = PermissionMode::Plan;
        assert_eq!(decide(mode, "Read", &json!({"file_path": "a"}), true), Decision::Allow);
        assert_eq!(decide(mode, "Read", &json!({"file_path": "/a"}), false), Decision::Deny);
        assert_eq!(decide(mode, "Write", &json!({"file_path": "a"}), true), Decision::Deny);
    }

    #[test]
    fn dont_ask_denies_and_bypass_allows_everything() {
        for tool in ["Read", "Write", "Bash", "Unknown"] {
            let input = json!({"file_path": "a"});
            assert_eq!(decide(PermissionMode::DontAsk, tool, &input, true), Decision::Deny);
            assert_eq!(decide(PermissionMode::BypassPermissions, tool, &input, false), Decision::Allow);
        }
    }

    #[test]
    fn a_malformed_input_is_never_taken_for_reading() {
        for input in [json!({}), json!({"file_path": 7}), json!({"file_path": ""}), json!(null), json!("a")] {
            assert_eq!(plan("Read", &input), Effect::Other, "{input}");
        }
        assert_eq!(plan("Grep", &json!({"pattern": "x", "path": ["/etc"]})), Effect::Other);
    }

    #[test]
    fn a_glob_pattern_that_leaves_its_folder_is_seen() {
        let read = |paths: &[&str]| Effect::Read(paths.iter().map(ToString::to_string).collect());
        let glob = |pattern: &str| plan("Glob", &json!({ "pattern": pattern }));
        assert_eq!(glob("src/**/*.rs"), read(&[".", "./src/"]));
        assert_eq!(glob("/etc/*"), read(&[".", "/etc/"]));
        assert_eq!(glob("{/etc,a}/*"), read(&[".", "/"]));
        assert_eq!(glob("*/../../x"), Effect::Other);
        assert_eq!(glob("~/.ssh/*"), Effect::Other);
        assert_eq!(plan("Glob", &json!({"pattern": "link/*", "path": "a"})), read(&["a", "a/link/"]));
    }
}
