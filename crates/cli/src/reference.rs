//! The reference pages, made from what the program itself says, and checks that no document names what is not there.
//!
//! The tests compare. `PROVOST_UPDATE_DOCS=1 cargo test --bin provost reference` writes the pages instead.

mod data_model;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::{Arg, Command, CommandFactory, Parser, error::ErrorKind};
use toml::Value;

use crate::{
    command_line::CommandLine,
    settings::{DEFAULTS, Layers, Origin},
    variable,
};

const UPDATE: &str = "PROVOST_UPDATE_DOCS";

fn command_line_page() -> String {
    let mut root = CommandLine::command();
    root.build();
    let mut page = format!(
        "<!-- Made by a test from crates/cli/src/command_line.rs and crates/cli/src/command/; see CONTRIBUTING.md. -->\n\
         # Command line\n\n\
         What a command writes, and its exit codes: [output.md](output.md). What can be set: [settings.md](settings.md).\n\n\
         {}",
        table(
            "command",
            leaves(&root).into_iter().map(|leaf| {
                let name = full_name(leaf);
                (format!("[`{name}`](#{})", name.replace(' ', "-")), sentence(leaf.get_about()))
            })
        )
    );
    page.push_str("\n## Flags of every command\n\n");
    page.push_str(&table("flag", flags(&root).map(|arg| flag(&root, arg))));
    for leaf in leaves(&root) {
        let usage = leaf.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let about = sentence(leaf.get_about());
        // Writing to a string cannot fail, here and below.
        let _ = write!(page, "\n## {}\n\n{about}\n\n```text\n{usage}\n```\n", full_name(leaf));
        let arguments: Vec<_> = leaf.get_positionals().map(|arg| flag(leaf, arg)).collect();
        let flags: Vec<_> = flags(leaf).filter(|arg| is_own(arg)).map(|arg| flag(leaf, arg)).collect();
        for (heading, rows) in [("argument", arguments), ("flag", flags)] {
            if !rows.is_empty() {
                let _ = write!(page, "\n{}", table(heading, rows));
            }
        }
    }
    page
}

/// Every command that does something, in the order in which `--help` lists them.
fn leaves(command: &Command) -> Vec<&Command> {
    let visible: Vec<_> =
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help").collect();
    if visible.is_empty() { vec![command] } else { visible.into_iter().flat_map(leaves).collect() }
}

fn full_name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

/// A flag of this command alone.
fn is_own(arg: &Arg) -> bool {
    !arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn flag(command: &Command, arg: &Arg) -> (String, String) {
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let mut meaning = sentence(arg.get_help());
    if arg.get_action().takes_values() {
        let names: Vec<_> =
            arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !names.is_empty() {
            let _ = write!(meaning, " One of {}.", names.join(", "));
        }
        if let [default] = arg.get_default_values() {
            let _ = write!(meaning, " Default: `{}`.", default.to_string_lossy());
        }
    }
    let others = command.get_arg_conflicts_with(arg);
    if let [other] = others[..]
        && let Some(long) = other.get_long()
    {
        let _ = write!(meaning, " Not with `--{long}`.");
    }
    (format!("{short}`{arg}`"), meaning)
}

/// The definitions leave the full stop of a help text to clap, which drops it.
fn sentence(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    if text.ends_with(['.', ':']) { text } else { format!("{text}.") }
}

fn table(heading: &str, rows: impl IntoIterator<Item = (String, String)>) -> String {
    let rows = rows.into_iter().map(|(name, meaning)| {
        let (name, meaning) = (name.replace('|', "\\|"), meaning.replace('|', "\\|"));
        format!("| {name} | {meaning} |\n")
    });
    format!("| {heading} | meaning |\n|---|---|\n{}", rows.collect::<String>())
}

/// A setting as it stands in the commented defaults.
struct Setting {
    section: String,
    key: String,
    default: Value,
    comment: Vec<String>,
}

impl Setting {
    fn variable(&self) -> String {
        let section = self.section.replace('.', "__");
        format!("{}{section}__{}", variable::SETTING_PREFIX, self.key).to_ascii_uppercase()
    }
}

/// What stands above the first section, and every setting.
fn settings() -> (Vec<String>, Vec<Setting>) {
    let (preamble, rest) = DEFAULTS.split_once("\n\n").expect("an introduction");
    let (mut settings, mut section, mut comment) = (Vec::new(), String::new(), Vec::new());
    for line in rest.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text.to_owned());
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, default)) = line.split_once(" = ") {
            settings.push(Setting {
                section: section.clone(),
                key: key.to_owned(),
                default: default.parse().expect("a value"),
                comment: std::mem::take(&mut comment),
            });
        }
    }
    (preamble.lines().map(|line| line.trim_start_matches("# ").to_owned()).collect(), settings)
}

fn settings_page() -> String {
    let (preamble, settings) = settings();
    let mut page = format!(
        "<!-- Made by a test from crates/cli/src/settings/default.toml; see CONTRIBUTING.md. -->\n\
         # Settings\n\n{}\n\n\
         The variable of a setting is `{}`, its section and its key in capitals, joined by two underscores:\n\
         `session.model` is `PROVOST_SESSION__MODEL`. [.env.example](../.env.example) lists them all. An unknown key, in a file \
         or a\nvariable, is an error that names the nearest one. `provost config show --origin` tells where each value came \
         from.\n`provost init` writes these settings into your own file, commented out.\n",
        marked_up(&preamble.join(" ")),
        variable::SETTING_PREFIX,
    );
    for section in settings.chunk_by(|a, b| a.section == b.section) {
        let _ = write!(page, "\n## {}\n\n| key | default | meaning |\n|---|---|---|\n", section[0].section);
        for Setting { key, default, comment, .. } in section {
            let meaning = marked_up(&comment.join(" ")).replace('|', "\\|");
            let _ = writeln!(page, "| `{key}` | `{default}` | {meaning} |");
        }
    }
    page.push_str("\n## Other variables\n\n");
    page.push_str(&table(
        "variable",
        [
            (variable::DATABASE_URL, "The database, as many tools call it; `PROVOST_DATABASE__URL` wins."),
            (variable::XDG_CONFIG_HOME, "Where `provost/config.toml` is, instead of `~/.config`."),
            (variable::XDG_DATA_HOME, "Where the data folder `provost` is, instead of `~/.local/share`."),
            (variable::NO_COLOR, "Any value turns colours off."),
        ]
        .map(|(name, meaning)| (format!("`{name}`"), meaning.to_owned())),
    ));
    page.push_str(
        "\nWhich variables an agent program sees is another list: [agent-protocol.md](agent-protocol.md#environment).\n",
    );
    page
}

/// Words that are no words, such as paths and names with underscores, as code.
fn marked_up(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches(['.', ',', ':', ';']);
        let is_code = bare.contains(['/', '_']) || bare.starts_with('[');
        if is_code { format!("`{bare}`{}", &word[bare.len()..]) } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn example_of_variables() -> String {
    let (_, settings) = settings();
    let mut text = String::from(
        "# Provost's settings as environment variables, with their defaults. Made by a test from\n\
         # crates/cli/src/settings/default.toml; docs/settings.md says which settings win. Provost does not read this file.\n\
         # A shell does, and wants quotes around its own signs: cp .env.example .env; set -a; . ./.env; set +a\n",
    );
    for setting in &settings {
        let default = setting.default.as_str().map_or_else(|| setting.default.to_string(), str::to_owned);
        let comment = setting.comment.iter().map(|line| format!("# {line}\n"));
        let _ = write!(text, "\n{}#{}={default}\n", comment.collect::<String>(), setting.variable());
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a checked-in file with what it should be, or writes it when asked to.
#[expect(clippy::disallowed_methods, reason = "the variable says what this test run is for")]
fn assert_current(file: &str, expected: &str) {
    let path = root().join(file);
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, expected).expect("written");
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "{file} is not current; {UPDATE}=1 cargo test --bin provost reference writes it; first difference: {differs:?}"
    );
}

/// Every document with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> = [root(), root().join("docs")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("a text"))).collect()
}

/// A piece of a document that is code.
#[derive(Debug, PartialEq)]
enum Code<'d> {
    /// A line of a block marked as `sh`.
    Shell(&'d str),
    /// Something between backticks.
    Span(&'d str),
}

fn code_in(document: &str) -> Vec<Code<'_>> {
    let mut found = Vec::new();
    for (index, piece) in document.split("```").enumerate() {
        if index % 2 == 0 {
            let spans = piece.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
            found.extend(spans.map(Code::Span));
        } else if let Some(lines) = piece.strip_prefix("sh\n") {
            found.extend(lines.lines().map(Code::Shell));
        }
    }
    found
}

/// The words of the first command of a line of shell; the rest of a pipe and redirections are left out.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\n') => words.extend(word.take()),
            (None, '|' | '>' | '<' | '&' | ';') => break,
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// The words after `provost`, however it is started; `None` is another program's command.
fn arguments_of_provost(mut words: &[String]) -> Option<&[String]> {
    while words.first().is_some_and(|word| word.contains('=')) {
        words = &words[1..];
    }
    match words {
        [program, arguments @ ..] if program == "provost" => Some(arguments),
        [cargo, run, rest @ ..] if (cargo.as_str(), run.as_str()) == ("cargo", "run") => {
            Some(&rest[rest.iter().position(|word| word == "--")? + 1..])
        }
        _ => None,
    }
}

/// Why the program would not take this; a span may leave out what a whole command needs.
fn refusal(code: &Code<'_>) -> Option<String> {
    let (Code::Shell(line) | Code::Span(line)) = code;
    let words = words(line);
    let arguments = arguments_of_provost(&words)?;
    let program = [String::from("provost")];
    let error = CommandLine::try_parse_from(program.iter().chain(arguments)).err()?;
    let is_incomplete = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    match (error.kind(), code) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => None,
        (_, Code::Span(_)) if is_incomplete => None,
        _ => Some(format!("{line}: {error}")),
    }
}

#[test]
fn the_command_line_page_is_current() {
    assert_current("docs/cli.md", &command_line_page());
}

#[test]
fn the_settings_page_is_current() {
    assert_current("docs/settings.md", &settings_page());
}

#[test]
fn the_example_of_variables_is_current() {
    assert_current(".env.example", &example_of_variables());
}

#[test]
fn the_data_model_page_is_current() {
    assert_current("docs/data-model.md", &data_model::page());
}

#[test]
fn every_setting_has_its_variable_with_its_default_in_the_example() {
    let mut layers = Layers::defaults().expect("defaults");
    let (_, settings) = settings();
    assert_eq!(settings.len(), layers.iter().count());
    let example = example_of_variables();
    let lines = example.lines().filter_map(|line| line.strip_prefix("#PROVOST_")?.split_once('='));
    for (name, value) in lines {
        let key = name.to_ascii_lowercase().replace("__", ".");
        layers.add_plain(key, value, Origin::Variable(name.to_owned())).expect("accepted");
    }
    assert!(layers.iter().all(|(_, _, origin)| *origin != Origin::Default));
    let defaults = Layers::defaults().expect("defaults");
    assert!(layers.iter().zip(defaults.iter()).all(|((_, value, _), (_, default, _))| value == default));
}

#[test]
fn documents_name_only_commands_and_flags_that_exist() {
    for (path, text) in documents() {
        let refused: Vec<_> = code_in(&text).iter().filter_map(refusal).collect();
        assert!(refused.is_empty(), "{}:\n{}", path.display(), refused.join("\n"));
    }
}

#[test]
fn documents_name_only_files_that_exist() {
    for (path, text) in documents() {
        let folder = path.parent().expect("a folder");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
        let missing: Vec<_> = links.filter(|link| !folder.join(link).exists()).collect();
        assert!(missing.is_empty(), "{} links to {missing:?}", path.display());
        let spans = code_in(&text).into_iter().filter_map(|code| match code {
            Code::Span(span) if span.starts_with("crates/") || span.starts_with("xtask/") => Some(span),
            Code::Span(_) | Code::Shell(_) => None,
        });
        let missing: Vec<_> = spans.filter(|span| !root().join(span).exists()).collect();
        assert!(missing.is_empty(), "{} names {missing:?}", path.display());
    }
}

#[test]
fn a_command_that_does_not_exist_is_refused() {
    let refused = |code| refusal(&code).is_some();
    assert!(refused(Code::Shell("provost run --no-such-flag")));
    assert!(refused(Code::Shell("PROVOST_LOG__LEVEL=info provost session look 'a b' | head -1")));
    assert!(refused(Code::Shell("cargo run --release -- dem")));
    assert!(refused(Code::Shell("provost session show")));
    assert!(refused(Code::Span("provost serve")));
    assert!(!refused(Code::Span("provost session show")));
    assert!(!refused(Code::Shell("provost run --yes \"say hello; # twice\" > out.txt # a comment")));
    assert!(!refused(Code::Shell("cargo test --bin provost reference")));
}

#[test]
fn code_is_found_in_blocks_and_between_backticks() {
    let found = code_in("a `b` `c\nd`\n```sh\ne `f`\n```\n```text\ng\n```\n");
    assert_eq!(found, [Code::Span("b"), Code::Span("c\nd"), Code::Shell("e `f`")]);
}
