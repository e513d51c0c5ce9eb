//! A running session as a person reads it: the agent's words on standard output, everything around them on standard error.

use std::{borrow::Cow, collections::HashSet, time::Duration};

use app::session::{SessionEnd, SessionUpdate, TurnSummary};
use domain::{
    agent_event::{PartialText, TurnOutcome},
    id::MessageId,
    message::{Message, MessageType},
    permission::Decision,
    session::Session,
    session_status::SessionStatus,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use serde_json::json;

use super::{Terminal, text};
use crate::failure::Failure;

const LONGEST_LINE: usize = 100;

/// Writes what happens in one session.
#[derive(Debug)]
pub(crate) struct Transcript {
    terminal: Terminal,
    /// Text was streamed that its message will repeat.
    has_streamed: bool,
    /// Messages that were shown. One that was stored while it was written has several entries, and each leads to all of it.
    shown: HashSet<MessageId>,
}

impl Transcript {
    pub(crate) fn new(terminal: Terminal) -> Self {
        Self { terminal, has_streamed: false, shown: HashSet::new() }
    }

    pub(crate) fn begin(&self, session: &Session) -> Result<(), Failure> {
        if self.terminal.is_json {
            return self.terminal.json(&json!({ "kind": "session", "item": session }));
        }
        let style = self.terminal.err;
        let id = text::short(session.id);
        let place = text::printable(&session.working_directory);
        self.terminal.say(&style.dim(&format!("session {id} · {} · {place}", session.runtime)));
        Ok(())
    }

    pub(crate) fn update(&mut self, update: &SessionUpdate) -> Result<(), Failure> {
        match update {
            SessionUpdate::Partial(partial) => self.partial(partial),
            SessionUpdate::Entry(entry) if self.terminal.is_json => self.terminal.json(entry),
            SessionUpdate::Entry(entry) => self.entry(entry),
            SessionUpdate::TurnEnded(turn) => {
                self.turn(turn);
                Ok(())
            }
            SessionUpdate::Ended(end) => self.end(end),
        }
    }

    fn partial(&mut self, partial: &PartialText) -> Result<(), Failure> {
        if self.terminal.is_json || partial.is_thinking || partial.parent_tool_use_id.is_some() {
            return Ok(());
        }
        self.has_streamed = true;
        self.terminal.stream(&self.fit(&partial.text))
    }

    fn entry(&mut self, entry: &TimelineEntry) -> Result<(), Failure> {
        match &entry.item {
            TimelineItem::Message(message) => return self.message(message),
            TimelineItem::ToolCall(call) => self.tool_call(entry.change, call),
            TimelineItem::Transition(_)
            | TimelineItem::Command(_)
            | TimelineItem::HookExecution(_)
            | TimelineItem::Decision(_)
            | TimelineItem::Approval(_) => {}
        }
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<(), Failure> {
        let body = &message.body;
        let is_model = body.message_type == MessageType::Assistant;
        if message.is_partial || (is_model && !self.shown.insert(message.id)) {
            return Ok(());
        }
        let words = body.content.text();
        match (body.message_type, body.subtype.as_deref()) {
            (MessageType::Assistant, _) if body.parent_tool_use_id.is_some() => {
                if !words.is_empty() {
                    self.aside(&format!("  subagent: {}", text::one_line(&words, LONGEST_LINE)));
                }
            }
            (MessageType::Assistant, _) if words.is_empty() => {}
            (MessageType::Assistant, _) if std::mem::take(&mut self.has_streamed) => {
                return self.terminal.stream("\n");
            }
            (MessageType::Assistant, _) => return self.terminal.data(&self.fit(&words)),
            (MessageType::System, Some("api_retry")) => {
                self.aside("  the model service failed; the agent tries again");
            }
            (MessageType::System, Some("unparsed_line" | "timeout" | "control_error")) => {
                self.terminal
                    .say(&self.terminal.err.red(&format!("  ! {}", text::one_line(&words, LONGEST_LINE))));
            }
            (MessageType::User | MessageType::System | MessageType::Result, _) => {}
        }
        Ok(())
    }

    fn tool_call(&self, change: Change, call: &ToolCall) {
        let style = self.terminal.err;
        let about = text::about(&call.tool_name, &call.tool_input, LONGEST_LINE);
        let reason = || text::one_line(call.permission_reason.as_deref().unwrap_or_default(), LONGEST_LINE);
        let error = || text::one_line(call.error_message.as_deref().unwrap_or_default(), LONGEST_LINE);
        match (change, call.status) {
            (Change::Created, _) => {
                let name = text::one_line(&call.tool_name, LONGEST_LINE);
                self.terminal.say(&format!("{} {}  {about}", style.cyan("▸"), style.bold(&name)));
            }
            (_, ToolCallStatus::Pending) => {}
            (_, ToolCallStatus::Running) => self.aside(&format!("  {}", reason())),
            // The refusal was told when it was decided; its result only repeats it.
            (_, ToolCallStatus::Denied)
                if call.tool_output.is_some() && call.permission_decision == Some(Decision::Deny) => {}
            (_, ToolCallStatus::Denied) => {
                self.terminal.say(&format!("  {} {}", style.yellow("✗ denied:"), error()));
            }
            (_, ToolCallStatus::Error) => {
                self.terminal.say(&format!("  {} {}", style.red("✗ failed:"), error()));
            }
            (_, ToolCallStatus::Success) => {
                let took = call.duration_ms.map(|ms| text::took(Duration::from_millis(ms.unsigned_abs())));
                self.terminal.say(&format!(
                    "  {} {}",
                    style.green("✓"),
                    style.dim(&took.unwrap_or_default())
                ));
            }
        }
    }

    fn turn(&mut self, turn: &TurnSummary) {
        self.has_streamed = false;
        if self.terminal.is_json {
            return;
        }
        let style = self.terminal.err;
        let cost = turn.cost.map_or_else(|| "unknown cost".to_owned(), |cost| cost.to_string());
        let bill = format!(
            "{} · {cost} · {} tokens in, {} out",
            text::took(Duration::from_millis(turn.duration_ms.unsigned_abs())),
            text::tokens(turn.usage.total() - turn.usage.output_tokens),
            text::tokens(turn.usage.output_tokens),
        );
        let words = text::one_line(&turn.text, 300);
        let line = match &turn.outcome {
            TurnOutcome::Completed => format!("{} {}", style.green("✓ done"), style.dim(&bill)),
            TurnOutcome::Interrupted => format!("{} {}", style.yellow("■ interrupted"), style.dim(&bill)),
            TurnOutcome::MaxTurns => {
                format!("{} {}", style.yellow("■ largest number of turns reached"), style.dim(&bill))
            }
            TurnOutcome::BudgetExhausted => format!("{} {}", style.red("■ budget spent"), style.dim(&bill)),
            TurnOutcome::ApiError { status } => {
                let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
                format!("{} {words}", style.red(&format!("✗ the model service failed{status}:")))
            }
            TurnOutcome::Failed => format!("{} {words}", style.red("✗ failed:")),
        };
        self.terminal.say(&line);
    }

    fn end(&self, end: &SessionEnd) -> Result<(), Failure> {
        if self.terminal.is_json {
            return self.terminal.json(&json!({
                "kind": "end", "item": { "status": end.status, "error_message": end.error },
            }));
        }
        match end.status {
            SessionStatus::Completed | SessionStatus::Failed => {}
            status => self.aside(&format!("session {status}")),
        }
        Ok(())
    }

    fn aside(&self, line: &str) {
        self.terminal.say(&self.terminal.err.dim(line));
    }

    /// The agent's words: as they are into a file or pipe, without control characters onto a terminal.
    fn fit<'t>(&self, words: &'t str) -> Cow<'t, str> {
        if self.terminal.out_is_terminal { text::printable(words) } else { Cow::Borrowed(words) }
    }
}
