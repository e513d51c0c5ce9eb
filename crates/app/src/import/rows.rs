//! From what a transcript says to the rows of its session.

use std::collections::{HashMap, HashSet};

use agent::transcript::{CostLine, SaidLine};
use domain::{
    actor::Actor,
    agent_event::{AgentMessage, ToolResult, ToolUse},
    digest::Sha256Digest,
    id::{MessageId, SessionId, TeamId, ToolCallId},
    message::{Message, MessageType},
    runtime::RuntimeKind,
    session::{Origin, Session, SessionOptions, name_from_prompt},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use store::{Guard, SessionChange, SessionUpdate};

use super::spent::Spent;
use crate::{
    App, Caller,
    derived_id::derived_id,
    session::record::{text_of, transition},
};

/// What is said in a session once it ran here is recorded as it happens, and not read as well.
pub(super) const NEVER_RUN: Guard = Guard::Fence(0);

/// The author of what is imported.
const IMPORT: Actor = Actor::System("import");

/// The id of the session whose transcript has this name: the same each time it is read.
pub(super) fn session_id(team: TeamId, name: &str) -> SessionId {
    SessionId::from_uuid(derived_id(None, &format!("session/{team}/{name}")))
}

/// What is to be written of a session, a batch after the other.
pub(super) struct Rows {
    app: App,
    caller: Caller,
    id: SessionId,
    external_id: String,
    /// The tool call that the subagent works for which speaks here.
    works_for: Option<String>,
    /// A session that is not stored yet, once somebody said something in it.
    session: Option<Session>,
    is_stored: bool,
    items: Vec<(Change, TimelineItem)>,
    update: SessionUpdate,
    /// What was said and asked for already, here or in another transcript of the session.
    messages: HashSet<MessageId>,
    calls: HashSet<String>,
    /// Calls without a result, and where those stand that are not written yet.
    open: HashMap<String, (ToolCall, Option<usize>)>,
    pub(super) spent: Spent,
    last: Timestamp,
}

/// What is known of a session before a transcript of it is read.
#[derive(Default)]
pub(super) struct Known {
    pub(super) session: Option<Session>,
    pub(super) messages: Vec<MessageId>,
    pub(super) calls: Vec<String>,
    pub(super) open: Vec<ToolCall>,
    pub(super) works_for: Option<String>,
}

/// What one transaction writes.
pub(super) struct Batch {
    pub(super) session: Option<Session>,
    pub(super) change: SessionChange,
}

impl Rows {
    pub(super) fn begin_with(
        app: App,
        caller: Caller,
        id: SessionId,
        external_id: String,
        known: Known,
        spent: Spent,
    ) -> Self {
        let Known { session, messages, calls, open, works_for } = known;
        Self {
            id,
            external_id,
            works_for,
            is_stored: session.is_some(),
            items: Vec::new(),
            update: SessionUpdate::default(),
            messages: messages.into_iter().collect(),
            calls: calls.into_iter().collect(),
            open: open.into_iter().map(|call| (call.tool_use_id.clone(), (call, None))).collect(),
            spent,
            last: session.map_or_else(|| app.now(), |session| session.last_activity_at),
            session: None,
            app,
            caller,
        }
    }

    /// Whether there is a session.
    pub(super) const fn is_begun(&self) -> bool {
        self.is_stored || self.session.is_some()
    }

    pub(super) const fn is_stored(&self) -> bool {
        self.is_stored
    }

    pub(super) const fn len(&self) -> usize {
        self.items.len()
    }

    /// Something was said, on this line.
    pub(super) fn say(&mut self, said: SaidLine, line: &str) {
        let SaidLine { message, at, working_directory, metered } = said;
        let AgentMessage { mut body, tool_uses, tool_results } = message;
        let id = self.message_id(body.external_id.as_deref(), at, line);
        if !self.messages.insert(id) {
            return;
        }
        let at = at.unwrap_or(self.last);
        self.last = self.last.max(at);
        if !self.is_begun() {
            let prompt =
                if body.message_type == MessageType::User { body.content.text() } else { String::new() };
            self.begin(&prompt, working_directory, at);
        }
        if let Some(call) = self.works_for.as_ref().filter(|_| body.parent_tool_use_id.is_some()) {
            body.parent_tool_use_id = Some(call.clone());
        }
        if let (Some(model), Some(metered)) = (&body.model, metered) {
            self.spent.meter(model, metered, at);
        }
        self.update.model = body.model.clone().or(self.update.model.take());
        self.items.push((Change::Created, TimelineItem::Message(Message::new(id, self.id, body, at))));
        self.update.added.total_messages += 1;
        for tool_use in tool_uses {
            self.use_tool(tool_use, id, at);
        }
        for result in tool_results {
            self.end_tool(result, at);
        }
    }

    /// The same for the same line, in whichever file it stands.
    fn message_id(&self, own: Option<&str>, at: Option<Timestamp>, line: &str) -> MessageId {
        let session = self.id;
        MessageId::from_uuid(match own {
            Some(own) => derived_id(at, &format!("message/{session}/{own}")),
            None => derived_id(at, &format!("message/{session}/line/{}", Sha256Digest::of(line.as_bytes()))),
        })
    }

    /// The program says what the session cost so far.
    pub(super) fn cost(&mut self, said: CostLine) {
        self.spent.hear(said, self.last);
        self.update.reported_cost = Some(said.cost);
    }

    pub(super) fn take(&mut self) -> Batch {
        self.is_stored |= self.session.is_some();
        for (_, place) in self.open.values_mut() {
            *place = None;
        }
        Batch {
            session: self.session.take(),
            change: SessionChange {
                session_id: self.id,
                guard: NEVER_RUN,
                at: self.last,
                update: std::mem::take(&mut self.update),
                items: std::mem::take(&mut self.items),
            },
        }
    }

    fn begin(&mut self, prompt: &str, working_directory: Option<String>, at: Timestamp) {
        let team = self.caller.team_id;
        self.last = at;
        self.session = Some(Session {
            user_id: Some(self.caller.user_id),
            name: name_from_prompt(prompt),
            status: SessionStatus::Completed,
            origin: Origin::Imported,
            external_id: Some(self.external_id.clone()),
            working_directory: working_directory.unwrap_or_else(|| "/".to_owned()),
            started_at: Some(at),
            completed_at: Some(at),
            ..Session::new(self.id, team, RuntimeKind::Claude, SessionOptions::default(), at)
        });
        let reason = "read from the agent program's own transcript";
        let begun = transition(&self.app, self.id, None, SessionStatus::Completed, reason, &IMPORT);
        self.items.push((Change::Created, TimelineItem::Transition(begun)));
    }

    fn use_tool(&mut self, tool_use: ToolUse, message: MessageId, at: Timestamp) {
        let ToolUse { tool_use_id, tool_name, input } = tool_use;
        if !self.calls.insert(tool_use_id.clone()) {
            return;
        }
        let id = ToolCallId::from_uuid(derived_id(Some(at), &format!("tool/{message}/{tool_use_id}")));
        let call = ToolCall {
            message_id: Some(message),
            started_at: Some(at),
            ..ToolCall::new(id, self.id, tool_use_id.clone(), tool_name, input, at)
        };
        self.update.added.total_tool_calls += 1;
        self.open.insert(tool_use_id, (call.clone(), Some(self.items.len())));
        self.items.push((Change::Created, TimelineItem::ToolCall(call)));
    }

    fn end_tool(&mut self, result: ToolResult, at: Timestamp) {
        let Some((call, place)) = self.open.remove(&result.tool_use_id) else { return };
        let status = match (result.is_error, result.did_not_run) {
            (true, true) => ToolCallStatus::Denied,
            (true, false) => ToolCallStatus::Error,
            (false, _) => ToolCallStatus::Success,
        };
        self.update.added.total_errors += i64::from(status == ToolCallStatus::Error);
        let took = call.started_at.map(|started| at.since(started));
        let call = ToolCall {
            status,
            error_message: result.is_error.then(|| text_of(&result.output)),
            tool_output: Some(result.output),
            completed_at: Some(at),
            duration_ms: took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            ..call
        };
        match place {
            // It is not written yet.
            Some(place) => self.items[place] = (Change::Created, TimelineItem::ToolCall(call)),
            None => self.items.push((Change::Updated, TimelineItem::ToolCall(call))),
        }
    }
}
