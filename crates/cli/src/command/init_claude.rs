//! `provost init --claude`: command hooks in the settings of the Claude Code CLI, so that sessions which Provost did not start are
//! judged and recorded as well.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;

use super::hook_client::SUBCOMMAND;
use crate::{
    command_line::Global,
    composition::{Context, without_password},
    failure::{Code, Failure},
    json_text::{Edit, Kind, Node, edited},
    line_diff::{Line, difference},
    new_file::NewFile,
    terminal::{Terminal, keyboard::Keyboard, text},
    variable,
};

/// The events that are told of. Those that come many times a second are not among them.
const EVENTS: [&str; 11] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "PreCompact",
    "SessionEnd",
];
/// How long the agent CLI waits, in seconds: longer than the command takes at most, which is 10 s.
const TIMEOUT_SECONDS: u32 = 30;
/// Settings are not as long as this.
const LONGEST_BYTES: u64 = 16 * 1024 * 1024;
/// As many links as Linux follows.
const MOST_LINKS: u32 = 40;
/// More copies of older settings than this are nobody's.
const MOST_BACKUPS: u32 = 1000;

#[derive(Debug, Args)]
pub(crate) struct InitClaude {
    /// Let the Claude Code CLI tell Provost of its sessions, by command hooks in its settings; nothing else in them changes.
    #[arg(long)]
    pub(crate) claude: bool,
    /// In .claude/settings.json of this folder, for everybody who works in it, instead of in your own settings.
    #[arg(long, requires = "claude", conflicts_with = "local")]
    project: bool,
    /// In .claude/settings.local.json of this folder, for you.
    #[arg(long, requires = "claude")]
    local: bool,
    /// Take out again what this put in.
    #[arg(long, requires = "claude")]
    undo: bool,
    /// Only show what would change.
    #[arg(long, requires = "claude")]
    dry_run: bool,
    /// Change it without asking.
    #[arg(long, requires = "claude", conflicts_with = "dry_run")]
    yes: bool,
}

/// The settings as they are, and as they are to be.
struct Plan {
    /// The file, links followed.
    path: PathBuf,
    /// `None` when there is no file.
    old: Option<String>,
    new: String,
    /// The file is nobody's but ours and goes.
    removes: bool,
}

impl InitClaude {
    /// Whether something is to be put in, and not only shown.
    pub(crate) const fn puts_in(&self) -> bool {
        self.claude && !self.undo && !self.dry_run
    }

    pub(crate) async fn run(self, context: &Context, global: &Global) -> Result<ExitCode, Failure> {
        let path = self.settings_file(context)?;
        let plan =
            if self.undo { Plan::without(path)? } else { Plan::with(path, &handler(context, global)?)? };
        let terminal = context.terminal;
        let is_changed = plan.old.as_deref().unwrap_or_default() != plan.new;
        if is_changed {
            plan.show(terminal);
        }
        let mut backup = None;
        let is_written = is_changed && !self.dry_run && self.is_wanted(context, &plan).await?;
        if is_written {
            backup = plan.write()?;
        }
        if terminal.is_json {
            let file = &plan.path;
            let report = json!({ "claude_settings": file, "changed": is_changed, "written": is_written, "backup": backup });
            terminal.json(&report)?;
            return Ok(ExitCode::SUCCESS);
        }
        let file = plan.path.display();
        match (is_changed, is_written) {
            (false, _) if self.undo => terminal.say(&format!("nothing of Provost is in {file}")),
            (false, _) => terminal.say(&format!("everything is in {file} already")),
            (true, false) => terminal.say(&format!("{file} is as it was")),
            (true, true) if plan.removes => {
                terminal.say(&format!("{file} is removed: nothing else was in it"));
            }
            (true, true) => terminal.say(&format!("{file} is written")),
        }
        if let Some(backup) = backup {
            terminal.say(&format!("as it was: {}", backup.display()));
        }
        if is_written && !self.undo {
            terminal.say(
                "sessions that begin from now on are judged and recorded; provost session list shows them",
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    fn settings_file(&self, context: &Context) -> Result<PathBuf, Failure> {
        let surroundings = &context.surroundings;
        let path = match (self.project, self.local) {
            (true, _) => surroundings.current_directory.join(".claude/settings.json"),
            (_, true) => surroundings.current_directory.join(".claude/settings.local.json"),
            _ => {
                let set = surroundings.text(variable::CLAUDE_CONFIG_DIR);
                let usual = || surroundings.text(variable::HOME).map(|home| Path::new(&home).join(".claude"));
                let folder = set.map(|set| surroundings.current_directory.join(set)).or_else(usual);
                let no_home = || Failure::new(Code::Usage, "there is no home folder").hint("set HOME");
                folder.ok_or_else(no_home)?.join("settings.json")
            }
        };
        followed(path)
    }

    async fn is_wanted(&self, context: &Context, plan: &Plan) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        if !context.surroundings.stdin_is_terminal {
            let refused = format!("{} is not changed, because nobody can be asked", plan.path.display());
            return Err(Failure::new(Code::Refused, refused).hint("to change it without asking: --yes"));
        }
        let question = format!("change {}? y = yes, anything else = no", plan.path.display());
        let answer = Keyboard::open().answer(|| context.terminal.say(&question)).await;
        Ok(answer.is_some_and(|answer| answer.trim() == "y"))
    }
}

/// What is written where a file is a link, which stays: the place it leads to, even if nothing is there yet.
fn followed(path: PathBuf) -> Result<PathBuf, Failure> {
    if let Ok(file) = path.canonicalize() {
        return Ok(file);
    }
    let mut end = path.clone();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&end) else { break };
        end = end.parent().map(|folder| folder.join(&target)).unwrap_or(target);
    }
    if end == path && !end.is_symlink() {
        return Ok(path);
    }
    let why = if end.is_symlink() {
        "that leads in a circle".to_owned()
    } else {
        // A folder that is missing may be a disk that is not mounted.
        match (end.parent().map(Path::canonicalize), end.file_name()) {
            (Some(Ok(folder)), Some(name)) => return Ok(folder.join(name)),
            _ => format!("to {}, whose folder is not there", end.display()),
        }
    };
    Err(Failure::new(Code::Refused, format!("{} is a link {why}", path.display()))
        .hint("mend the link or remove it, then try again"))
}

impl Plan {
    fn read(path: PathBuf) -> Result<(PathBuf, Option<String>), Failure> {
        let unreadable = |what: String| Failure::new(Code::Failed, format!("{}: {what}", path.display()));
        let text = match fs::metadata(&path) {
            Ok(file) if file.len() > LONGEST_BYTES => {
                return Err(unreadable(format!("it is longer than {LONGEST_BYTES} bytes")));
            }
            Ok(_) => Some(fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => return Err(unreadable(error.to_string())),
        };
        Ok((path, text))
    }

    fn with(path: PathBuf, handler: &str) -> Result<Self, Failure> {
        let (path, old) = Self::read(path)?;
        let new =
            put_in(old.as_deref().unwrap_or_default(), handler).map_err(|wrong| named(&path, &wrong))?;
        Ok(Self { path, old, new, removes: false })
    }

    fn without(path: PathBuf) -> Result<Self, Failure> {
        let (path, old) = Self::read(path)?;
        let new = take_out(old.as_deref().unwrap_or_default()).map_err(|wrong| named(&path, &wrong))?;
        // Where there was a file before, there is a copy of it.
        let removes = old.is_some() && new.trim() == "{}" && !copy_of(&path, 1).exists();
        Ok(Self { path, old, new, removes })
    }

    fn show(&self, terminal: Terminal) {
        let style = terminal.err;
        terminal.say(&style.dim(&self.path.display().to_string()));
        for line in difference(self.old.as_deref().unwrap_or_default(), &self.new) {
            terminal.say(&match line {
                Line::Same(line) => style.dim(&format!("  {}", text::printable(line))),
                Line::Gone(line) => style.red(&format!("- {}", text::printable(line))),
                Line::New(line) => style.green(&format!("+ {}", text::printable(line))),
                Line::Skipped => style.dim("  …"),
            });
        }
    }

    /// Writes the file whole or not at all, after a copy of what it was; says where that is.
    fn write(&self) -> Result<Option<PathBuf>, Failure> {
        let (_, current) = Self::read(self.path.clone())?;
        if current != self.old {
            let changed = format!("{} was changed meanwhile", self.path.display());
            return Err(Failure::new(Code::Refused, changed).hint("try again"));
        }
        let Some(old) = &self.old else {
            if let Some(folder) = self.path.parent() {
                let named = |error| Failure::new(Code::Failed, format!("{}: {error}", folder.display()));
                fs::create_dir_all(folder).map_err(named)?;
            }
            self.replace(None)?;
            return Ok(None);
        };
        if self.removes {
            fs::remove_file(&self.path)?;
            return Ok(None);
        }
        let backup = back_up(&self.path, old)?;
        self.replace(Some(fs::metadata(&self.path)?.permissions()))?;
        Ok(Some(backup))
    }

    fn replace(&self, permissions: Option<fs::Permissions>) -> Result<(), Failure> {
        let file = NewFile::create(self.path.clone(), true)?;
        let mut handle = file.handle()?;
        handle.write_all(self.new.as_bytes())?;
        if let Some(permissions) = permissions {
            handle.set_permissions(permissions)?;
        }
        file.finish().map(drop)
    }
}

/// Copies settings beside them. The oldest copy has the plain name and stays, as do all others.
fn back_up(path: &Path, text: &str) -> Result<PathBuf, Failure> {
    for number in 1..=MOST_BACKUPS {
        let backup = copy_of(path, number);
        if backup.symlink_metadata().is_ok() {
            continue;
        }
        let file = NewFile::create(backup, false)?;
        file.handle()?.write_all(text.as_bytes())?;
        return file.finish();
    }
    Err(Failure::new(Code::Refused, format!("there are {MOST_BACKUPS} copies of {} already", path.display()))
        .hint("remove some"))
}

fn copy_of(path: &Path, number: u32) -> PathBuf {
    let mut copy = path.as_os_str().to_owned();
    copy.push(".provost-backup");
    if number > 1 {
        copy.push(format!("-{number}"));
    }
    copy.into()
}

fn named(path: &Path, wrong: &str) -> Failure {
    Failure::new(Code::Usage, format!("{}: {wrong}", path.display())).hint("nothing was changed")
}

/// The handler as it stands in the settings: this very program, whatever is found in a `PATH`.
fn handler(context: &Context, global: &Global) -> Result<String, Failure> {
    let program = std::env::current_exe()?;
    let unreadable =
        |path: &Path| Failure::new(Code::Usage, format!("{path:?} is no text, as a setting must be"));
    let word = |path: &Path| path.to_str().map(quoted).ok_or_else(|| unreadable(path));
    let mut command = format!("{} {SUBCOMMAND}", word(&program)?);
    let here = &context.surroundings.current_directory;
    if let Some(database) = &global.database {
        let is_server = database.contains("://") && !database.starts_with("sqlite:");
        let named = if is_server {
            if without_password(database) != *database {
                return Err(Failure::new(
                    Code::Usage,
                    "--database may hold a password, which no settings file is to hold",
                )
                .hint("set database.url in Provost's own settings instead, and leave --database out"));
            }
            quoted(database)
        } else {
            let file = database.strip_prefix("sqlite://").or_else(|| database.strip_prefix("sqlite:"));
            word(&here.join(file.unwrap_or(database)))?
        };
        command = format!("{command} --database {named}");
    }
    if let Some(config) = &global.config {
        command = format!("{command} --config {}", word(&here.join(config))?);
    }
    Ok(format!(r#"{{ "type": "command", "command": {}, "timeout": {TIMEOUT_SECONDS} }}"#, json!(command)))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a command of the settings is ours, whichever `provost` it names and whatever flags were put to it since.
fn is_ours(command: &str) -> bool {
    let words = command.trim();
    let (program, rest) = match words.strip_prefix('\'').and_then(|quoted| quoted.rsplit_once("' ")) {
        Some(parts) => parts,
        None => words.split_once(' ').unwrap_or((words, "")),
    };
    let program = program.split("' ").next().unwrap_or_default();
    let is_provost = Path::new(program).file_name().is_some_and(|name| name == "provost");
    is_provost && (words.split(' ').any(|word| word == SUBCOMMAND) || rest == SUBCOMMAND)
}

/// A handler of ours in the settings: the group and the place in it. One that is for some tools only is somebody else's.
fn own_handlers(text: &str, groups: &Node) -> Vec<(usize, usize)> {
    let mut own = Vec::new();
    let is_for_all = |group: &Node| {
        let matcher = group.get("matcher").and_then(|matcher| matcher.string(text));
        matcher.is_none_or(|matcher| matcher.is_empty() || matcher == "*")
    };
    for (group_place, group) in groups.items().iter().enumerate().filter(|(_, group)| is_for_all(group)) {
        let handlers = group.get("hooks").map(Node::items).unwrap_or_default();
        for (place, handler) in handlers.iter().enumerate() {
            let command = handler.get("command").and_then(|command| command.string(text));
            if command.is_some_and(|command| is_ours(&command)) {
                own.push((group_place, place));
            }
        }
    }
    own
}

fn read(text: &str) -> Result<Node, String> {
    let root = Node::read(text).map_err(|error| error.to_string())?;
    let hooks = root.get("hooks");
    let is_known = |hooks: &&Node| hooks.is_object();
    if !root.is_object() || hooks.is_some_and(|hooks| !is_known(&hooks)) {
        let what = if root.is_object() { "hooks is no object" } else { "it is no object" };
        return Err(format!("{what}; accepted: settings of the Claude Code CLI"));
    }
    for event in EVENTS {
        if hooks.and_then(|hooks| hooks.get(event)).is_some_and(|groups| !groups.is_array()) {
            return Err(format!("hooks.{event} is no list; accepted: settings of the Claude Code CLI"));
        }
    }
    Ok(root)
}

/// The settings with a handler for each event.
fn put_in(text: &str, handler: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(format!("{}\n", put_in("{}", handler)?));
    }
    let root = read(text)?;
    if root.get("disableAllHooks").is_some_and(|switch| switch.text(text) == "true") {
        return Err("disableAllHooks is true, so no hook would run; take it out first".to_owned());
    }
    let Some(hooks) = root.get("hooks") else {
        let part = |indent: &str| {
            let events = EVENTS
                .map(|event| format!("{indent}  {}", event_member(event, handler, &format!("{indent}  "))));
            format!("\"hooks\": {{\n{}\n{indent}}}", events.join(",\n"))
        };
        return Ok(edited(text, vec![root.append(text, part)]));
    };
    let mut edits = Vec::new();
    let mut missing = Vec::new();
    for event in EVENTS {
        let Some(groups) = hooks.get(event) else {
            missing.push(event);
            continue;
        };
        match own_handlers(text, groups).as_slice() {
            [] => edits.push(groups.append(text, |_| group(handler))),
            [(group_place, place), more @ ..] => {
                let of = |group: usize| groups.items()[group].get("hooks");
                if let Some(node) = of(*group_place).and_then(|handlers| handlers.items().get(*place))
                    && node.text(text) != handler
                {
                    edits.push(Edit { span: node.span.clone(), text: handler.to_owned() });
                }
                // One is enough.
                for (group_place, place) in more {
                    edits.extend(of(*group_place).map(|own| own.remove(text, &[*place])).unwrap_or_default());
                }
            }
        }
    }
    if !missing.is_empty() {
        let part = |indent: &str| {
            let members: Vec<_> = missing.iter().map(|event| event_member(event, handler, indent)).collect();
            members.join(&format!(",\n{indent}"))
        };
        edits.push(hooks.append(text, part));
    }
    Ok(edited(text, edits))
}

fn event_member(event: &str, handler: &str, indent: &str) -> String {
    let inner = format!("{indent}  ");
    format!("\"{event}\": [\n{inner}{}\n{indent}]", group(handler))
}

fn group(handler: &str) -> String {
    format!("{{ \"hooks\": [{handler}] }}")
}

/// The settings without our handlers, and without what is empty now because of that.
fn take_out(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let root = read(text)?;
    let Some(hooks) = root.get("hooks") else { return Ok(text.to_owned()) };
    let Kind::Object(events) = &hooks.kind else { return Ok(text.to_owned()) };
    let (mut edits, mut emptied) = (Vec::new(), Vec::new());
    for (event_place, event) in events.iter().enumerate() {
        let own = own_handlers(text, &event.value);
        if own.is_empty() {
            continue;
        }
        let mut emptied_groups = Vec::new();
        for (group_place, group) in event.value.items().iter().enumerate() {
            let places: Vec<_> =
                own.iter().filter(|(of, _)| *of == group_place).map(|(_, place)| *place).collect();
            let Some(handlers) = group.get("hooks").filter(|_| !places.is_empty()) else { continue };
            if places.len() == handlers.items().len() {
                emptied_groups.push(group_place);
            } else {
                edits.extend(handlers.remove(text, &places));
            }
        }
        if emptied_groups.len() == event.value.items().len() {
            emptied.push(event_place);
        } else {
            edits.extend(event.value.remove(text, &emptied_groups));
        }
    }
    if !emptied.is_empty() && emptied.len() == events.len() {
        let Kind::Object(members) = &root.kind else { return Ok(text.to_owned()) };
        let place = members.iter().rposition(|member| member.name == "hooks");
        return Ok(edited(text, root.remove(text, &place.into_iter().collect::<Vec<_>>())));
    }
    edits.extend(hooks.remove(text, &emptied));
    Ok(edited(text, edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: &str = r#"{ "type": "command", "command": "/opt/provost hook-client", "timeout": 30 }"#;

    #[test]
    fn a_command_of_ours_is_known_wherever_the_program_was() {
        for ours in [
            "/usr/bin/provost hook-client",
            "'/a b/provost' hook-client",
            "/x/provost --database '/a b/c.db' hook-client --fail open",
            "'/a b/provost' --database '/a b/c.db' hook-client",
            "provost hook-client",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["provost hook list", "/x/mine hook-client", "echo provost hook-client", "provost", ""] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn what_is_put_in_comes_out_again_and_nothing_else() {
        for text in [
            "{}",
            "{\n}\n",
            "{\n  \"model\": \"x\"\n}\n",
            "{\"model\":\"x\",\"permissions\":{\"deny\":[\"Read(./.env)\"]}}",
            "{\n\t\"hooks\": {\n\t\t\"Stop\": [\n\t\t\t{\"hooks\": [{\"type\": \"command\", \"command\": \"mine\"}]}\n\t\t]\n\t},\n\t\"z\": 1e2\n}",
            "{\n  \"hooks\": {\n    \"Other\": []\n  }\n}\n",
        ] {
            let with = put_in(text, HANDLER).expect("settings");
            let value: serde_json::Value =
                serde_json::from_str(&with).unwrap_or_else(|error| panic!("{error}: {with}"));
            for event in EVENTS {
                let groups = value["hooks"][event].as_array().expect("a list");
                let own = &groups[groups.len() - 1]["hooks"][0];
                assert_eq!(own["command"], "/opt/provost hook-client", "{event}: {with}");
            }
            assert_eq!(put_in(&with, HANDLER).as_deref(), Ok(with.as_str()));
            assert_eq!(take_out(&with).as_deref(), Ok(text), "{with}");
            assert_eq!(take_out(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_handler_of_another_provost_is_replaced_and_doubles_go() {
        let old = HANDLER.replace("/opt/provost", "'/old place/provost'");
        let with = put_in("{}", &old).expect("settings");
        let renewed = put_in(&with, HANDLER).expect("settings");
        assert_eq!(renewed, put_in("{}", HANDLER).expect("settings"));
        let twice = with.replacen(&old, &format!("{old}, {HANDLER}"), 1);
        assert_eq!(put_in(&twice, HANDLER).as_deref(), Ok(renewed.as_str()));
    }

    #[test]
    fn what_others_changed_in_between_stays() {
        let with = put_in("{\n  \"a\": 1\n}", HANDLER).expect("settings");
        let mine = r#"{ "type": "command", "command": "mine" }"#;
        let changed =
            with.replacen(HANDLER, &format!("{HANDLER}, {mine}"), 1).replace("\"a\": 1", "\"a\": 2");
        let without = take_out(&changed).expect("settings");
        let value: serde_json::Value = serde_json::from_str(&without).expect("JSON");
        let expected = json!({ "a": 2, "hooks": { "SessionStart": [{ "hooks": [{ "type": "command", "command": "mine" }] }] } });
        assert_eq!(value, expected, "{without}");
    }

    #[test]
    fn settings_that_are_none_are_left_alone() {
        for (text, wrong) in [
            ("{\n  \"a\": 1,\n}", "line 3 column 1"),
            ("[]", "it is no object"),
            ("{\"hooks\": []}", "hooks is no object"),
            ("{\"hooks\": {\"Stop\": {}}}", "hooks.Stop is no list"),
        ] {
            let error = put_in(text, HANDLER).expect_err("refused");
            assert!(error.contains(wrong), "{error}");
            assert_eq!(take_out(text).expect_err("refused"), error);
        }
    }
}
