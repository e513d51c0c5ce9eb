//! Rules in the agent CLI's own syntax: `Tool`, `Tool(what)`, `mcp__server__tool`.

mod command;

use std::fmt;

pub(crate) use self::command::CommandRule;
use crate::{
    path::{Anchors, PathPattern},
    surroundings::Surroundings,
};

/// A rule ready to be held against calls.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// As it was written.
    pub(crate) text: String,
    pub(crate) covers: Covers,
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Covers {
    /// Shell commands.
    Command(CommandRule),
    /// Files that are read, by tools and by commands.
    Read(PathPattern),
    /// Files that are written, by tools and by commands.
    Edit(PathPattern),
    /// Hosts of `WebFetch`.
    Domain(DomainPattern),
    /// Tools of a server: its name, and a pattern of the tool's.
    Mcp { server: String, tool: Option<String> },
    /// A tool by name, whatever it is given.
    Tool(String),
    /// A tool with this as one of its main inputs.
    ToolWith { tool: String, argument: String },
}

/// `name`, `*.name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DomainPattern {
    name: String,
    only_below: bool,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    /// The text.
    pub rule: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a rule: {}", self.rule, self.problem)
    }
}

/// Tools whose rules name files that are read.
pub(crate) const READERS: [&str; 5] = ["Read", "Grep", "Glob", "NotebookRead", "LS"];
/// Tools whose rules name files that are written.
pub(crate) const EDITORS: [&str; 4] = ["Edit", "Write", "MultiEdit", "NotebookEdit"];

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// When it has no tool, an open bracket, or something a rule of its tool cannot hold.
    pub(crate) fn read(text: &str, surroundings: &Surroundings) -> Result<Self, RuleError> {
        let error = |problem: &str| RuleError { rule: text.to_owned(), problem: problem.to_owned() };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(error("it is empty; accepted: Tool, Tool(what), mcp__server, mcp__server__tool"));
        }
        let (tool, what) = match trimmed.split_once('(') {
            Some((tool, rest)) => {
                let what = rest.strip_suffix(')').ok_or_else(|| error("its bracket is not closed"))?;
                (tool.trim(), Some(what))
            }
            None => (trimmed, None),
        };
        if tool.is_empty() || tool.contains(char::is_whitespace) || tool.contains(')') {
            return Err(error(
                "it names no tool; accepted: Tool, Tool(what), mcp__server, mcp__server__tool",
            ));
        }
        let what = what.filter(|what| !matches!(*what, "" | "*"));
        let covers = match (tool, what) {
            (_, None) if tool.starts_with("mcp__") => mcp(tool).ok_or_else(|| error("it names no server"))?,
            (_, Some(_)) if tool.starts_with("mcp__") => {
                return Err(error(
                    "rules of servers take nothing in brackets; name the tool: mcp__server__tool",
                ));
            }
            (_, None) => Covers::Tool(tool.to_owned()),
            ("Bash", Some(what)) => {
                if what.starts_with("command:") {
                    return Err(error("the agent program ignores Bash(command:…); write Bash(words:*)"));
                }
                Covers::Command(CommandRule::read(what))
            }
            (tool, Some(what)) if READERS.contains(&tool) => {
                Covers::Read(PathPattern::read(path_of(what), Anchors::Rules, surroundings))
            }
            (tool, Some(what)) if EDITORS.contains(&tool) => {
                Covers::Edit(PathPattern::read(path_of(what), Anchors::Rules, surroundings))
            }
            ("WebFetch", Some(what)) => {
                let domain =
                    what.strip_prefix("domain:").ok_or_else(|| error("accepted: WebFetch(domain:NAME)"))?;
                Covers::Domain(
                    DomainPattern::read(domain).ok_or_else(|| error("its domain is no name of a host"))?,
                )
            }
            (tool, Some(what)) => Covers::ToolWith { tool: tool.to_owned(), argument: what.to_owned() },
        };
        Ok(Self { text: trimmed.to_owned(), covers })
    }
}

fn path_of(what: &str) -> &str {
    what.strip_prefix("path:").unwrap_or(what)
}

fn mcp(tool: &str) -> Option<Covers> {
    let rest = tool.strip_prefix("mcp__")?;
    let (server, tool) = match rest.split_once("__") {
        Some((server, tool)) => (server, Some(tool.to_owned()).filter(|tool| tool != "*")),
        None => (rest, None),
    };
    (!server.is_empty() && server != "*").then(|| Covers::Mcp { server: server.to_owned(), tool })
}

impl DomainPattern {
    /// Reads a name, or `*.name` for all below it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (name, only_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let ascii =
            if name.starts_with('[') { name.to_lowercase() } else { idna::domain_to_ascii(name).ok()? };
        let name = ascii.strip_suffix('.').unwrap_or(&ascii).to_owned();
        (!name.is_empty() && !name.contains(['/', '*', ' ', '@'])).then_some(Self { name, only_below })
    }

    /// Whether every host that is one of the others is one of these.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        if !self.only_below {
            return self == other;
        }
        let is_below = other
            .name
            .strip_suffix(self.name.as_str())
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        is_below || self == other
    }

    /// A host that is one of these, unless none can be.
    pub(crate) fn example(&self) -> String {
        if self.only_below { format!("a.{}", self.name) } else { self.name.clone() }
    }

    /// Whether a host, in lower case and without a trailing dot, is one of these.
    pub(crate) fn matches(&self, host: &str) -> bool {
        if self.only_below {
            return host
                .strip_suffix(self.name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        }
        host == self.name || same_address(host, &self.name)
    }
}

/// Spellings of one address are one address.
fn same_address(left: &str, right: &str) -> bool {
    match (crate::network::parse_address(left), crate::network::parse_address(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// The server and the tool in the name of a tool of a server.
pub(crate) fn mcp_parts(tool: &str) -> Option<(&str, &str)> {
    tool.strip_prefix("mcp__")?.split_once("__")
}
