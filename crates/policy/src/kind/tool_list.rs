//! Tools by name: denied, asked, allowed; `*` in a name stands for anything.

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Finding, form};
use crate::{effect::Effect, glob};

/// Three lists of tools.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToolList {
    deny: Vec<String>,
    ask: Vec<String>,
    allow: Vec<String>,
}

impl ToolList {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        let list: Self = form(config)?;
        for (field, names) in [("deny", &list.deny), ("ask", &list.ask), ("allow", &list.allow)] {
            if let Some(name) = names.iter().find(|name| name.trim().is_empty() || name.contains(['(', ' ']))
            {
                let accepted = "the name of a tool, such as Bash or mcp__server__*".to_owned();
                return Err(ConfigError::Value { field: field.to_owned(), value: name.clone(), accepted });
            }
        }
        Ok(list)
    }

    pub(super) fn judge(&self, effect: &Effect) -> Option<Finding> {
        let Effect::Tool(tool) = effect else { return None };
        let lists =
            [(Decision::Deny, &self.deny), (Decision::Ask, &self.ask), (Decision::Allow, &self.allow)];
        lists.into_iter().find_map(|(decision, names)| {
            let name = names.iter().find(|name| glob::fits(name, tool))?;
            Some(Finding::new(
                decision,
                format!("{decision}: {name}"),
                format!("the tool {tool} is in the list {decision}"),
            ))
        })
    }
}
