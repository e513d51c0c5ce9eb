//! Text from elsewhere made fit for a terminal.

use std::{borrow::Cow, time::Duration};

use app::{approvals::with_sample_answers, session::RecoveredSession};
use domain::approval::Approval;
use serde_json::Value;

/// Shows control characters instead of sending them: what an agent says must not move the cursor, rename the window or
/// hide a line of a question. Line ends and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c));
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_plain(c) { c } else { visible(c) }).collect()
}

/// Characters that reorder, break or hide what stands around them.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn visible(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

/// The beginning of a text on one line.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let text = printable(text);
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > longest {
        line = line.chars().take(longest.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// How the questions of a call are answered, with an example where it is short; `None` for a call that asks nothing.
pub(crate) fn how_to_answer(approval: &Approval) -> Option<String> {
    const LONGEST_EXAMPLE: usize = 2000;
    let example = with_sample_answers(approval)?.to_string().replace('\'', r"'\''");
    let command = format!("provost approval approve {} --input", short(approval.id));
    Some(if example.len() <= LONGEST_EXAMPLE {
        format!("to answer: {command} '{example}'")
    } else {
        format!("to answer: {command} @FILE; docs/approvals.md shows what is in it")
    })
}

/// What a tool call is about, on one line.
pub(crate) fn about(tool_name: &str, input: &Value, longest: usize) -> String {
    let field = match tool_name {
        "Bash" => "command",
        "Read" | "Write" | "Edit" | "MultiEdit" => "file_path",
        "NotebookRead" | "NotebookEdit" => "notebook_path",
        "Glob" | "Grep" => "pattern",
        "WebFetch" => "url",
        "WebSearch" => "query",
        "Task" | "Agent" => "description",
        _ => "",
    };
    match input.get(field).and_then(Value::as_str) {
        Some(text) => one_line(text, longest),
        None => one_line(&input.to_string(), longest),
    }
}

/// A duration as people say it: `0.3 s`, `12 s`, `4 min`.
pub(crate) fn took(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// How long ago something was.
pub(crate) fn ago(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => "just now".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// A count of tokens: `120`, `4.1k`.
pub(crate) fn tokens(count: i64) -> String {
    if count < 1000 { count.to_string() } else { format!("{}.{}k", count / 1000, count % 1000 / 100) }
}

/// An amount of bytes, short.
pub(crate) fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// The end of an id, which tells rows apart: ids of one minute begin alike.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    let text = id.to_string();
    text[text.len() - 8..].to_owned()
}

/// What is said of a session that was found without its process.
pub(crate) fn recovered(session: &RecoveredSession) -> String {
    let RecoveredSession { id, from, to, is_queued } = *session;
    let then = if is_queued { ", and waits for a worker" } else { "" };
    format!("session {} lost its process while {from}; it is {to} now{then}", short(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_agent_says_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\rc"), "a␛[2Jb␍c");
        assert_eq!(printable("rm \u{202e}x"), "rm \u{fffd}x");
        assert_eq!(printable("ü\n\t✓"), "ü\n\t✓");
    }

    #[test]
    fn a_call_is_told_by_what_it_is_about() {
        assert_eq!(about("Bash", &json!({"command": "make\ntest"}), 80), "make test");
        assert_eq!(about("mcp__x__y", &json!({"a": 1}), 80), "{\"a\":1}");
        assert_eq!(about("Bash", &json!({"command": 7}), 80), "{\"command\":7}");
        assert_eq!(about("Bash", &json!({"command": "x".repeat(99)}), 5), "xxxx…");
    }

    #[test]
    fn durations_and_counts_are_short() {
        assert_eq!(took(Duration::from_millis(340)), "0.3 s");
        assert_eq!(took(Duration::from_secs(200)), "3 min");
        assert_eq!(tokens(999), "999");
        assert_eq!(tokens(4100), "4.1k");
    }
}
