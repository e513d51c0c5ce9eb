//! From what happens in a session to what is stored of it: each happening becomes one change, whole or not at all.

mod commit;
mod draft;
mod in_flight;

use std::collections::{HashMap, HashSet, VecDeque};

use domain::{
    actor::Actor,
    agent_event::{AgentMessage, HookCall, ToolRequest, TranscriptPart, TurnEnded, TurnOutcome, TurnStarted},
    approval::Approval,
    audit_action::AuditAction,
    command::{Command, CommandKind, CommandStatus},
    id::{AgentId, CommandId, MessageId, SessionId, TaskId, TeamId, UserId},
    message::{MessageBody, MessageType},
    model_price::ModelPrice,
    money::MicroUsd,
    session_status::SessionStatus,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use serde_json::{Value, json};
use store::{Guard, SessionChange, SessionUpdate, StoreError, Tx};

pub(super) use self::commit::cancel_unanswered;
use self::commit::commit;
use self::draft::{Beside, as_tool_use, close_open};
pub(crate) use self::draft::{Draft, last_status, open_items_closed, text_of, transition};
use self::in_flight::InFlight;
use super::{held::HeldSession, queue::one_message};
use crate::{App, audit::Deed, hook::Run, patience::patiently, permission::Ruling};

/// The agent itself, as the author of what it does.
const AGENT: Actor = Actor::System("agent");
/// How many lines of nonsense are kept word by word.
const MOST_GARBAGE: u64 = 100;

/// Records one session on behalf of its owner, and knows what of it is still open.
#[derive(Debug)]
pub(crate) struct Recorder {
    app: App,
    team_id: TeamId,
    session_id: SessionId,
    fence: i64,
    status: SessionStatus,
    open_calls: HashMap<String, ToolCall>,
    open_prompts: VecDeque<Command>,
    in_flight: Option<InFlight>,
    /// The commands that this process made or took up.
    known: HashSet<CommandId>,
    /// A tool was asked for since the last turn began.
    has_used_tools: bool,
    /// The prompts that the last turn answered.
    last_answered: Vec<MessageId>,
    last_turn_began: Option<TurnStarted>,
    /// Lines that were no messages of the protocol.
    garbage: u64,
    /// Why it ends, where somebody ends it.
    ended_by: Option<Deed>,
    model: Option<String>,
    payer: Payer,
    reported_cost: MicroUsd,
    /// What of the agent program's transcript is not stored yet, because the database was away.
    pub(super) unmirrored: Vec<TranscriptPart>,
}

/// For whom a session spends.
#[derive(Debug)]
struct Payer {
    user_id: Option<UserId>,
    agent_id: Option<AgentId>,
    task_id: Option<TaskId>,
}

impl Recorder {
    /// A recorder for a session whose lease was just acquired, or that nobody owns: it writes as long as the fence stays.
    pub(crate) fn new(app: App, session: &domain::session::Session, fence: i64) -> Self {
        Self {
            app,
            team_id: session.team_id,
            session_id: session.id,
            fence,
            status: session.status,
            open_calls: HashMap::new(),
            open_prompts: VecDeque::new(),
            in_flight: None,
            known: HashSet::new(),
            has_used_tools: false,
            last_answered: Vec::new(),
            last_turn_began: None,
            garbage: 0,
            ended_by: None,
            model: session.options.model.clone(),
            payer: Payer { user_id: session.user_id, agent_id: session.agent_id, task_id: session.task_id },
            reported_cost: session.reported_cost,
            unmirrored: Vec::new(),
        }
    }

    /// It knows this call, which has no result yet.
    pub(crate) fn knows_open(&mut self, call: ToolCall) {
        self.open_calls.insert(call.tool_use_id.clone(), call);
    }

    pub(crate) const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// The session as it is held, for whoever renews its lease.
    pub(crate) const fn held(&self) -> HeldSession {
        HeldSession { team_id: self.team_id, id: self.session_id, fence: self.fence }
    }

    pub(super) fn app(&self) -> App {
        self.app.clone()
    }

    pub(crate) const fn status(&self) -> SessionStatus {
        self.status
    }

    pub(super) fn has_running_tool(&self) -> bool {
        self.open_calls.values().any(|call| call.status == ToolCallStatus::Running)
    }

    /// Whether this process made a command, or took it up already.
    pub(super) fn is_known(&self, command: CommandId) -> bool {
        self.known.contains(&command)
    }

    /// Whether the turn did something that would be done twice if it were tried again.
    pub(super) const fn has_used_tools(&self) -> bool {
        self.has_used_tools
    }

    /// The prompts that the last turn answered, or failed to.
    pub(super) fn last_answered(&self) -> Vec<MessageId> {
        self.last_answered.clone()
    }

    /// Whether the agent began on a prompt that is not answered.
    pub(super) fn has_begun_prompt(&self) -> bool {
        self.open_prompts.iter().any(|prompt| prompt.status == CommandStatus::Delivered)
    }

    pub(super) fn has_open_prompt(&self) -> bool {
        !self.open_prompts.is_empty()
    }

    /// Moves the session to another status.
    pub(crate) async fn transition(
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
        let (command, items) = self.app.prompt_rows(self.session_id, text, author);
        let deeds = vec![self.deed(author, AuditAction::SessionPrompt)];
        let mut draft = Draft {
            items: items.into(),
            update: one_message(),
            beside: Beside { deeds, ..Beside::default() },
        };
        let id = command.id;
        self.draft_prompt(&mut draft, command, author);
        Ok((id, self.commit(draft).await?))
    }

    /// Takes up a prompt that waits in the store.
    pub(super) async fn take_up(&mut self, command: Command) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_prompt(&mut draft, command, &AGENT);
        if draft.items.is_empty() {
            self.refuse_lost().await?;
        }
        self.commit(draft).await
    }

    /// Nothing is written, and yet nobody is told what another owner is told.
    async fn refuse_lost(&self) -> Result<(), StoreError> {
        let HeldSession { team_id, id, fence } = self.held();
        let hold =
            || self.app.store().write(move |tx| tx.team(team_id).sessions().hold(id, Guard::Fence(fence)));
        patiently(hold).await
    }

    fn draft_prompt(&mut self, draft: &mut Draft, command: Command, author: &Actor) {
        self.known.insert(command.id);
        self.open_prompts.push_back(command);
        if self.status == SessionStatus::Active {
            self.draft_transition(draft, SessionStatus::Processing, "a prompt was given", author);
        }
    }

    /// What became of a command that is no prompt, and what it changed on the session.
    pub(super) async fn settle(
        &mut self,
        command: Command,
        status: CommandStatus,
        update: SessionUpdate,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        self.known.insert(command.id);
        let command = Command { status, updated_at: self.app.now(), ..command };
        let items = vec![(Change::Updated, TimelineItem::Command(command))];
        self.commit(Draft { items, update, ..Draft::default() }).await
    }

    /// A person's interruption, already told to the agent.
    pub(super) async fn interrupt(&mut self, author: &Actor) -> Result<Vec<TimelineEntry>, StoreError> {
        let done = CommandStatus::Done;
        let command = self.app.command(self.session_id, CommandKind::Interrupt, json!({}), done, author);
        let items = vec![(Change::Created, TimelineItem::Command(command))];
        let deeds = vec![self.deed(author, AuditAction::SessionInterrupt)];
        self.commit(Draft { items, beside: Beside { deeds, ..Beside::default() }, ..Draft::default() }).await
    }

    /// Something that is done to the session now.
    pub(crate) fn deed(&self, author: &Actor, action: AuditAction) -> Deed {
        self.app.deed((self.team_id, author), action).on_session(self.session_id)
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

    /// The agent begins a turn. It says the same each time, so only what differs from the last time is kept; another id of
    /// its own, or another model, is a difference.
    pub(super) async fn turn_started(&mut self, turn: TurnStarted) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.has_used_tools = false;
        let began = TurnStarted {
            message: MessageBody { external_id: None, ..turn.message.clone() },
            ..turn.clone()
        };
        if self.last_turn_began.as_ref() != Some(&began) {
            self.last_turn_began = Some(began);
            draft.update.external_id = Some(turn.external_id);
            self.model = turn.model.clone().or(self.model.take());
            draft.update.model = turn.model;
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
        let mut body = message.body;
        self.keep_unmatched(&mut body, &message.tool_results);
        let message_id = self.draft_whole(&mut draft, body);
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
        self.write_again();
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

    /// The agent program begins another conversation, and is told what was said in this one. It counts cost from zero.
    pub(super) async fn history_replayed(&mut self, text: String) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.reported_cost = MicroUsd::ZERO;
        draft.update.reported_cost = Some(MicroUsd::ZERO);
        let body = MessageBody::text(MessageType::System, text);
        self.draft_message(&mut draft, MessageBody { subtype: Some("history_replayed".to_owned()), ..body });
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

    /// A line that is no message of the protocol. Of a flood of them, the first are kept, and how many there were.
    pub(super) async fn garbage(
        &mut self,
        line: &str,
        size_bytes: u64,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        self.garbage += 1;
        if self.garbage > MOST_GARBAGE {
            return Ok(Vec::new());
        }
        let text = format!("a line of {size_bytes} bytes is no message of the protocol: {line}");
        self.note_error("unparsed_line", text).await
    }

    /// What was decided about a tool call, before the agent is told. `Ask` moves nothing yet.
    pub(super) async fn judged(
        &mut self,
        request: &ToolRequest,
        ruling: &Ruling,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        self.gate_judged(request, ruling, Vec::new()).await
    }

    /// The same, with what hooks did before.
    pub(super) async fn gate_judged(
        &mut self,
        request: &ToolRequest,
        ruling: &Ruling,
        runs: Vec<Run>,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_gate(&mut draft, request, ruling, runs);
        self.commit(draft).await
    }

    /// What hooks did at another event.
    pub(super) async fn hooks_ran(&mut self, runs: Vec<Run>) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_runs(&mut draft, runs);
        self.commit(draft).await
    }

    /// The agent program calls hooks at an event whose name this version does not know.
    pub(super) async fn unknown_event(&mut self, call: &HookCall) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        let text =
            format!("the agent program calls hooks at {}, which this version does not know", call.event);
        let mut body = MessageBody::text(MessageType::System, text);
        body.subtype = Some("unknown_event".to_owned());
        body.content.extra.insert("input".to_owned(), call.input.clone());
        self.draft_message(&mut draft, body);
        self.commit(draft).await
    }

    /// A person is asked, by an approval that is new or waited from before.
    pub(super) async fn asked(
        &mut self,
        request: &ToolRequest,
        approval: Approval,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_tool_use(&mut draft, as_tool_use(request), None);
        if approval.sequence == 0 {
            draft.items.push((Change::Created, TimelineItem::Approval(approval)));
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
        ruling: &Ruling,
        still_waiting: bool,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        self.draft_decision(&mut draft, request, ruling);
        let reason = format!("{}: {}", ruling.decision, ruling.reason);
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
    ) -> Result<(Option<MicroUsd>, Vec<TimelineEntry>), StoreError> {
        let mut draft = Draft::default();
        let is_said = turn.cost.since_last_result.or(turn.cost.cumulative).is_some();
        let price = if is_said { None } else { self.find_price().await? };
        // What was not finished by now never is.
        self.in_flight = None;
        let cost = self.bill(&mut draft, &turn, price.as_ref());
        draft.update.added.usage = turn.usage;
        draft.update.added.duration_ms = turn.duration_ms;
        draft.update.added.total_errors = i64::from(turn.outcome != TurnOutcome::Completed);
        draft.update.result = Some(Value::String(turn.text));
        self.draft_message(&mut draft, turn.message);
        self.last_answered = self.draft_prompts_done(&mut draft, &turn.prompts, turn.queued_prompts);
        if self.status == SessionStatus::Waiting {
            self.draft_transition(&mut draft, SessionStatus::Processing, "the turn ended", &AGENT);
        }
        if self.status == SessionStatus::Processing && self.open_prompts.is_empty() {
            self.draft_transition(&mut draft, SessionStatus::Active, "the turn ended", &AGENT);
        }
        Ok((cost, self.commit(draft).await?))
    }

    /// What the model's tokens cost now.
    async fn find_price(&self) -> Result<Option<ModelPrice>, StoreError> {
        let Some(model) = self.model.clone() else { return Ok(None) };
        let now = self.app.now();
        let find = || {
            let model = model.clone();
            self.app.store().read(move |conn| conn.model_prices().find_at(&model, now))
        };
        patiently(find).await
    }

    /// Somebody ends it; that is audited with its end.
    pub(super) fn end_by(&mut self, author: &Actor) {
        self.ended_by = Some(self.deed(author, AuditAction::SessionTerminate));
    }

    /// It does not start, for this reason; that is audited with its end.
    pub(super) fn fails_to_start(&mut self, author: &Actor, reason: &str) {
        self.ended_by = Some(self.deed(author, AuditAction::SessionStart).failed(reason));
    }

    /// The process is gone: what was open is closed, the session rests in `to`, and the lease is free. With `keeps_waiting`,
    /// prompts that the agent did not begin on wait for the next process. A person who ended it meanwhile has the last word.
    pub(super) async fn ended(
        &mut self,
        to: SessionStatus,
        reason: &str,
        error: Option<String>,
        actor: &Actor,
        keeps_waiting: bool,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut draft = Draft::default();
        let now = self.app.now();
        let calls = self.open_calls.drain().map(|(_, call)| call);
        let is_closed = |prompt: &Command| !keeps_waiting || prompt.status != CommandStatus::Queued;
        close_open(&mut draft, calls, self.open_prompts.drain(..).filter(is_closed), now);
        draft.update.error_message = error;
        draft.update.release_lease = true;
        draft.beside.deeds.extend(self.ended_by.take());
        if let Some(more) = self.garbage.checked_sub(MOST_GARBAGE).filter(|more| *more > 0) {
            let text = format!("{more} lines more were no messages of the protocol");
            let body = MessageBody::text(MessageType::System, text);
            self.draft_message(&mut draft, MessageBody { subtype: Some("unparsed_line".to_owned()), ..body });
        }
        // A question is over when its process is; from there every place of rest can be reached.
        self.draft_back_to_work(&mut draft, false, "the process ended");
        self.draft_transition(&mut draft, to, reason, actor);
        let entries = self.commit(draft).await?;
        self.status = last_status(&entries).unwrap_or(self.status);
        Ok(entries)
    }

    async fn commit(&mut self, draft: Draft) -> Result<Vec<TimelineEntry>, StoreError> {
        let Some((change, beside)) = self.change_of(draft) else { return Ok(Vec::new()) };
        let entries = commit(&self.app, self.team_id, change, beside).await?;
        self.keep_numbers(&entries);
        Ok(entries)
    }

    /// Makes the change of a draft in a transaction that somebody else commits.
    pub(crate) fn write(self, tx: &Tx<'_>, draft: Draft) -> Result<(), StoreError> {
        let Some((change, beside)) = self.change_of(draft) else { return Ok(()) };
        commit::make(tx, self.team_id, change, beside).map(drop)
    }

    /// Whatever changes a session has a row that says so; without one there is no change.
    fn change_of(&self, draft: Draft) -> Option<(SessionChange, Beside)> {
        let Draft { items, update, beside } = draft;
        let (guard, at) = (Guard::Fence(self.fence), self.app.now());
        let change = SessionChange { session_id: self.session_id, guard, at, update, items };
        (!change.items.is_empty()).then_some((change, beside))
    }

    /// A row gets its number when it is written, and whoever watches is told the same one with each later change.
    fn keep_numbers(&mut self, entries: &[TimelineEntry]) {
        for entry in entries.iter().filter(|entry| entry.change == Change::Created) {
            match &entry.item {
                TimelineItem::ToolCall(call) => {
                    if let Some(open) = self.open_calls.get_mut(&call.tool_use_id) {
                        open.sequence = call.sequence;
                    }
                }
                TimelineItem::Command(command) => {
                    if let Some(open) = self.open_prompts.iter_mut().find(|open| open.id == command.id) {
                        open.sequence = command.sequence;
                    }
                }
                TimelineItem::Message(_)
                | TimelineItem::Transition(_)
                | TimelineItem::HookExecution(_)
                | TimelineItem::Decision(_)
                | TimelineItem::Approval(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
