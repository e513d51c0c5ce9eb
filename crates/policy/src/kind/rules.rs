//! Rules in the agent CLI's syntax: deny before ask before allow.

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Context, Finding, form};
use crate::{
    effect::{Effect, Endpoint, Place, Run, Written},
    network::{Read, read_url},
    path::PathPattern,
    rule::{Covers, Rule, mcp_parts},
    surroundings::Surroundings,
    text::Match,
};

/// Three lists of rules, and what holds for calls that no policy decides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rules {
    pub(crate) deny: Vec<Rule>,
    pub(crate) ask: Vec<Rule>,
    pub(crate) allow: Vec<Rule>,
    pub(crate) default: Option<Decision>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
    default: Option<Decision>,
}

impl Rules {
    pub(super) fn read(config: &Value, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let Form { deny, ask, allow, default } = form(config)?;
        let rules = |field: &'static str, texts: Vec<String>| {
            let read = |text: &String| {
                Rule::read(text, surroundings).map_err(|error| ConfigError::Rule { field, error })
            };
            texts.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            deny: rules("deny", deny)?,
            ask: rules("ask", ask)?,
            allow: rules("allow", allow)?,
            default,
        })
    }

    pub(super) fn judge(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        for (decision, rules) in [(Decision::Deny, &self.deny), (Decision::Ask, &self.ask)] {
            let mut doubtful = None;
            for rule in rules {
                match covers(rule, effect, context, decision) {
                    Match::Yes | Match::Wild => {
                        return Some(Finding::new(
                            decision,
                            &*rule.text,
                            format!("the rule {} {}", rule.text, verb(decision)),
                        ));
                    }
                    Match::Maybe if doubtful.is_none() => {
                        let reason =
                            format!("it depends on what is unknown whether the rule {} covers it", rule.text);
                        doubtful = Some(Finding::new(Decision::Ask, &*rule.text, reason));
                    }
                    _ => {}
                }
            }
            if doubtful.is_some() {
                return doubtful;
            }
        }
        if let Some(finding) = self.unknown_target(effect, context) {
            return Some(finding);
        }
        let rule =
            self.allow.iter().find(|rule| covers(rule, effect, context, Decision::Allow) == Match::Yes)?;
        Some(Finding::new(Decision::Allow, &*rule.text, format!("the rule {} allows it", rule.text)))
    }

    /// A file that is written and that nobody knows could be one that a rule protects.
    fn unknown_target(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        let protects = |rule: &&Rule| matches!(rule.covers, Covers::Edit(_));
        let rule = self.deny.iter().chain(&self.ask).find(protects)?;
        let Effect::Write(place, Written::Redirected | Written::Changed | Written::Removed) = effect else {
            return None;
        };
        place.is_unknown(context).then(|| {
            Finding::new(
                Decision::Ask,
                &*rule.text,
                "which file it writes is known only when it runs".to_owned(),
            )
        })
    }
}

const fn verb(decision: Decision) -> &'static str {
    match decision {
        Decision::Deny => "denies it",
        Decision::Ask => "asks about it",
        Decision::Allow => "allows it",
    }
}

/// Whether a rule covers an effect. To allow, all of it must be covered for certain; to deny, some of it perhaps.
fn covers(rule: &Rule, effect: &Effect, context: &Context<'_>, decision: Decision) -> Match {
    let allows = decision == Decision::Allow;
    match (&rule.covers, effect) {
        (Covers::Command(pattern), Effect::Run(run)) => {
            command(pattern.matches(run, || context.line(run)), run, allows)
        }
        (Covers::Tool(tool), Effect::Run(run)) if tool == "Bash" => command(Match::Yes, run, allows),
        (Covers::Tool(tool), Effect::Write(_, Written::Redirected))
            if allows && tool == "Bash" && context.tool_name == "Bash" =>
        {
            Match::Yes
        }
        (Covers::Read(pattern), Effect::Read(place) | Effect::ReadBelow(place))
            if allows || matches!(effect, Effect::Read(_)) =>
        {
            path(pattern, place, context, allows)
        }
        (Covers::Read(pattern), Effect::List(place)) => {
            let found = path(pattern, place, context, allows);
            if allows || pattern.is_folder() { found } else { Match::No }
        }
        (Covers::Edit(pattern), Effect::Write(place, how)) if !allows || *how != Written::Inside => {
            path(pattern, place, context, allows)
        }
        (Covers::Domain(pattern), Effect::Connect(endpoint)) if context.tool_name == "WebFetch" => {
            domain(|host| pattern.matches(host), endpoint, allows)
        }
        (Covers::Mcp { server, tool }, Effect::Tool(name)) => mcp(server, tool.as_deref(), name),
        (Covers::Tool(tool), Effect::Tool(name)) => tool_named(tool, name, allows),
        (Covers::ToolWith { tool, argument }, Effect::Tool(name)) => {
            let is_given = || {
                context.input.as_object().is_some_and(|fields| {
                    fields
                        .values()
                        .any(|value| value.as_str().is_some_and(|text| crate::glob::fits(argument, text)))
                })
            };
            if tool == name && is_given() { Match::Yes } else { Match::No }
        }
        _ => Match::No,
    }
}

fn command(found: Match, run: &Run, allows: bool) -> Match {
    // Only a program that is what its name says is allowed by its name.
    if allows && !run.is_genuine { Match::No } else { found }
}

fn tool_named(rule: &str, name: &str, allows: bool) -> Match {
    let same = rule == name
        || rule.contains('*') && crate::glob::fits(rule, name)
        // `Edit` names all tools that write, `Read` all that read.
        || (rule == "Edit" && matches!(name, "Write" | "MultiEdit" | "NotebookEdit"))
        || (!allows && rule == "Read" && matches!(name, "Grep" | "Glob" | "NotebookRead" | "LS"))
        || (matches!(rule, "Task" | "Agent") && matches!(name, "Task" | "Agent"));
    // To use the shell is not to run a command: what it runs is allowed command by command.
    if same && (name != "Bash" || !allows) { Match::Yes } else { Match::No }
}

fn mcp(server: &str, tool: Option<&str>, name: &str) -> Match {
    let Some((named, called)) = mcp_parts(name) else { return Match::No };
    let same = named == server && tool.is_none_or(|tool| crate::glob::fits(tool, called));
    // Names of servers can hold the separator.
    let longer = || {
        let prefix = format!("mcp__{server}__");
        server.contains("__")
            && name
                .strip_prefix(&prefix)
                .is_some_and(|called| tool.is_none_or(|tool| crate::glob::fits(tool, called)))
    };
    if same || longer() { Match::Yes } else { Match::No }
}

/// The best match of any form of the path to deny, the worst to allow.
pub(super) fn path(pattern: &PathPattern, place: &Place, context: &Context<'_>, allows: bool) -> Match {
    let candidates = context.forms(place);
    let all = candidates
        .iter()
        .map(|form| if form.is_endless && allows { Match::No } else { pattern.matches(form) });
    if allows { all.min().unwrap_or(Match::No) } else { all.max().unwrap_or(Match::No) }
}

/// Whether the host of an endpoint fits.
fn domain(fits: impl Fn(&str) -> bool, endpoint: &Endpoint, allows: bool) -> Match {
    let read = if endpoint.is_url {
        read_url(&endpoint.target)
    } else {
        crate::network::read_host(&endpoint.target)
    };
    match read {
        Read::As(host) if fits(&host.name) => Match::Yes,
        Read::As(_) => Match::No,
        Read::Ambiguous(_) | Read::Unknown if allows => Match::No,
        Read::Ambiguous(_) | Read::Unknown => Match::Maybe,
    }
}
