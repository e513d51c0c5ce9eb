//! From what happens in a session to what is stored of it: each happening becomes one change, whole or not at all.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use domain::{
    actor::Actor,
    agent_event::{AgentMessage, ToolRequest, ToolResult, ToolUse, TurnEnded, TurnOutcome, TurnStarted},
    command::{Command, CommandKind, CommandStatus},
    id::{CommandId, MessageId, SessionId, ToolCallId, TransitionId},
    message::{Message, MessageBody, MessageType},
    money::MicroUsd,
    permission::{Decision, Judgement},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
    transition::Transition,
};
use serde_json::{Value, json};
use store::{Guard, SessionChange, SessionUpdate, StoreError};

use crate::App;

/// How long a session stays with an owner that says nothing.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// The agent itself, as the author of what it does.
const AGENT: Actor = Actor::System("agent");

/// Records one session on behalf of its owner, and knows what of it is still open.
#[derive(Debug)]
pub(super) struct Recorder {
    app: App,
    session_id: SessionId,
    fence: i64,
    status: SessionStatus,
    open_calls: HashMap<String, ToolCall>,
    open_prompts: VecDeque<Command>,
    last_init: Option<MessageBody>,
    reported_cost: MicroUsd,
}

/// Rows and counters that will be one change.
#[derive(Debug, Default)]
struct Draft {
    items: Vec<(Change, TimelineItem)>,
    update: SessionUpdate,
}

impl Recorder {
    /// A recorder for a session whose lease was just acquired.
    pub(super) fn new(app: App, session: &domain::session::Session, fence: i64) -> Self {
        Self {
            app,
            session_id: session.id,
            fence,
            status: session.status,
            open_calls: HashMap::new(),
            open_prompts: VecDeque::new(),
            last_init: None,
            reported_cost: session.reported_cost,
        }
    }

    pub(super) const fn session_id(&self) -> SessionId {
        self.session_id
    }

    pub(super) const fn status(&self) -> SessionStatus {
        self.status
    }

    pub(super) fn has_running_tool(&self) -> bool {
        self.open_calls.values().any(|call| call.status == ToolCallStatus::Running)
    }

    pub(super) fn has_open_prompt(&self) -> bool {
        !self.open_prompts.is_empty()
    }

    /// Moves the session to another status.
    pub(super) async fn transition(
        &mut self,
        to: SessionStatus,
        reason: &str,
        actor: &Actor,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_transition(&mut draft, to, reason, actor);
        self.commit(draft).await
    }

    /// A person's prompt: what was said, and the command that carries it to the agent.
    pub(super) async fn prompt(
        &mut self,
        text: &str,
        author: &Actor,
    ) -> Result<(CommandId, Vec<TimelineEntry>), StoreError> {
        let mut draft = Draft::default();
        let message_id = self.draft_message(&mut draft, MessageBody::text(MessageType::User, text));
        let payload = json!({ "message_id": message_id });
        let command =
            self.draft_command(&mut draft, CommandKind::Prompt, payload, CommandStatus::Queued, author);
        let id = command.id;
        self.open_prompts.push_back(command);
        if self.status == SessionStatus::Active {
            self.draft_transition(&mut draft, SessionStatus::Processing, "a prompt was given", author);
        }
        Ok((id, self.commit(draft).await?))
    }

    /// A person's interruption, already told to the agent.
    pub(super) async fn interrupt(&mut self, author: &Actor) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_command(&mut draft, CommandKind::Interrupt, json!({}), CommandStatus::Done, author);
        self.commit(draft).await
    }

    pub(super) async fn prompt_started(&mut self, id: CommandId) -> Result<Vec<TimelineEntry>, StoreError> {
        let now = self.app.now();
        let mut draft = Draft::default();
        let queued =
            self.open_prompts.iter_mut().find(|open| open.id == id && open.status == CommandStatus::Queued);
        if let Some(command) = queued {
            command.status = CommandStatus::Delivered;
            command.updated_at = now;
            draft.items.push((Change::Updated, TimelineItem::Command(command.clone())));
        }
        self.commit(draft).await
    }

    /// The agent begins a turn. It says the same each time, so only what differs from the last time is kept.
    pub(super) async fn turn_started(&mut self, turn: TurnStarted) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        draft.update.external_id = Some(turn.external_id);
        draft.update.model = turn.model;
        let said = MessageBody { external_id: None, ..turn.message.clone() };
        if self.last_init.as_ref() != Some(&said) {
            self.last_init = Some(said);
            self.draft_message(&mut draft, turn.message);
        }
        if self.status == SessionStatus::Active {
            self.draft_transition(
                &mut draft,
                SessionStatus::Processing,
                "the agent began a turn by itself",
                &AGENT,
            );
        }
        self.commit(draft).await
    }

    /// Something was said, with the tool calls it asks for and the results it brings.
    pub(super) async fn message(&mut self, message: AgentMessage) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        let message_id = self.draft_message(&mut draft, message.body);
        for tool_use in message.tool_uses {
            self.draft_tool_use(&mut draft, tool_use, Some(message_id));
        }
        for result in message.tool_results {
            self.draft_tool_result(&mut draft, result);
        }
        self.commit(draft).await
    }

    /// The agent program repeats a model request.
    pub(super) async fn retry(&mut self, body: MessageBody) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        draft.update.added.total_retries = 1;
        self.draft_message(&mut draft, body);
        self.commit(draft).await
    }

    /// The conversation was emptied, so the agent program counts cost from zero.
    pub(super) async fn conversation_reset(
        &mut self,
        body: MessageBody,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.reported_cost = MicroUsd::ZERO;
        draft.update.reported_cost = Some(MicroUsd::ZERO);
        self.draft_message(&mut draft, body);
        self.commit(draft).await
    }

    /// Something that went wrong and belongs into the record.
    pub(super) async fn note_error(
        &mut self,
        subtype: &str,
        text: String,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        draft.update.added.total_errors = 1;
        let body = MessageBody::text(MessageType::System, text);
        self.draft_message(&mut draft, MessageBody { subtype: Some(subtype.to_owned()), ..body });
        self.commit(draft).await
    }

    /// What was decided about a tool call, before the agent is told. `Ask` moves nothing yet.
    pub(super) async fn judged(
        &mut self,
        request: &ToolRequest,
        judgement: &Judgement,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        draft.update.added.total_permission_checks = 1;
        self.draft_decision(&mut draft, request, judgement);
        self.commit(draft).await
    }

    /// A person is asked.
    pub(super) async fn asked(&mut self, request: &ToolRequest) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        if !self.open_calls.contains_key(&request.tool_use_id) {
            self.draft_tool_use(&mut draft, as_tool_use(request), None);
        }
        if self.status == SessionStatus::Processing {
            let reason = format!("{} needs an answer", request.tool_name);
            self.draft_transition(&mut draft, SessionStatus::Waiting, &reason, &AGENT);
        }
        self.commit(draft).await
    }

    /// A person answered; `still_waiting` when another question is open.
    pub(super) async fn answered(
        &mut self,
        request: &ToolRequest,
        judgement: &Judgement,
        still_waiting: bool,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        draft.update.added.total_permission_checks = 1;
        self.draft_decision(&mut draft, request, judgement);
        let reason = format!("{}: {}", judgement.decision, judgement.reason);
        self.draft_back_to_work(&mut draft, still_waiting, &reason);
        self.commit(draft).await
    }

    /// A question was withdrawn.
    pub(super) async fn withdrawn(&mut self, still_waiting: bool) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_back_to_work(&mut draft, still_waiting, "the question was withdrawn");
        self.commit(draft).await
    }

    /// A turn ended: its bill, its words, and the prompts it answered.
    pub(super) async fn turn_ended(
        &mut self,
        turn: TurnEnded,
    ) -> Result<(MicroUsd, Vec<TimelineEntry>), StoreError> {
        let mut draft = Draft::default();
        let cost = self.bill(&mut draft, &turn);
        draft.update.added.usage = turn.usage;
        draft.update.added.duration_ms = turn.duration_ms;
        draft.update.added.total_errors = i64::from(turn.outcome != TurnOutcome::Completed);
        draft.update.result = Some(Value::String(turn.text));
        self.draft_message(&mut draft, turn.message);
        self.draft_prompts_done(&mut draft, &turn.prompts, turn.queued_prompts);
        if self.status == SessionStatus::Waiting {
            self.draft_transition(&mut draft, SessionStatus::Processing, "the turn ended", &AGENT);
        }
        if self.status == SessionStatus::Processing && self.open_prompts.is_empty() {
            self.draft_transition(&mut draft, SessionStatus::Active, "the turn ended", &AGENT);
        }
        Ok((cost, self.commit(draft).await?))
    }

    /// The process is gone: what was open is closed, the session rests in `to`, and the lease is free.
    pub(super) async fn ended(
        &mut self,
        to: SessionStatus,
        reason: &str,
        error: Option<String>,
        actor: &Actor,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        let now = self.app.now();
        close_open(
            &mut draft,
            self.open_calls.drain().map(|(_, call)| call),
            self.open_prompts.drain(..),
            now,
        );
        draft.update.error_message = error;
        draft.update.release_lease = true;
        self.draft_transition(&mut draft, to, reason, actor);
        self.commit(draft).await
    }

    /// Keeps the session for another while.
    pub(super) async fn renew_lease(&self) -> Result<(), StoreError> {
        let (id, fence, until) = (self.session_id, self.fence, self.app.now().plus(LEASE));
        self.app.store().write(move |tx| tx.sessions().renew(id, fence, until)).await
    }

    fn draft_message(&self, draft: &mut Draft, body: MessageBody) -> MessageId {
        let id = MessageId::from_uuid(self.app.next_id());
        let message =
            Message { id, session_id: self.session_id, sequence: 0, body, created_at: self.app.now() };
        draft.items.push((Change::Created, TimelineItem::Message(message)));
        draft.update.added.total_messages += 1;
        id
    }

    fn draft_command(
        &self,
        draft: &mut Draft,
        kind: CommandKind,
        payload: Value,
        status: CommandStatus,
        author: &Actor,
    ) -> Command {
        let now = self.app.now();
        let command = Command {
            id: CommandId::from_uuid(self.app.next_id()),
            session_id: self.session_id,
            sequence: 0,
            kind,
            payload,
            author: author.to_string(),
            status,
            created_at: now,
            updated_at: now,
        };
        draft.items.push((Change::Created, TimelineItem::Command(command.clone())));
        command
    }

    fn draft_transition(&mut self, draft: &mut Draft, to: SessionStatus, reason: &str, actor: &Actor) {
        match self.status.transition_to(to) {
            Ok(_) => {
                let transition = transition(&self.app, self.session_id, Some(self.status), to, reason, actor);
                draft.items.push((Change::Created, TimelineItem::Transition(transition)));
                self.status = to;
            }
            Err(error) => {
                tracing::error!(session.id = %self.session_id, error = %error, "transition refused");
            }
        }
    }

    fn draft_tool_use(&mut self, draft: &mut Draft, tool_use: ToolUse, message_id: Option<MessageId>) {
        if self.open_calls.contains_key(&tool_use.tool_use_id) {
            return;
        }
        let call = ToolCall {
            id: ToolCallId::from_uuid(self.app.next_id()),
            session_id: self.session_id,
            message_id,
            sequence: 0,
            tool_use_id: tool_use.tool_use_id.clone(),
            tool_name: tool_use.tool_name,
            tool_input: tool_use.input,
            tool_output: None,
            status: ToolCallStatus::Pending,
            error_message: None,
            permission_decision: None,
            permission_reason: None,
            created_at: self.app.now(),
            started_at: None,
            completed_at: None,
            duration_ms: None,
        };
        draft.update.added.total_tool_calls += 1;
        draft.items.push((Change::Created, TimelineItem::ToolCall(call.clone())));
        self.open_calls.insert(tool_use.tool_use_id, call);
    }

    /// Writes a decision onto its tool call. The gate can be ahead of the message that asks for the tool, so the call may
    /// have to be recorded first.
    fn draft_decision(&mut self, draft: &mut Draft, request: &ToolRequest, judgement: &Judgement) {
        self.draft_tool_use(draft, as_tool_use(request), None);
        let now = self.app.now();
        let Some(call) = self.open_calls.get_mut(&request.tool_use_id) else { return };
        call.permission_decision = Some(judgement.decision);
        call.permission_reason = Some(judgement.reason.clone());
        call.tool_input = request.input.clone();
        match judgement.decision {
            Decision::Allow => {
                call.status = ToolCallStatus::Running;
                call.started_at = Some(now);
            }
            Decision::Deny => {
                call.status = ToolCallStatus::Denied;
                call.error_message = Some(judgement.reason.clone());
                call.completed_at = Some(now);
            }
            Decision::Ask => {}
        }
        draft.items.push((Change::Updated, TimelineItem::ToolCall(call.clone())));
    }

    fn draft_tool_result(&mut self, draft: &mut Draft, result: ToolResult) {
        let now = self.app.now();
        let Some(mut call) = self.open_calls.remove(&result.tool_use_id) else {
            tracing::warn!(session.id = %self.session_id, tool_use.id = result.tool_use_id, "a result without a call");
            return;
        };
        // A call that was already running and is said not to have run was interrupted: it may have done half its work.
        let was_denied = match call.status {
            ToolCallStatus::Denied => true,
            ToolCallStatus::Pending => result.did_not_run,
            _ => false,
        };
        call.status = match (result.is_error, was_denied) {
            (_, true) => ToolCallStatus::Denied,
            (true, false) => ToolCallStatus::Error,
            (false, false) => ToolCallStatus::Success,
        };
        if result.is_error && call.error_message.is_none() {
            call.error_message = Some(text_of(&result.output));
        }
        draft.update.added.total_errors += i64::from(call.status == ToolCallStatus::Error);
        call.tool_output = Some(result.output);
        call.completed_at = call.completed_at.or(Some(now));
        call.duration_ms = call.started_at.map(|started| millis(now.since(started)));
        draft.items.push((Change::Updated, TimelineItem::ToolCall(call)));
    }

    fn draft_back_to_work(&mut self, draft: &mut Draft, still_waiting: bool, reason: &str) {
        if self.status == SessionStatus::Waiting && !still_waiting {
            self.draft_transition(draft, SessionStatus::Processing, reason, &AGENT);
        }
    }

    /// What the turn cost: as the program says it, or by how much its running total grew.
    fn bill(&mut self, draft: &mut Draft, turn: &TurnEnded) -> MicroUsd {
        let grown = turn.cost.cumulative.map(|total| total.growth_since(self.reported_cost));
        let cost = turn.cost.since_last_result.or(grown).unwrap_or_default();
        if let Some(total) = turn.cost.cumulative {
            self.reported_cost = total;
        }
        draft.update.added.cost = cost;
        draft.update.reported_cost = turn.cost.cumulative;
        cost
    }

    /// Marks the prompts a result names. A program that names none answers them in order, except those it still queues.
    fn draft_prompts_done(&mut self, draft: &mut Draft, named: &[CommandId], queued: u32) {
        let now = self.app.now();
        let keep = if named.is_empty() { queued as usize } else { usize::MAX };
        let answered = self.open_prompts.len().saturating_sub(keep);
        let is_done = |index: usize, command: &Command| index < answered || named.contains(&command.id);
        let (done, open): (VecDeque<_>, VecDeque<_>) =
            self.open_prompts.drain(..).enumerate().partition(|(index, command)| is_done(*index, command));
        self.open_prompts = open.into_iter().map(|(_, command)| command).collect();
        for (_, command) in done {
            let command = Command { status: CommandStatus::Done, updated_at: now, ..command };
            draft.items.push((Change::Updated, TimelineItem::Command(command)));
        }
    }

    async fn commit(&self, draft: Draft) -> Result<Vec<TimelineEntry>, StoreError> {
        if draft.items.is_empty() && !draft.update.release_lease {
            return Ok(Vec::new());
        }
        let change = SessionChange {
            session_id: self.session_id,
            guard: Guard::Fence(self.fence),
            at: self.app.now(),
            update: draft.update,
            items: draft.items,
        };
        commit(&self.app, change).await
    }
}

/// Makes a change, trying again for a while when the database is away: an agent's work is not lost to a restart of it.
pub(super) async fn commit(app: &App, change: SessionChange) -> Result<Vec<TimelineEntry>, StoreError> {
    const PAUSES_MS: [u64; 6] = [50, 200, 500, 1_000, 3_000, 5_000];
    for pause in PAUSES_MS {
        let attempt = change.clone();
        match app.store().write(move |tx| tx.sessions().change(attempt)).await {
            Err(error) if error.is_retryable() => {
                tracing::warn!(session.id = %change.session_id, error = %error, "the database is away; trying again");
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            outcome => return outcome,
        }
    }
    app.store().write(move |tx| tx.sessions().change(change)).await
}

/// A change of status as a row.
pub(super) fn transition(
    app: &App,
    session_id: SessionId,
    from: Option<SessionStatus>,
    to: SessionStatus,
    reason: &str,
    actor: &Actor,
) -> Transition {
    Transition {
        id: TransitionId::from_uuid(app.next_id()),
        session_id,
        sequence: 0,
        from,
        to,
        reason: reason.to_owned(),
        actor: actor.to_string(),
        created_at: app.now(),
    }
}

/// Closes what an ended process left open: calls without a result failed, prompts without an answer are cancelled.
pub(super) fn open_items_closed(
    calls: impl IntoIterator<Item = ToolCall>,
    commands: impl IntoIterator<Item = Command>,
    now: Timestamp,
) -> Vec<(Change, TimelineItem)> {
    let mut draft = Draft::default();
    close_open(&mut draft, calls, commands, now);
    draft.items
}

fn close_open(
    draft: &mut Draft,
    calls: impl IntoIterator<Item = ToolCall>,
    commands: impl IntoIterator<Item = Command>,
    now: Timestamp,
) {
    let calls = calls.into_iter().filter(|call| call.status != ToolCallStatus::Denied).map(|mut call| {
        call.duration_ms = call.started_at.map(|started| millis(now.since(started)));
        call.status = ToolCallStatus::Error;
        call.error_message = Some("the agent process ended before there was a result".to_owned());
        call.completed_at = Some(now);
        TimelineItem::ToolCall(call)
    });
    let commands = commands.into_iter().map(|command| {
        TimelineItem::Command(Command { status: CommandStatus::Cancelled, updated_at: now, ..command })
    });
    draft.items.extend(calls.chain(commands).map(|item| (Change::Updated, item)));
}

fn as_tool_use(request: &ToolRequest) -> ToolUse {
    ToolUse {
        tool_use_id: request.tool_use_id.clone(),
        tool_name: request.tool_name.clone(),
        input: request.input.clone(),
    }
}

/// The words of a tool's output: a text, or the text blocks of a list.
fn text_of(output: &Value) -> String {
    match output.get("content").unwrap_or(output) {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
