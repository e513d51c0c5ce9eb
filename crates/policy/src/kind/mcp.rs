//! Servers of tools: `server`, or `server/tool` with `*`.

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Finding, form};
use crate::{effect::Effect, glob, rule::mcp_parts};

/// Three lists of servers and their tools, and what holds for the rest of them.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct McpPolicy {
    deny: Vec<String>,
    ask: Vec<String>,
    allow: Vec<String>,
    default: Option<Decision>,
}

impl McpPolicy {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        let policy: Self = form(config)?;
        for (field, entries) in [("deny", &policy.deny), ("ask", &policy.ask), ("allow", &policy.allow)] {
            let bad = |entry: &&String| {
                let (server, tool) = entry.split_once('/').unwrap_or((entry, "*"));
                server.is_empty()
                    || tool.is_empty()
                    || entry.starts_with("mcp__")
                    || entry.contains(char::is_whitespace)
            };
            if let Some(entry) = entries.iter().find(bad) {
                let accepted = "a server, or server/tool, without mcp__; * stands for any".to_owned();
                return Err(ConfigError::Value { field: field.to_owned(), value: entry.clone(), accepted });
            }
        }
        Ok(policy)
    }

    pub(super) fn judge(&self, effect: &Effect) -> Option<Finding> {
        let Effect::Tool(name) = effect else { return None };
        let (server, tool) = mcp_parts(name)?;
        let lists =
            [(Decision::Deny, &self.deny), (Decision::Ask, &self.ask), (Decision::Allow, &self.allow)];
        let listed = lists.into_iter().find_map(|(decision, entries)| {
            let entry = entries.iter().find(|entry| covers(entry, server, tool))?;
            Some(Finding::new(
                decision,
                format!("{decision}: {entry}"),
                format!("{server}/{tool} is in the list {decision}"),
            ))
        });
        listed.or_else(|| {
            let reason = format!("{server}/{tool} is in none of the policy's lists");
            Some(Finding::new(self.default?, "default", reason).by_default())
        })
    }
}

fn covers(entry: &str, server: &str, tool: &str) -> bool {
    let (named, pattern) = entry.split_once('/').unwrap_or((entry, "*"));
    glob::fits(named, server) && glob::fits(pattern, tool)
}
