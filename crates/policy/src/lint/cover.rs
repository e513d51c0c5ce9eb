//! Whether whatever one rule covers is covered by another one. Where that is not certain, it is not said.

use domain::permission::Decision;

use super::entry::{Entry, Shape};
use crate::{
    kind::strictness,
    rule::{CommandRule, EDITORS, READERS},
};

/// Stands for any text in a pattern that is held against another pattern.
const ANYTHING: &str = "\u{F8FF}";

/// No rule that people write is longer; comparing takes time that grows with one pattern times the other.
const LONGEST_PATTERN: usize = 2000;

/// Whether a call that `narrow` decides is decided by `wide` at least as strictly, so that `narrow` can be left out.
pub(super) fn covers(wide: &Entry<'_>, narrow: &Entry<'_>) -> bool {
    if strictness(wide.decision) < strictness(narrow.decision) {
        return false;
    }
    if wide.shape == narrow.shape {
        return is_stricter_twin(wide, narrow);
    }
    // To deny or ask, a rule is also held against what is only perhaps so; a wider one may be surer that it is not.
    let allows = narrow.decision == Decision::Allow;
    match (&wide.shape, &narrow.shape) {
        (Shape::Command { rule: wide, pattern }, Shape::Command { rule, pattern: narrow }) => {
            match (pattern, narrow) {
                (Some(wide), Some(narrow)) => pattern_covers(wide, narrow),
                (Some(wide), None) => allows && pattern_covers_words(wide, rule),
                (None, Some(_)) => false,
                (None, None) => words_cover(wide, rule),
            }
        }
        // A folder is listed without being read; only a rule for a whole folder is about that.
        (Shape::Read(wide_path), Shape::Read(narrow_path)) => {
            let is_listed = wide.decision == Decision::Allow || wide_path.is_folder();
            allows && is_listed && wide_path.covers(narrow_path)
        }
        (Shape::Edit(wide), Shape::Edit(narrow)) => allows && wide.covers(narrow),
        (Shape::Domain(wide), Shape::Domain(narrow)) => wide.covers(narrow),
        (Shape::Mcp { server: wide, tool: None }, Shape::Mcp { server, .. }) => wide == server,
        (Shape::Mcp { server: wide, tool: Some(tool) }, Shape::Mcp { server, tool: Some(narrow) }) => {
            wide == server && pattern_covers(tool, narrow)
        }
        (Shape::Tool(_) | Shape::Listed(_), _) => tool_covers(wide, narrow),
        _ => false,
    }
}

/// The same rule that is stricter. `Read(file)` that denies says nothing about listing, which the one that allows does.
fn is_stricter_twin(wide: &Entry<'_>, narrow: &Entry<'_>) -> bool {
    let allows_listing =
        narrow.decision == Decision::Allow && matches!(&narrow.shape, Shape::Read(path) if !path.is_folder());
    wide.decision == narrow.decision || !allows_listing
}

fn words(rule: &CommandRule) -> (&[String], bool, bool) {
    match rule {
        CommandRule::Prefix(words) => (words, false, true),
        CommandRule::Longer(words) => (words, true, true),
        CommandRule::Exactly(words) => (words, false, false),
        CommandRule::Glob(_) => (&[], true, true),
    }
}

/// Both by words: the wide one's are the beginning of the narrow one's.
fn words_cover(wide: &CommandRule, narrow: &CommandRule) -> bool {
    let ((wide, wants_more, is_open), (narrow, has_more, _)) = (words(wide), words(narrow));
    let is_long_enough = !wants_more || narrow.len() > wide.len() || has_more;
    is_open && narrow.starts_with(wide) && is_long_enough
}

fn is_simple(pattern: &str) -> bool {
    pattern.len() <= LONGEST_PATTERN && !pattern.contains(['?', '[', '\\']) && !pattern.contains(ANYTHING)
}

/// What the narrow pattern leaves open must be left open by the wide one.
fn pattern_covers(wide: &str, narrow: &str) -> bool {
    wide == narrow
        || (is_simple(wide) && is_simple(narrow) && crate::glob::fits(wide, &narrow.replace('*', ANYTHING)))
}

fn pattern_covers_words(wide: &str, narrow: &CommandRule) -> bool {
    let (words, has_more, is_open) = words(narrow);
    let line = words.join(" ");
    let longer = format!("{line} {ANYTHING}");
    let fits = |text: &str| crate::glob::fits(wide, text);
    is_simple(wide) && !words.is_empty() && (has_more || fits(&line)) && (!is_open || fits(&longer))
}

/// A tool as a whole: whatever it is given.
fn tool_covers(wide: &Entry<'_>, narrow: &Entry<'_>) -> bool {
    let names: Vec<&str> = match &narrow.shape {
        Shape::Tool(name) => names_of(name),
        Shape::Listed(name) => vec![name],
        Shape::ToolWith { tool, .. } => vec![tool],
        Shape::Mcp { server, tool } => {
            let tool = tool.as_deref().unwrap_or("*");
            return named(wide, &format!("mcp__{server}__{tool}"));
        }
        // What a tool does is only covered by what stops the tool.
        Shape::Command { .. } if wide.decision != Decision::Allow => vec!["Bash"],
        Shape::Command { .. } => return wide.shape == Shape::Tool("Bash".to_owned()),
        Shape::Domain(_) if wide.decision != Decision::Allow => vec!["WebFetch"],
        Shape::Domain(_) | Shape::Read(_) | Shape::Edit(_) => return false,
    };
    // The shell that is allowed as a tool is another thing than the commands that are.
    let is_bash = |name: &&str| name.len() > LONGEST_PATTERN || crate::glob::fits(name, "Bash");
    let is_bash_allowed = wide.decision == Decision::Allow && names.iter().any(is_bash);
    !is_bash_allowed && names.iter().all(|name| named(wide, name))
}

/// The tools that a name in a rule stands for at most.
fn names_of(name: &str) -> Vec<&str> {
    match name {
        "Edit" => EDITORS.to_vec(),
        "Read" => READERS.to_vec(),
        "Task" | "Agent" => vec!["Task", "Agent"],
        other => vec![other],
    }
}

/// Whether a rule for a tool names all tools that fit this name.
fn named(wide: &Entry<'_>, name: &str) -> bool {
    match &wide.shape {
        Shape::Listed(wide) => pattern_covers(wide, name),
        Shape::Tool(tool) => {
            // `Read` that allows is about that tool alone.
            let stands_for = tool != "Read" || wide.decision != Decision::Allow;
            pattern_covers(tool, name) || (stands_for && names_of(tool).contains(&name))
        }
        _ => false,
    }
}
