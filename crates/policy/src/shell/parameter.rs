//! `$name` and `${name…}`: their values as far as they are constant.

use super::{
    state::Scope,
    syntax::{Parameter, Word},
    walk::Walker,
};
use crate::{
    glob,
    text::{Hole, Text},
};

/// How much is tried to cut a value: its length squared, times that of the pattern.
const MOST_TRIES: usize = 1 << 22;

impl Walker<'_> {
    /// The fields of `"$@"` and `"${name[@]}"`, where they are known.
    pub(super) fn elements(&mut self, parameter: &Parameter, scope: &mut Scope) -> Option<Vec<Text>> {
        if parameter.operator.is_some() || parameter.is_length || parameter.is_indirect {
            return None;
        }
        if matches!(parameter.name.as_str(), "@" | "*") {
            return scope.positional.clone();
        }
        matches!(parameter.subscript.as_deref(), Some("@" | "*"))
            .then(|| scope.variable(&parameter.name)?.elements.clone())?
    }

    /// What a parameter becomes.
    pub(super) fn parameter(&mut self, parameter: &Parameter, scope: &mut Scope) -> Text {
        if scope.is_keyed(&parameter.name) {
            self.evaluate_key(&parameter.inside, scope);
        } else {
            self.evaluate(&parameter.inside, scope);
        }
        if parameter.is_length {
            return Text::hole(Hole::NUMBER);
        }
        let name = match (parameter.is_indirect, &*parameter.name) {
            (false, name) => name.to_owned(),
            // The keys of an array.
            (true, _) if matches!(parameter.subscript.as_deref(), Some("@" | "*")) => {
                return Text::hole(Hole::UNKNOWN);
            }
            (true, name) => {
                let value = scope.value(name, self.surroundings);
                let Some(other) = value.literal().map(str::to_owned) else {
                    self.evaluate_value(&value, scope);
                    return Text::hole(Hole::UNKNOWN);
                };
                self.perhaps_evaluate_text(&other, scope);
                other
            }
        };
        let value = match &parameter.subscript {
            Some(subscript) => element(&name, subscript, scope),
            None => scope.value(&name, self.surroundings),
        };
        let is_assigned = scope.variable(&name).is_some() || !value.has_hole();
        // What it runs counts even where its value is not used.
        let argument = parameter.argument.as_ref().map(|word| self.whole(word, scope));
        let Some(operator) = &parameter.operator else { return value };
        let argument = argument.unwrap_or_default();
        if operator.starts_with('@') {
            // `${name@P}` substitutes what stands in the value.
            let is_prompt = operator.contains('P') || argument.literal() == Some("P");
            if let Some(text) = value.literal().filter(|_| is_prompt) {
                self.perhaps_evaluate_text(text, scope);
            } else if is_prompt {
                self.evaluate_value(&value, scope);
            }
            return value;
        }
        self.operate(&name, value, is_assigned, operator, argument, scope, parameter.argument.as_ref())
    }

    #[expect(clippy::too_many_arguments, reason = "one value each, and nothing else needs them together")]
    fn operate(
        &self,
        name: &str,
        value: Text,
        is_assigned: bool,
        operator: &str,
        argument: Text,
        scope: &mut Scope,
        word: Option<&Word>,
    ) -> Text {
        let is_empty = value.literal() == Some("");
        match operator {
            ":-" | ":=" | "-" | "=" => {
                let takes = !is_assigned || (is_empty && operator.starts_with(':'));
                if takes && operator.ends_with('=') {
                    scope.assign(name, argument.clone());
                }
                if takes { argument } else { value }
            }
            ":+" | "+" => {
                if is_assigned && is_empty && operator == ":+" {
                    Text::default()
                } else {
                    argument
                }
            }
            ":?" | "?" => value,
            "#" | "##" | "%" | "%%" => {
                let pattern = word.map(pattern_of).unwrap_or_default();
                trimmed(&value, operator, pattern.as_deref())
            }
            "/" | "//" | "/#" | "/%" => replaced(&value, operator, &argument),
            ":" => substring(&value, &argument),
            "," | ",," | "^" | "^^" => recased(&value, operator),
            _ => Text::hole(Hole::UNKNOWN),
        }
    }
}

fn element(name: &str, subscript: &str, scope: &Scope) -> Text {
    let elements = scope.variable(name).and_then(|variable| variable.elements.as_ref());
    let found = subscript.parse::<usize>().ok().and_then(|at| elements?.get(at).cloned());
    found.unwrap_or_else(|| Text::hole(Hole { splits: true, ..Hole::UNKNOWN }))
}

/// A pattern as it was written; `None` when some of it is not constant.
fn pattern_of(word: &Word) -> Option<String> {
    word.plain()
}

/// Without the beginning or the end that fits the pattern.
fn trimmed(value: &Text, operator: &str, pattern: Option<&str>) -> Text {
    let rest = || {
        // What is left of a path behind its last slash has none.
        let has_slash = !(operator == "##" && pattern == Some("*/"));
        Text::hole(Hole { has_slash, ..Hole::UNKNOWN })
    };
    let Some(pattern) = pattern else { return rest() };
    let Some(text) = value.literal() else {
        let cut = match operator.as_bytes()[0] {
            b'#' => value.strip_prefix(pattern),
            _ => value.strip_suffix(pattern),
        };
        let is_plain = !pattern.contains(['*', '?', '[']);
        return cut.filter(|_| is_plain).unwrap_or_else(rest);
    };
    if text.len().saturating_mul(text.len()).saturating_mul(pattern.len()) > MOST_TRIES {
        return rest();
    }
    let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let cut = match operator {
        "#" => ends.into_iter().find(|at| glob::fits(pattern, &text[..*at])).map(|at| &text[at..]),
        "##" => ends.rfind(|at| glob::fits(pattern, &text[..*at])).map(|at| &text[at..]),
        "%" => ends.rfind(|at| glob::fits(pattern, &text[*at..])).map(|at| &text[..at]),
        _ => ends.into_iter().find(|at| glob::fits(pattern, &text[*at..])).map(|at| &text[..at]),
    };
    Text::lit(cut.unwrap_or(text))
}

fn replaced(value: &Text, operator: &str, argument: &Text) -> Text {
    let (Some(text), Some(argument)) = (value.literal(), argument.literal()) else {
        return Text::hole(Hole::UNKNOWN);
    };
    let (pattern, by) = argument.split_once('/').unwrap_or((argument, ""));
    if pattern.is_empty() || pattern.contains(['*', '?', '[', '\\']) {
        return Text::hole(Hole::UNKNOWN);
    }
    match operator {
        "/" => Text::lit(text.replacen(pattern, by, 1)),
        "//" => Text::lit(text.replace(pattern, by)),
        "/#" => Text::lit(text.strip_prefix(pattern).map_or(text.to_owned(), |rest| format!("{by}{rest}"))),
        _ => Text::lit(text.strip_suffix(pattern).map_or(text.to_owned(), |rest| format!("{rest}{by}"))),
    }
}

fn substring(value: &Text, argument: &Text) -> Text {
    let unknown = Text::hole(Hole::UNKNOWN);
    let (Some(text), Some(argument)) = (value.literal(), argument.literal()) else { return unknown };
    let (offset, length) = match argument.split_once(':') {
        Some((offset, length)) => (offset, Some(length)),
        None => (argument, None),
    };
    let characters: Vec<char> = text.chars().collect();
    let Ok(offset) = offset.trim().parse::<i64>() else { return unknown };
    let size = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let from = if offset < 0 { (size + offset).max(0) } else { offset.min(size) };
    let to = match length.map(|length| length.trim().parse::<i64>()) {
        None => size,
        Some(Ok(length)) if length >= 0 => from.saturating_add(length).min(size),
        Some(Ok(length)) => (size + length).max(from),
        Some(Err(_)) => return unknown,
    };
    let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to)) else { return unknown };
    Text::lit(characters[from..to].iter().collect::<String>())
}

fn recased(value: &Text, operator: &str) -> Text {
    let Some(text) = value.literal() else { return Text::hole(Hole::UNKNOWN) };
    let mut characters = text.chars();
    match operator {
        ",," => Text::lit(text.to_lowercase()),
        "^^" => Text::lit(text.to_uppercase()),
        _ => {
            let first: String = characters
                .next()
                .map(|first| {
                    if operator == "," {
                        first.to_lowercase().collect()
                    } else {
                        first.to_uppercase().collect::<String>()
                    }
                })
                .unwrap_or_default();
            Text::lit(first + characters.as_str())
        }
    }
}
