//! What the input of a tool must look like.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

/// Rules for the inputs of tools, by the tool's name; those of `*` are for every tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Validation {
    tools: BTreeMap<String, ToolRule>,
}

/// What the input of one tool must look like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolRule {
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, FieldRule>,
}

/// What one field must look like, if it is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRule {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    pattern: Option<Pattern>,
    /// In characters of a text, or items of a list.
    max_length: Option<usize>,
}

/// What kind of JSON value it is, by the words of JSON Schema.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
}

/// What a text must match somewhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Regex::new(&text).map(Self).map_err(|error| format!("{text:?} is not a regular expression: {error}"))
    }
}

impl Validation {
    /// The first thing that is wrong with a tool's input: the field, its value in short, and what is accepted.
    #[must_use]
    pub fn problem(&self, tool_name: &str, input: &Value) -> Option<String> {
        let rules = [tool_name, "*"].into_iter().filter_map(|name| self.tools.get(name));
        rules.flat_map(|rule| rule.problems(input)).next()
    }
}

impl ToolRule {
    fn problems<'i>(&'i self, input: &'i Value) -> impl Iterator<Item = String> + 'i {
        let missing =
            self.required.iter().filter(|field| input.get(field.as_str()).is_none_or(Value::is_null));
        let missing = missing.map(|field| format!("{field} is missing"));
        let wrong = self.fields.iter().filter_map(|(field, rule)| {
            let value = input.get(field).filter(|value| !value.is_null())?;
            let accepted = rule.problem(value)?;
            Some(format!("{field} is {}; accepted: {accepted}", shortened(value)))
        });
        missing.chain(wrong)
    }
}

impl FieldRule {
    /// What is accepted, when the value is not.
    fn problem(&self, value: &Value) -> Option<String> {
        if let Some(kind) = self.kind.filter(|kind| !kind.is_of(value)) {
            return Some(format!("type {kind}"));
        }
        if let (Some(Pattern(pattern)), Some(text)) = (&self.pattern, value.as_str())
            && !pattern.is_match(text)
        {
            return Some(format!("what matches {}", pattern.as_str()));
        }
        let length = match value {
            Value::String(text) => text.chars().count(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        self.max_length
            .filter(|most| length > *most)
            .map(|most| format!("a length of at most {most}, not {length}"))
    }
}

impl Kind {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}

fn shortened(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn validation(rules: Value) -> Result<Validation, String> {
        serde_json::from_value(rules).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_with_an_input_is_named() {
        let fields = json!({
            "command": { "type": "string", "pattern": "^git ", "max_length": 12 }, "timeout": { "type": "integer" },
        });
        let rules =
            json!({ "Bash": { "required": ["command"], "fields": fields }, "*": { "required": ["why"] } });
        let rules = validation(rules).expect("rules");
        let problem = |input: Value| rules.problem("Bash", &input).unwrap_or_default();
        assert_eq!(problem(json!({ "command": "git status", "why": "x" })), "");
        assert_eq!(problem(json!({ "command": null })), "command is missing");
        assert_eq!(problem(json!({ "command": 1 })), "command is 1; accepted: type string");
        assert_eq!(problem(json!({ "command": "rm" })), "command is \"rm\"; accepted: what matches ^git ");
        let long = problem(json!({ "command": "git log --oneline" }));
        assert!(long.ends_with("accepted: a length of at most 12, not 17"), "{long}");
        assert_eq!(
            problem(json!({ "command": "git x", "timeout": 1.5 })),
            "timeout is 1.5; accepted: type integer"
        );
        assert_eq!(problem(json!({ "command": "git x" })), "why is missing");
        assert_eq!(rules.problem("Read", &json!({})).as_deref(), Some("why is missing"));
    }

    #[test]
    fn rules_that_cannot_hold_are_refused() {
        for bad in [
            json!({ "Bash": { "fields": { "command": { "pattern": "(" } } } }),
            json!({ "Bash": { "fields": { "command": { "type": "text" } } } }),
            json!({ "Bash": { "require": [] } }),
        ] {
            validation(bad.clone()).expect_err(&bad.to_string());
        }
    }
}
