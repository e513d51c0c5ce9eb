//! A recorded timeline as a person reads it: one line an entry.

use std::{collections::HashMap, time::Duration};

use domain::{
    approval::{Approval, ApprovalStatus},
    command::Command,
    decision::PermissionDecision,
    hook_execution::HookExecution,
    message::{ContentBlock, Message, MessageType},
    permission::Decision,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};

use super::{style::Style, text};

const LONGEST: usize = 90;

/// The entries, each on a line. An entry names a row as it stands now, so only a row's last entry tells its outcome; the
/// ones before only say that something changed.
pub(crate) fn lines(style: Style, entries: &[TimelineEntry], began_at: Timestamp) -> Vec<String> {
    let last: HashMap<_, _> = entries.iter().map(|entry| (*entry.item.row_id(), entry.sequence)).collect();
    let is_whole = |entry: &&TimelineEntry| entry.change == Change::Replaced;
    let whole: HashMap<_, _> =
        entries.iter().filter(is_whole).map(|entry| (*entry.item.row_id(), entry.sequence)).collect();
    let is_superseded = |entry: &TimelineEntry| match &entry.item {
        // Stored while it was written: only when it was whole are its words shown.
        TimelineItem::Message(message) => {
            whole.get(message.id.as_uuid()).is_some_and(|whole| entry.sequence < *whole)
        }
        _ => last.get(entry.item.row_id()) != Some(&entry.sequence),
    };
    entries.iter().map(|entry| line(style, entry, began_at, is_superseded(entry))).collect()
}

/// One entry: its number, how long after the session's beginning, what it is.
fn line(style: Style, entry: &TimelineEntry, began_at: Timestamp, is_superseded: bool) -> String {
    let after = format!("+{:.3}s", entry.at.since(began_at).as_secs_f64());
    let (kind, words) = match &entry.item {
        TimelineItem::Message(message) if is_superseded => {
            (message.body.message_type.to_string(), style.dim("writes"))
        }
        TimelineItem::Message(message) => (message.body.message_type.to_string(), message_words(message)),
        TimelineItem::ToolCall(call) => {
            ("tool".to_owned(), tool_words(style, entry.change, is_superseded, call))
        }
        TimelineItem::Transition(transition) => {
            let from = transition.from.map(|from| format!("{from} → ")).unwrap_or_default();
            let words = format!("{from}{}  {}", transition.to, text::one_line(&transition.reason, LONGEST));
            ("status".to_owned(), style.dim(&words))
        }
        TimelineItem::Command(command) => {
            ("command".to_owned(), style.dim(&command_words(entry.change, is_superseded, command)))
        }
        TimelineItem::HookExecution(execution) => ("hook".to_owned(), hook_words(style, execution)),
        TimelineItem::Decision(decision) => ("decision".to_owned(), decision_words(style, decision)),
        TimelineItem::Approval(approval) => {
            ("approval".to_owned(), approval_words(style, entry.change, approval))
        }
    };
    format!("{:>5}  {:>10}  {kind:<9}  {words}", entry.sequence, style.dim(&format!("{after:>10}")))
}

fn message_words(message: &Message) -> String {
    let body = &message.body;
    let subtype = body.subtype.as_deref();
    let words = text::one_line(&body.content.text(), LONGEST);
    let from = if body.parent_tool_use_id.is_some() { "(subagent) " } else { "" };
    let blocks = || {
        let names = body.content.blocks.iter().map(|block| match block {
            ContentBlock::Text { .. } => "text",
            ContentBlock::ToolUse { .. } => "asks for a tool",
            ContentBlock::ToolResult { .. } => "gets a tool's result",
            ContentBlock::Other { .. } => "another block",
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let thought = body
        .thinking_content
        .as_deref()
        .map(|thinking| format!("thinks: {}", text::one_line(thinking, LONGEST)));
    match (body.message_type, subtype) {
        (MessageType::System | MessageType::Result, Some(subtype)) if words.is_empty() => subtype.to_owned(),
        (MessageType::System, Some(subtype)) => format!("{subtype}: {words}"),
        _ if !words.is_empty() => format!("{from}{words}"),
        _ => format!("{from}{}", thought.unwrap_or_else(blocks)),
    }
}

fn tool_words(style: Style, change: Change, is_superseded: bool, call: &ToolCall) -> String {
    let name = style.bold(&text::printable(&call.tool_name));
    let about = text::about(&call.tool_name, &call.tool_input, LONGEST);
    let error = text::one_line(call.error_message.as_deref().unwrap_or_default(), LONGEST);
    let took =
        call.duration_ms.map(|ms| text::took(Duration::from_millis(ms.unsigned_abs()))).unwrap_or_default();
    let outcome = match call.status {
        ToolCallStatus::Success => style.green(&format!("success {took}")),
        ToolCallStatus::Error => style.red(&format!("error {error}")),
        ToolCallStatus::Denied => style.yellow(&format!("denied {error}")),
        status @ (ToolCallStatus::Pending | ToolCallStatus::Running) => style.cyan(status.as_str()),
    };
    match change {
        Change::Created => format!("{name}  {about}"),
        _ if is_superseded => format!("{name}  {}", style.dim("was judged")),
        Change::Updated | Change::Replaced | Change::Removed => format!("{name}  {outcome}"),
    }
}

fn command_words(change: Change, is_superseded: bool, command: &Command) -> String {
    let kind = command.kind;
    match change {
        Change::Created => format!("{kind} from {}", author(&command.author)),
        _ if is_superseded => format!("{kind} handed to the agent"),
        Change::Updated | Change::Replaced | Change::Removed => format!("{kind} {}", command.status),
    }
}

fn hook_words(style: Style, execution: &HookExecution) -> String {
    let name = style.bold(&text::printable(&execution.hook_name));
    let tool = execution.tool_name.as_deref().map(|tool| format!(" of {}", text::printable(tool)));
    let at = format!("at {}{}", text::printable(execution.hook_type.as_str()), tool.unwrap_or_default());
    let outcome = match (execution.continue_execution, execution.error_message.as_deref()) {
        (true, None) => {
            let took = Duration::from_micros(execution.duration_us.unsigned_abs());
            style.green(&format!("went on {}", text::took(took)))
        }
        (true, Some(error)) => style.yellow(&format!("failed {}", text::one_line(error, LONGEST))),
        (false, error) => {
            let why = text::one_line(error.or(execution.objection()).unwrap_or_default(), LONGEST);
            style.red(format!("stopped it {why}").trim_end())
        }
    };
    format!("{name}  {at}  {outcome}")
}

fn decision_words(style: Style, decision: &PermissionDecision) -> String {
    let said = match decision.decision {
        Decision::Allow => style.green("allow"),
        Decision::Deny => style.red("deny"),
        Decision::Ask => style.yellow("ask"),
    };
    let policy = decision.policy_name.as_deref().map(|name| format!(" {}", text::printable(name)));
    let by = format!("by {}{}", decision.decided_by, policy.unwrap_or_default());
    let reason = text::one_line(decision.reason.as_deref().unwrap_or_default(), LONGEST);
    let name = style.bold(&text::printable(&decision.tool_name));
    format!("{name}  {said} {}", style.dim(format!("{by}  {reason}").trim_end()))
}

/// As the question stood when it was asked, or as it was answered; it changes only once.
fn approval_words(style: Style, change: Change, approval: &Approval) -> String {
    let name = style.bold(&text::printable(&approval.tool_name));
    let by = approval.decided_by.as_deref().map(author).unwrap_or_default();
    let note = text::one_line(approval.note.as_deref().unwrap_or_default(), LONGEST);
    let words = format!("{} by {}  {note}", approval.status, text::printable(&by));
    let outcome = match approval.status {
        _ if change == Change::Created => {
            let about = text::about(&approval.tool_name, &approval.input, LONGEST);
            return format!("{name}  {}  {about}", style.cyan("asked"));
        }
        ApprovalStatus::Pending => style.cyan(ApprovalStatus::Pending.as_str()),
        ApprovalStatus::Approved => style.green(words.trim_end()),
        ApprovalStatus::Denied => style.red(words.trim_end()),
        ApprovalStatus::Expired | ApprovalStatus::Cancelled => style.yellow(words.trim_end()),
    };
    format!("{name}  {outcome}")
}

/// An author with the end of its id, which is enough to tell people apart.
fn author(author: &str) -> String {
    match author.split_once(':') {
        Some(("user", id)) => format!("user {}", &id[id.len().saturating_sub(8)..]),
        Some((_, part)) => part.to_owned(),
        None => author.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::approval::{ApprovalAnswer, ApprovalVerdict};
    use serde_json::json;

    use super::*;

    const PLAIN: Style = Style { color: false };

    fn id<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
        "01a1fc6b-7edc-7079-aaa9-b8a9a2757074".parse().expect("an id")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn approval() -> Approval {
        let input = json!({ "command": "make\u{1b}[31m" });
        Approval {
            id: id(),
            team_id: id(),
            session_id: id(),
            sequence: 1,
            tool_use_id: None,
            tool_name: "Bash".into(),
            input_sha256: Approval::input_digest(&input),
            input,
            suggestions: None,
            status: ApprovalStatus::Pending,
            requested_at: at(1),
            expires_at: at(300),
            decided_by: None,
            decided_at: None,
            note: None,
            updated_input: None,
            updated_at: at(1),
        }
    }

    fn words(entries: &[(Change, TimelineItem)]) -> Vec<String> {
        let entries: Vec<_> = (1..)
            .zip(entries)
            .map(|(sequence, (change, item))| TimelineEntry {
                sequence,
                change: *change,
                at: at(1),
                item: item.clone(),
            })
            .collect();
        let lines = lines(PLAIN, &entries, at(0));
        lines.iter().map(|line| line.split_once("s  ").unwrap_or_default().1.to_owned()).collect()
    }

    #[test]
    fn an_approval_is_shown_as_asked_and_as_answered() {
        let answer = ApprovalAnswer {
            verdict: ApprovalVerdict::Denied,
            decided_by: "user:01a1fc6b-7edc-7079-aaa9-b8a9a2757074".into(),
            note: Some("not\nnow".into()),
            at: at(2),
        };
        let answered = TimelineItem::Approval(approval().answered(answer).expect("answered"));
        let shown = words(&[(Change::Created, answered.clone()), (Change::Updated, answered)]);
        assert_eq!(shown[1], "approval   Bash  denied by user a2757074  not now");
        assert!(shown[0].starts_with("approval   Bash  asked  make"), "{}", shown[0]);
        assert!(!shown[0].contains('\u{1b}'), "what an agent says does not reach the terminal's controls");
    }

    #[test]
    fn a_decision_is_shown_with_who_took_it() {
        let decision = PermissionDecision {
            id: id(),
            session_id: id(),
            sequence: 1,
            tool_call_id: None,
            tool_use_id: None,
            tool_name: "Bash".into(),
            input_data: None,
            context: None,
            decision: Decision::Deny,
            decided_by: domain::decision::DecidedBy::Policy,
            policy_name: Some("no network".into()),
            approval_id: None,
            reason: Some("it pushes".into()),
            interrupted: false,
            decided_at: at(1),
        };
        let shown = words(&[(Change::Created, TimelineItem::Decision(decision))]);
        assert_eq!(shown, ["decision   Bash  deny by policy no network  it pushes"]);
    }

    #[test]
    fn a_run_of_a_hook_is_shown_with_its_outcome() {
        let run = |continue_execution, error: Option<&str>| {
            let execution = HookExecution {
                id: id(),
                session_id: id(),
                sequence: 1,
                hook_name: "guard".into(),
                hook_type: "PreToolUse".parse().expect("an event"),
                tool_call_id: None,
                tool_use_id: None,
                tool_name: Some("Bash".into()),
                input_data: None,
                output_data: None,
                context_data: None,
                continue_execution,
                duration_us: 2_000_000,
                error_message: error.map(str::to_owned),
                executed_at: at(1),
            };
            (Change::Created, TimelineItem::HookExecution(execution))
        };
        let shown = words(&[run(true, None), run(true, Some("broke")), run(false, Some("no"))]);
        assert!(shown[0].starts_with("hook       guard  at PreToolUse of Bash  went on 2"), "{}", shown[0]);
        assert_eq!(shown[1], "hook       guard  at PreToolUse of Bash  failed broke");
        assert_eq!(shown[2], "hook       guard  at PreToolUse of Bash  stopped it no");
    }
}
