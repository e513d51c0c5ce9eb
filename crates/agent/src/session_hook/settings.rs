//! The settings by which the agent CLI gets our hooks, joined with those that it is given besides.

use std::{fs, io, path::Path};

use serde_json::{Map, Value, json};

use super::{ANSWER_TIMEOUT, EVENTS, SUBCOMMAND};
use crate::launch::BARE_VARIABLE;

pub(super) const FLAG: &str = "--settings";
/// How much of JSON is repeated in an error.
const SHOWN_BYTES: usize = 60;

/// Why the settings that the agent program is to have cannot be joined with ours.
#[derive(Debug, thiserror::Error)]
pub enum UnusableSettings {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    /// What is there is no JSON.
    #[error("it is no JSON")]
    Syntax(#[from] serde_json::Error),
    /// A field is not what the agent CLI takes.
    #[error("{field} is no {accepted}")]
    Field {
        /// Its path.
        field: String,
        /// What it would be.
        accepted: &'static str,
    },
}

/// Further arguments without the settings among them, those settings, and the place where they stood.
#[derive(Debug)]
pub(super) struct TakenOut {
    pub(super) arguments: Vec<String>,
    pub(super) settings: Map<String, Value>,
    pub(super) place: usize,
}

/// Takes the settings out of further arguments: the last ones, because the agent CLI goes by these alone. A path is relative to the
/// folder it works in.
///
/// # Errors
/// What the settings are, in short, and why they cannot be joined with ours.
pub(super) fn take_out(
    arguments: &[String],
    working_directory: &Path,
) -> Result<TakenOut, (String, UnusableSettings)> {
    let mut arguments = arguments.to_vec();
    let with_value =
        |argument: &String| argument.strip_prefix(FLAG).is_some_and(|rest| rest.starts_with('='));
    let is_settings = |argument: &String| argument == FLAG || with_value(argument);
    let Some(place) = arguments.iter().rposition(is_settings) else {
        return Ok(TakenOut { arguments, settings: Map::new(), place: 0 });
    };
    let argument = arguments.remove(place);
    let value = match argument.split_once('=') {
        Some((_, value)) => value.to_owned(),
        // Without a value it is the agent CLI's to refuse.
        None if place == arguments.len() => {
            arguments.push(argument);
            return Ok(TakenOut { arguments, settings: Map::new(), place: 0 });
        }
        None => arguments.remove(place),
    };
    match read(value.trim(), working_directory) {
        Ok(settings) => Ok(TakenOut { arguments, settings, place }),
        Err(error) => Err((shown(&value), error)),
    }
}

/// Adds a command hook for each event that is told of.
///
/// # Errors
/// When a path cannot stand in a command.
pub(super) fn add_hooks(settings: &mut Map<String, Value>, program: &Path, socket: &Path) -> io::Result<()> {
    let command = format!("{} {SUBCOMMAND} --socket {}", quoted(program)?, quoted(socket)?);
    let ours =
        json!({ "hooks": [{ "type": "command", "command": command, "timeout": ANSWER_TIMEOUT.as_secs() }] });
    let hooks = settings.entry("hooks").or_insert_with(|| json!({}));
    for event in EVENTS {
        match hooks[event].as_array_mut() {
            Some(others) => others.push(ours.clone()),
            None => hooks[event] = json!([ours]),
        }
    }
    Ok(())
}

/// Overrules the user's own settings where they turn off every hook, the callbacks included by which the agent CLI asks whether a
/// tool may run.
pub(super) fn keep_gate(settings: &mut Map<String, Value>) {
    match settings.entry("env").or_insert_with(|| json!({})) {
        Value::Object(variables) => drop(variables.insert(BARE_VARIABLE.to_owned(), json!("0"))),
        other => *other = json!({ BARE_VARIABLE: "0" }),
    }
}

/// JSON, or the path of a file with JSON, as the agent CLI takes it; nothing is none.
fn read(value: &str, working_directory: &Path) -> Result<Map<String, Value>, UnusableSettings> {
    let text = match value {
        "" => return Ok(Map::new()),
        json if json.starts_with('{') && json.ends_with('}') => json.to_owned(),
        path => fs::read_to_string(working_directory.join(path))?,
    };
    let wrong = |field: &str, accepted| UnusableSettings::Field { field: field.to_owned(), accepted };
    let settings: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let Value::Object(settings) = settings else { return Err(wrong("the whole", "object")) };
    if settings.get("env").is_some_and(|env| !env.is_object()) {
        return Err(wrong("env", "object"));
    }
    match settings.get("hooks") {
        None => {}
        Some(Value::Object(hooks)) => {
            for event in EVENTS {
                if hooks.get(event).is_some_and(|list| !list.is_array()) {
                    return Err(wrong(&format!("hooks.{event}"), "list"));
                }
            }
        }
        Some(_) => return Err(wrong("hooks", "object")),
    }
    Ok(settings)
}

/// A path as one word of a shell command.
fn quoted(path: &Path) -> io::Result<String> {
    let text = path.to_str().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no text", path.display()))
    })?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

fn shown(value: &str) -> String {
    let end = value.floor_char_boundary(SHOWN_BYTES);
    if end == value.len() { value.to_owned() } else { format!("{}…", &value[..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str], folder: &Path) -> Result<TakenOut, (String, UnusableSettings)> {
        take_out(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>(), folder)
    }

    #[test]
    fn settings_that_count_are_the_last_ones_and_are_taken_out() {
        let here = Path::new("/nowhere");
        for (arguments, rest, place) in [
            (vec!["--effort", "low"], vec!["--effort", "low"], 0),
            (vec!["a", r#"--settings={"model":"x"}"#, "b"], vec!["a", "b"], 1),
            (vec!["a", "--settings", r#" {"model":"x"} "#], vec!["a"], 1),
            (vec!["--settings={", "a", r#"--settings={"model":"x"}"#], vec!["--settings={", "a"], 2),
        ] {
            let found = of(&arguments, here).expect("settings");
            assert_eq!(
                (found.arguments, found.place),
                (rest.iter().map(ToString::to_string).collect(), place)
            );
            let expected = if place == 0 { None } else { Some(&json!("x")) };
            assert_eq!(found.settings.get("model"), expected);
        }
        let without_value = of(&["a", "--settings"], here).expect("left to the agent CLI");
        assert_eq!(without_value.arguments, ["a", "--settings"]);
        assert!(of(&["--settings="], here).expect("none").settings.is_empty());
    }

    #[test]
    fn a_file_is_looked_for_where_the_agent_works() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("s.json"), "\u{feff}{\"model\":\"x\"}").expect("written");
        let found = of(&["--settings", "s.json"], folder.path()).expect("settings");
        assert_eq!(found.settings["model"], "x");
        let (settings, error) = of(&["--settings=none.json"], folder.path()).expect_err("a refusal");
        assert!(settings == "none.json" && matches!(error, UnusableSettings::Unreadable(_)), "{error}");
    }

    #[test]
    fn what_cannot_be_joined_is_refused() {
        for (value, words) in [
            ("{\"a\":1,}", "no JSON"),
            ("{\"hooks\":[]}", "hooks is no object"),
            ("{\"env\":[]}", "env is no object"),
            ("{\"hooks\":{\"SessionEnd\":{}}}", "hooks.SessionEnd is no list"),
        ] {
            let (settings, error) = of(&["--settings", value], Path::new("/")).expect_err("a refusal");
            assert_eq!(settings, value);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn ours_stand_behind_the_hooks_that_are_there() {
        let mut settings = Map::new();
        settings.insert("model".to_owned(), json!("x"));
        let theirs = json!({ "hooks": [{ "type": "command", "command": "true" }] });
        settings.insert("hooks".to_owned(), json!({ "SessionStart": [theirs], "Stop": [theirs] }));
        let (program, socket) = (Path::new("/it's/provost"), Path::new("/tmp/s"));
        add_hooks(&mut settings, program, socket).expect("added");
        let hooks = &settings["hooks"];
        assert_eq!((&hooks["SessionStart"][0], &hooks["Stop"]), (&theirs, &json!([theirs])));
        for ours in [&hooks["SessionStart"][1], &hooks["SessionEnd"][0]] {
            let command = r"'/it'\''s/provost' agent-hook --socket '/tmp/s'";
            assert_eq!(ours["hooks"][0]["command"], command);
        }
        assert_eq!(settings["model"], "x");
    }

    #[test]
    fn no_settings_turn_the_gate_off() {
        for env in [json!(null), json!({ "CLAUDE_CODE_SIMPLE": "1", "OTHER": "2" })] {
            let mut settings = Map::new();
            settings.insert("env".to_owned(), env.clone());
            keep_gate(&mut settings);
            assert_eq!(settings["env"]["CLAUDE_CODE_SIMPLE"], "0");
            assert_eq!(settings["env"]["OTHER"], env["OTHER"]);
        }
    }
}
