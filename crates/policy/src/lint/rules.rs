//! Rules in the agent CLI's syntax and lists of tools, each rule by itself.

use domain::permission::Decision;
use serde_json::Value;

use super::{
    LintCode, LintFinding, Severity,
    entry::{LISTS, Shape, what_of},
    known::{TOOLS, is_tool, runner},
    path::{WrittenPath, never_fits},
    texts,
};
use crate::{
    call::{Call, effects_of},
    effect::Effect,
    nearest,
    network::{Read, read_host},
    path::Anchors,
    rule::{CommandRule, DomainPattern, EDITORS, READERS, Rule},
    set::PolicyText,
    surroundings::Surroundings,
    text::{Match, Text},
};

/// No tool has a longer name.
const LONGEST_NAME: usize = 400;

/// What is wrong with a rule, before it is said where it stands.
pub(super) struct Wrong {
    code: LintCode,
    severity: Severity,
    message: String,
    suggestion: Option<String>,
}

impl Wrong {
    pub(super) fn new(code: LintCode, severity: Severity, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), suggestion: None }
    }

    fn suggest(self, suggestion: impl Into<String>) -> Self {
        Self { suggestion: Some(suggestion.into()), ..self }
    }

    pub(super) fn at(self, policy: &PolicyText, field: &str, index: usize, rule: &str) -> LintFinding {
        let Self { code, severity, message, suggestion } = self;
        LintFinding { suggestion, ..LintFinding::new(policy, code, severity, message).at(field, index, rule) }
    }
}

/// A policy of rules.
pub(super) fn check(policy: &PolicyText, surroundings: &Surroundings, findings: &mut Vec<LintFinding>) {
    for (field, decision) in LISTS {
        for (index, text) in texts(&policy.config, field) {
            let wrong = check_rule(text, decision, surroundings);
            findings.extend(wrong.into_iter().map(|wrong| wrong.at(policy, field, index, text)));
        }
    }
    let says = |field: &&str| {
        policy.config.get(*field).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    if !["deny", "ask", "allow"].iter().any(says) && policy.config.get("default").is_none() {
        findings.push(LintFinding::new(
            policy,
            LintCode::NoEffect,
            Severity::Note,
            "it has no rule and no default",
        ));
    }
}

/// A list of tools.
pub(super) fn check_tool_list(policy: &PolicyText, findings: &mut Vec<LintFinding>) {
    for (field, decision) in LISTS {
        for (index, name) in texts(&policy.config, field) {
            let wrong = tool_name(name, decision).into_iter().chain(listed_server(name));
            let all = allows_every_tool(name, decision);
            findings.extend(wrong.chain(all).map(|wrong| wrong.at(policy, field, index, name)));
        }
    }
}

fn check_rule(text: &str, decision: Decision, surroundings: &Surroundings) -> Vec<Wrong> {
    if let Err(error) = Rule::read(text, surroundings) {
        let wrong = Wrong::new(LintCode::Unreadable, Severity::Error, error.problem);
        return vec![Wrong { suggestion: instead(text), ..wrong }];
    }
    let Some(shape) = Shape::of_rule(text, surroundings) else { return Vec::new() };
    let what = what_of(text).unwrap_or_default();
    let found = match &shape {
        Shape::Command { rule, pattern } => vec![
            command_never_matches(text, what, rule, pattern.as_deref(), surroundings),
            blanks(what),
            prefix_in_the_middle(what),
            allows_every_command(rule, pattern.as_deref(), decision),
            runs_anything(rule, pattern.as_deref(), decision),
        ],
        Shape::Read(path) | Shape::Edit(path) => vec![
            path_never_matches(text, what),
            other_tool(text, what),
            allows_every_edit(&shape, path, decision),
        ],
        Shape::Domain(pattern) => vec![host_never_matches(what, pattern)],
        Shape::Mcp { server, .. } => vec![server_pattern(server)],
        Shape::Tool(name) => vec![
            tool_name(name, decision).or_else(|| pattern_of_tools(name)),
            allows_every_tool(name, decision),
            allows_all_of_tool(name, decision),
        ],
        Shape::ToolWith { tool, .. } => vec![tool_name(tool, decision)],
        Shape::Listed(_) => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// What was probably meant by something that is no rule.
fn instead(text: &str) -> Option<String> {
    let text = text.trim();
    let what = what_of(text);
    if let Some(command) = what.and_then(|what| what.strip_prefix("command:")) {
        return Some(format!("Bash({})", command.trim()));
    }
    if let Some(what) = what.filter(|_| text.starts_with("WebFetch(")) {
        let url = what.strip_prefix("domain:").unwrap_or(what);
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split(['/', ':', '?']).next().unwrap_or_default();
        return match host {
            "*" => Some("WebFetch".to_owned()),
            host => DomainPattern::read(host).map(|_| format!("WebFetch(domain:{host})")),
        };
    }
    if text.starts_with("mcp__") {
        return match text.split_once('(') {
            Some((tool, _)) => Some(tool.to_owned()),
            None => Some("mcp__SERVER, for each server".to_owned()),
        };
    }
    (text.contains('(') && what.is_none()).then(|| format!("{text})"))
}

/// The rule is held against the command that it spells out.
fn command_never_matches(
    text: &str,
    what: &str,
    rule: &CommandRule,
    pattern: Option<&str>,
    surroundings: &Surroundings,
) -> Option<Wrong> {
    let never = |message: &str| Some(Wrong::new(LintCode::NeverMatches, Severity::Error, message));
    if what.contains(char::is_control) {
        return never("no command holds NUL or another control character");
    }
    let words = match rule {
        CommandRule::Prefix(words) | CommandRule::Exactly(words) => words.clone(),
        CommandRule::Longer(words) => words.iter().cloned().chain(["x".to_owned()]).collect(),
        CommandRule::Glob(_) => return pattern_never_matches(pattern?),
    };
    let [program, arguments @ ..] = words.as_slice() else { return None };
    let input = serde_json::json!({ "command": words.join(" ") });
    let effects =
        effects_of(&Call { tool_name: "Bash", input: &input, cwd: &surroundings.project_root }, surroundings);
    let is_matched = effects.iter().any(|effect| match effect {
        Effect::Run(run) => {
            let line = run.words.iter().map(Text::masked).collect::<Vec<_>>().join(" ");
            rule.matches(run, || &line) != Match::No
        }
        _ => false,
    });
    if is_matched {
        return None;
    }
    if words.iter().any(|word| ["&&", "||", "|", ";", "&"].contains(&word.as_str()) || word.ends_with(';')) {
        return never("commands are judged one by one, so none holds && or | or ;");
    }
    if let Some((_, name)) = program.rsplit_once('/').filter(|(_, name)| !name.is_empty()) {
        let message = "programs are judged by their name without its folder, and only those of the system are allowed by it";
        let by_name = Wrong::new(LintCode::NeverMatches, Severity::Error, message);
        // What lies in the project is allowed by no name.
        return Some(match text.split_once(program.as_str()).filter(|_| program.starts_with('/')) {
            Some((tool, rest)) => by_name.suggest(format!("{tool}{name}{rest}")),
            None => by_name,
        });
    }
    let what_is_run = match arguments {
        _ if program.contains('=') => "variables in front of a command are not part of it",
        _ if what.contains(['"', '\'', '\\']) => {
            "commands are judged without their quotes, which stand in no word of them"
        }
        _ => "the shell does not run what it spells out as one command",
    };
    never(what_is_run)
}

fn pattern_never_matches(pattern: &str) -> Option<Wrong> {
    let never = |message: &str| Wrong::new(LintCode::NeverMatches, Severity::Error, message);
    if pattern.starts_with(char::is_whitespace) {
        return Some(
            never("no command begins with a blank").suggest(format!("Bash({})", pattern.trim_start())),
        );
    }
    if pattern.contains("  ") {
        return Some(never("words of a command are judged with one blank between them"));
    }
    let has_operator = [" && ", " || ", " | ", "; "].iter().any(|operator| pattern.contains(operator));
    has_operator.then(|| never("commands are judged one by one, so none holds && or | or ;"))
}

/// Blanks at the ends do not count here, and do in the agent CLI.
fn blanks(what: &str) -> Option<Wrong> {
    let trimmed = what.trim();
    (trimmed != what && !trimmed.is_empty() && !what.contains('*')
        || what.starts_with(' ') && what.ends_with(":*"))
    .then(|| {
        Wrong::new(
            LintCode::IgnoredByAgent,
            Severity::Warning,
            "the agent CLI counts the blank at its beginning or end, and matches no command",
        )
        .suggest(format!("Bash({trimmed})"))
    })
}

fn prefix_in_the_middle(what: &str) -> Option<Wrong> {
    let rest = what.strip_suffix(":*").unwrap_or(what);
    rest.contains(":*").then(|| {
        Wrong::new(
            LintCode::NeverMatches,
            Severity::Warning,
            "only at its end does :* stand for further words",
        )
        .suggest(format!("Bash({})", what.replace(":*", " *").replace("  ", " ")))
    })
}

fn is_only_stars(pattern: &str) -> bool {
    pattern.chars().all(|character| matches!(character, '*' | ' ' | ':'))
}

fn allows_every_command(rule: &CommandRule, pattern: Option<&str>, decision: Decision) -> Option<Wrong> {
    let is_every = match rule {
        CommandRule::Prefix(words) | CommandRule::Longer(words) => words.is_empty(),
        CommandRule::Glob(_) => pattern.is_some_and(is_only_stars),
        CommandRule::Exactly(_) => false,
    };
    (is_every && decision == Decision::Allow)
        .then(|| Wrong::new(LintCode::AllowsAll, Severity::Warning, "it allows every command"))
}

fn allows_every_tool(name: &str, decision: Decision) -> Option<Wrong> {
    (is_only_stars(name) && decision == Decision::Allow)
        .then(|| Wrong::new(LintCode::AllowsAll, Severity::Warning, "it allows every tool"))
}

fn allows_all_of_tool(name: &str, decision: Decision) -> Option<Wrong> {
    let message = match name {
        "Bash" => "it allows every command",
        "Edit" | "Write" | "MultiEdit" => "it allows changing every file",
        _ => return None,
    };
    (decision == Decision::Allow).then(|| Wrong::new(LintCode::AllowsAll, Severity::Warning, message))
}

fn allows_every_edit(shape: &Shape, path: &WrittenPath, decision: Decision) -> Option<Wrong> {
    (matches!(shape, Shape::Edit(_)) && path.is_everything() && decision == Decision::Allow)
        .then(|| Wrong::new(LintCode::AllowsAll, Severity::Warning, "it allows changing every file"))
}

fn runs_anything(rule: &CommandRule, pattern: Option<&str>, decision: Decision) -> Option<Wrong> {
    if decision != Decision::Allow {
        return None;
    }
    let words: Vec<String> = match rule {
        CommandRule::Prefix(words) | CommandRule::Longer(words) => words.clone(),
        CommandRule::Glob(_) => {
            let (head, rest) = pattern?.split_once('*')?;
            let is_open = is_only_stars(rest);
            is_open.then(|| head.split_whitespace().map(str::to_owned).collect())?
        }
        CommandRule::Exactly(_) => return None,
    };
    let program = runner(&words)?;
    let message = format!("{program} runs whatever it is given");
    Some(
        Wrong::new(LintCode::RunsAnything, Severity::Warning, message)
            .suggest("more words, such as the script that it runs"),
    )
}

fn path_never_matches(text: &str, what: &str) -> Option<Wrong> {
    let path = what.strip_prefix("path:").unwrap_or(what);
    let (message, instead) = never_fits(path)?;
    let wrong = Wrong::new(LintCode::NeverMatches, Severity::Error, message);
    let tool = text.trim().split('(').next().unwrap_or_default();
    Some(match instead {
        Some(path) => wrong.suggest(format!("{tool}({path})")),
        None => wrong,
    })
}

/// The agent CLI looks for paths in rules of two tools only.
fn other_tool(text: &str, what: &str) -> Option<Wrong> {
    let tool = text.trim().split('(').next()?.trim();
    let known = if EDITORS.contains(&tool) { "Edit" } else { "Read" };
    (tool != known && (EDITORS.contains(&tool) || READERS.contains(&tool))).then(|| {
        let message = format!("the agent CLI looks for paths in {known}(…) only; here it is the same");
        Wrong::new(LintCode::IgnoredByAgent, Severity::Warning, message).suggest(format!("{known}({what})"))
    })
}

fn host_never_matches(what: &str, pattern: &DomainPattern) -> Option<Wrong> {
    let wrong = host_problem(pattern)?;
    let host = what.strip_prefix("domain:").unwrap_or(what).split(':').next().unwrap_or_default();
    Some(
        Wrong::new(LintCode::NeverMatches, Severity::Error, wrong)
            .suggest(format!("WebFetch(domain:{host})")),
    )
}

/// Why no host can be one of these.
pub(super) fn host_problem(pattern: &DomainPattern) -> Option<String> {
    let example = pattern.example();
    match read_host(&Text::lit(example.as_str())) {
        Read::As(host) if pattern.matches(&host.name) => None,
        _ => Some(format!("no host is called {example:?}; a port or a path is no part of its name")),
    }
}

fn server_pattern(server: &str) -> Option<Wrong> {
    server.contains('*').then(|| {
        Wrong::new(
            LintCode::NeverMatches,
            Severity::Error,
            "in the name of a server * stands for nothing else",
        )
        .suggest("a policy of the kind mcp, or a rule for each server")
    })
}

/// Tools that nobody has. One that forbids and is misspelled protects nothing.
pub(super) fn tool_name(name: &str, decision: Decision) -> Option<Wrong> {
    if name.len() > LONGEST_NAME {
        return Some(Wrong::new(LintCode::UnknownTool, Severity::Warning, "no tool has so long a name"));
    }
    if name.contains('*') {
        let is_useful = name.starts_with("mcp__") || TOOLS.iter().any(|tool| crate::glob::fits(name, tool));
        let message = "no tool that is known has such a name";
        return (!is_useful).then(|| Wrong::new(LintCode::UnknownTool, Severity::Warning, message));
    }
    if is_tool(name) || name.starts_with("mcp__") {
        return None;
    }
    let meant = nearest(name, TOOLS);
    let severity =
        if meant.is_some() && decision != Decision::Allow { Severity::Error } else { Severity::Warning };
    let wrong = Wrong::new(LintCode::UnknownTool, severity, format!("no tool is known by the name {name}"));
    Some(match meant {
        Some(meant) => wrong.suggest(meant),
        None => wrong,
    })
}

fn pattern_of_tools(name: &str) -> Option<Wrong> {
    (name.contains('*') && !is_only_stars(name)).then(|| {
        let message = "the agent CLI knows no * in names of tools that are not a server's";
        Wrong::new(LintCode::IgnoredByAgent, Severity::Warning, message)
    })
}

/// In a list of tools a server's name alone is no tool's.
fn listed_server(name: &str) -> Option<Wrong> {
    let rest = name.strip_prefix("mcp__")?;
    (!rest.contains("__") && !rest.contains('*')).then(|| {
        Wrong::new(LintCode::NeverMatches, Severity::Error, "no tool is called like a server")
            .suggest(format!("{name}__*"))
    })
}

/// The problem with a path of a list, where `/` is the root.
pub(super) fn listed_path(text: &str) -> Option<Wrong> {
    let (message, instead) = never_fits(text)?;
    let wrong = Wrong::new(LintCode::NeverMatches, Severity::Error, message);
    Some(match instead {
        Some(path) => wrong.suggest(path),
        None => wrong,
    })
}

/// Words of a command that are to be blocked.
pub(super) fn blocked(text: &str, surroundings: &Surroundings) -> Option<Wrong> {
    let rule =
        if text.contains('*') { CommandRule::read(text) } else { CommandRule::read(&format!("{text}:*")) };
    command_never_matches(text, text, &rule, Some(text), surroundings)
}

/// A path whose files may all be removed.
pub(super) fn removes_everything(text: &str) -> Option<Wrong> {
    WrittenPath::read(text, Anchors::Lists).is_whole_root().then(|| {
        Wrong::new(
            LintCode::AllowsAll,
            Severity::Warning,
            "everything in the project, the home folder or the machine may be removed",
        )
    })
}
