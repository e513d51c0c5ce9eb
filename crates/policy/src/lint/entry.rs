//! The rules of all policies in one form, to be held against each other.

use domain::{permission::Decision, policy::PolicyKind};

use super::{path::WrittenPath, texts};
use crate::{
    path::Anchors,
    rule::{CommandRule, Covers, DomainPattern, Rule},
    set::PolicyText,
    surroundings::Surroundings,
};

/// The lists of a policy that hold rules, and what they decide.
pub(super) const LISTS: [(&str, Decision); 3] =
    [("deny", Decision::Deny), ("ask", Decision::Ask), ("allow", Decision::Allow)];

/// A rule of a policy.
#[derive(Debug)]
pub(super) struct Entry<'p> {
    pub(super) policy: &'p PolicyText,
    pub(super) field: &'static str,
    pub(super) index: usize,
    pub(super) text: &'p str,
    pub(super) decision: Decision,
    pub(super) shape: Shape,
}

/// What a rule covers, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Commands, and the pattern when it is one.
    Command { rule: CommandRule, pattern: Option<String> },
    /// Files that are read.
    Read(WrittenPath),
    /// Files that are written.
    Edit(WrittenPath),
    /// Hosts of `WebFetch`.
    Domain(DomainPattern),
    /// Tools of a server.
    Mcp { server: String, tool: Option<String> },
    /// A tool by a rule, which knows that some names stand for several tools.
    Tool(String),
    /// A tool by its name and nothing else.
    Listed(String),
    /// A tool with an input.
    ToolWith { tool: String, argument: String },
}

/// The rules of all policies that can be read, in their order.
pub(super) fn entries<'p>(policies: &'p [PolicyText], surroundings: &Surroundings) -> Vec<Entry<'p>> {
    let mut entries = Vec::new();
    for policy in policies {
        for (field, decision) in LISTS {
            for (index, text) in texts(&policy.config, field) {
                let shape = match policy.kind {
                    PolicyKind::Rules => Shape::of_rule(text, surroundings),
                    PolicyKind::ToolList => Some(Shape::Listed(text.to_owned())),
                    PolicyKind::Mcp => Shape::of_server(text),
                    _ => None,
                };
                entries.extend(shape.map(|shape| Entry { policy, field, index, text, decision, shape }));
            }
        }
    }
    entries
}

impl Shape {
    pub(super) fn of_rule(text: &str, surroundings: &Surroundings) -> Option<Self> {
        let what = what_of(text).unwrap_or_default();
        let path = || WrittenPath::read(what.strip_prefix("path:").unwrap_or(what), Anchors::Rules);
        Some(match Rule::read(text, surroundings).ok()?.covers {
            Covers::Command(rule) => {
                let pattern = matches!(rule, CommandRule::Glob(_)).then(|| match what.strip_suffix(":*") {
                    Some(prefix) => format!("{prefix}*"),
                    None => what.to_owned(),
                });
                Self::Command { rule, pattern }
            }
            Covers::Read(_) => Self::Read(path()),
            Covers::Edit(_) => Self::Edit(path()),
            Covers::Domain(pattern) => Self::Domain(pattern),
            Covers::Mcp { server, tool } => Self::Mcp { server, tool },
            Covers::Tool(tool) => Self::Tool(tool),
            Covers::ToolWith { tool, argument } => Self::ToolWith { tool, argument },
        })
    }

    /// An entry `server/tool`. One whose server is a pattern, or could be read in two ways, is compared with nothing.
    fn of_server(text: &str) -> Option<Self> {
        let (server, tool) = match text.split_once('/') {
            Some((server, tool)) => (server, Some(tool.to_owned()).filter(|tool| tool != "*")),
            None => (text, None),
        };
        let is_plain = !server.contains(['*', '?', '[', '\\']) && !server.contains("__");
        is_plain.then(|| Self::Mcp { server: server.to_owned(), tool })
    }
}

/// What stands in the brackets of a rule.
pub(super) fn what_of(rule: &str) -> Option<&str> {
    rule.trim().split_once('(')?.1.strip_suffix(')')
}
