//! The rows of a change: messages, tool calls, commands and transitions as a happening makes them.

use std::{borrow::Cow, collections::VecDeque, time::Duration};

use domain::{
    actor::Actor,
    agent_event::{ToolRequest, ToolResult, ToolUse, TurnEnded},
    audit_action::AuditAction,
    command::{Command, CommandKind, CommandStatus},
    cost::{CostEntry, CostSource},
    decision::PermissionDecision,
    hook_execution::HookExecution,
    id::{CommandId, CostEntryId, DecisionId, MessageId, SessionId, ToolCallId, TransitionId},
    message::{Message, MessageBody},
    metric::Metric,
    model_price::ModelPrice,
    money::MicroUsd,
    permission::Decision,
    secret::{redact_text, redact_value},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
    transition::Transition,
};
use serde_json::{Map, Value};
use store::SessionUpdate;

use super::{AGENT, Recorder};
use crate::{App, audit::Deed, hook::Run, permission::Ruling, session::inbox::message_of};

/// Rows and counters that will be one change.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) items: Vec<(Change, TimelineItem)>,
    pub(crate) update: SessionUpdate,
    pub(crate) beside: Beside,
}

/// Rows that are written together with a change and stand in no timeline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    pub(crate) costs: Vec<CostEntry>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) deeds: Vec<Deed>,
}

impl Recorder {
    pub(crate) fn draft_message(&self, draft: &mut Draft, body: MessageBody) -> MessageId {
        let id = MessageId::from_uuid(self.app.next_id());
        let message = Message::new(id, self.session_id, body, self.app.now());
        draft.items.push((Change::Created, TimelineItem::Message(message)));
        draft.update.added.total_messages += 1;
        id
    }

    pub(crate) fn draft_transition(
        &mut self,
        draft: &mut Draft,
        to: SessionStatus,
        reason: &str,
        actor: &Actor,
    ) {
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

    pub(crate) fn draft_tool_use(
        &mut self,
        draft: &mut Draft,
        tool_use: ToolUse,
        message_id: Option<MessageId>,
    ) {
        if self.open_calls.contains_key(&tool_use.tool_use_id) {
            return;
        }
        self.has_used_tools = true;
        let call = ToolCall {
            message_id,
            ..ToolCall::new(
                ToolCallId::from_uuid(self.app.next_id()),
                self.session_id,
                tool_use.tool_use_id.clone(),
                tool_use.tool_name,
                tool_use.input,
                self.app.now(),
            )
        };
        draft.update.added.total_tool_calls += 1;
        draft.items.push((Change::Created, TimelineItem::ToolCall(call.clone())));
        self.open_calls.insert(tool_use.tool_use_id, call);
    }

    /// What hooks did before a tool runs, and what was decided then.
    pub(crate) fn draft_gate(
        &mut self,
        draft: &mut Draft,
        request: &ToolRequest,
        ruling: &Ruling,
        runs: Vec<Run>,
    ) {
        if !runs.is_empty() {
            self.draft_tool_use(draft, as_tool_use(request), None);
            self.draft_runs(draft, runs);
        }
        self.draft_decision(draft, request, ruling);
    }

    /// A decision, and what it makes of its tool call. The gate can be ahead of the message that asks for the tool, so the call
    /// may have to be recorded first.
    pub(super) fn draft_decision(&mut self, draft: &mut Draft, request: &ToolRequest, ruling: &Ruling) {
        self.draft_tool_use(draft, as_tool_use(request), None);
        let now = self.app.now();
        let reason = redact_text(&ruling.reason);
        draft.beside.deeds.push(self.deed_of(request, ruling));
        draft.update.added.total_permission_checks += 1;
        let Some(call) = self.open_calls.get_mut(&request.tool_use_id) else { return };
        draft.items.push((
            Change::Created,
            TimelineItem::Decision(PermissionDecision {
                id: DecisionId::from_uuid(self.app.next_id()),
                session_id: self.session_id,
                sequence: 0,
                tool_call_id: Some(call.id),
                tool_use_id: Some(request.tool_use_id.clone()),
                tool_name: request.tool_name.clone(),
                // It stands in the tool call; the context holds its digest.
                input_data: None,
                context: Some(without_secrets(Value::Object(ruling.context.clone()))),
                decision: ruling.decision,
                decided_by: ruling.by,
                policy_name: ruling.policy.clone(),
                approval_id: ruling.approval,
                reason: Some(reason.clone().into_owned()),
                interrupted: ruling.interrupted,
                decided_at: now,
            }),
        ));
        call.permission_decision = Some(ruling.decision);
        call.permission_reason = Some(reason.clone().into_owned());
        call.tool_input = request.input.clone();
        match ruling.decision {
            Decision::Allow => {
                call.status = ToolCallStatus::Running;
                call.started_at = Some(now);
            }
            Decision::Deny => {
                call.status = ToolCallStatus::Denied;
                call.error_message = Some(reason.into_owned());
                call.completed_at = Some(now);
            }
            Decision::Ask => {}
        }
        draft.items.push((Change::Updated, TimelineItem::ToolCall(call.clone())));
    }

    fn deed_of(&self, request: &ToolRequest, ruling: &Ruling) -> Deed {
        let doer = (self.team_id, &Actor::System("permission"));
        let deed = self.app.deed(doer, AuditAction::ToolCallDecide).on(&request.tool_use_id);
        let deed = deed.in_session(self.session_id).with("tool", request.tool_name.as_str());
        let deed = deed.with("decision", ruling.decision.as_str()).with("decided_by", ruling.by.as_str());
        let deed = match &ruling.policy {
            Some(policy) => deed.with("policy", policy.as_str()),
            None => deed,
        };
        let deed = match ruling.context.get("input_sha256") {
            Some(digest) => deed.with("input_sha256", digest.clone()),
            None => deed,
        };
        match ruling.decision {
            Decision::Deny => deed.denied(&ruling.reason),
            Decision::Allow | Decision::Ask => deed.with("reason", ruling.reason.as_str()),
        }
    }

    /// A call that nothing here has anything to say about: the agent program decides by itself, so it is no decision of ours,
    /// and the call stands as one that was asked for.
    pub(crate) fn draft_left(&mut self, draft: &mut Draft, request: &ToolRequest, why: &str) {
        self.draft_tool_use(draft, as_tool_use(request), None);
        draft.update.added.total_permission_checks += 1;
        let doer = (self.team_id, &Actor::System("permission"));
        let deed = self.app.deed(doer, AuditAction::ToolCallDecide).on(&request.tool_use_id);
        let deed = deed.in_session(self.session_id).with("tool", request.tool_name.as_str());
        draft.beside.deeds.push(deed.with("decision", "none").with("reason", why));
        let Some(call) = self.open_calls.get_mut(&request.tool_use_id) else { return };
        call.permission_reason = Some(why.to_owned());
        call.tool_input = request.input.clone();
        draft.items.push((Change::Updated, TimelineItem::ToolCall(call.clone())));
    }

    /// Runs of hooks, each with the call it was about if that is on record.
    pub(crate) fn draft_runs(&self, draft: &mut Draft, runs: Vec<Run>) {
        for run in runs {
            let call = run.tool_use_id.as_ref().and_then(|id| self.call_of(draft, id));
            let execution = HookExecution {
                id: run.id,
                session_id: self.session_id,
                sequence: 0,
                hook_name: run.hook_name,
                hook_type: run.event,
                tool_call_id: call,
                tool_use_id: run.tool_use_id,
                tool_name: run.tool_name,
                input_data: Some(without_secrets(run.input)),
                output_data: run.output.map(without_secrets),
                context_data: Some(without_secrets(run.context)),
                continue_execution: run.goes_on,
                duration_us: i64::try_from(run.duration.as_micros()).unwrap_or(i64::MAX),
                error_message: run.error.map(|error| redact_text(&error).into_owned()),
                executed_at: run.at,
            };
            draft.update.added.total_hook_executions += 1;
            draft.items.push((Change::Created, TimelineItem::HookExecution(execution)));
            draft.beside.deeds.extend(run.deed);
            draft.beside.metrics.extend(run.metrics);
        }
    }

    /// The call of a use that is open, or that this change closes.
    fn call_of(&self, draft: &Draft, tool_use_id: &str) -> Option<ToolCallId> {
        let closed = || {
            draft.items.iter().rev().find_map(|(_, item)| match item {
                TimelineItem::ToolCall(call) if call.tool_use_id == tool_use_id => Some(call.id),
                _ => None,
            })
        };
        self.open_calls.get(tool_use_id).map(|call| call.id).or_else(closed)
    }

    /// A result whose call is not open has no row to stand in, so it stays with its message.
    pub(super) fn keep_unmatched(&self, body: &mut MessageBody, results: &[ToolResult]) {
        let unmatched = results.iter().filter(|result| !self.open_calls.contains_key(&result.tool_use_id));
        let kept: Map<_, _> =
            unmatched.map(|result| (result.tool_use_id.clone(), result.output.clone())).collect();
        if !kept.is_empty() {
            body.content.extra.insert("unmatched_results".to_owned(), Value::Object(kept));
        }
    }

    pub(crate) fn draft_tool_result(&mut self, draft: &mut Draft, result: ToolResult) {
        let now = self.app.now();
        let Some(mut call) = self.open_calls.remove(&result.tool_use_id) else { return };
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

    pub(super) fn draft_back_to_work(&mut self, draft: &mut Draft, still_waiting: bool, reason: &str) {
        if self.status == SessionStatus::Waiting && !still_waiting {
            self.draft_transition(draft, SessionStatus::Processing, reason, &AGENT);
        }
    }

    /// What the turn cost: as the program says it, or by how much its running total grew, or what its tokens cost at the price
    /// of the model. `None` is not known.
    pub(super) fn bill(
        &mut self,
        draft: &mut Draft,
        turn: &TurnEnded,
        price: Option<&ModelPrice>,
    ) -> Option<MicroUsd> {
        let grown = turn.cost.cumulative.map(|total| total.growth_since(self.reported_cost));
        let said = turn.cost.since_last_result.or(grown);
        let cost = said.or_else(|| price.map(|price| price.cost(&turn.usage)));
        if let Some(total) = turn.cost.cumulative {
            self.reported_cost = total;
        }
        draft.update.added.cost = cost.unwrap_or_default();
        draft.update.reported_cost = turn.cost.cumulative;
        if turn.usage.total() > 0 || cost.is_some_and(|cost| cost > MicroUsd::ZERO) {
            draft.beside.costs.push(CostEntry {
                id: CostEntryId::from_uuid(self.app.next_id()),
                team_id: self.team_id,
                session_id: Some(self.session_id),
                user_id: self.payer.user_id,
                agent_id: self.payer.agent_id,
                task_id: self.payer.task_id,
                model: self.model.clone(),
                usage: turn.usage,
                cost,
                source: if said.is_some() { CostSource::Reported } else { CostSource::Computed },
                at: self.app.now(),
            });
        }
        cost
    }

    /// Marks the prompts a result names. A program that names none answers them in order, except those it still queues.
    pub(super) fn draft_prompts_done(
        &mut self,
        draft: &mut Draft,
        named: &[CommandId],
        queued: u32,
    ) -> Vec<MessageId> {
        let now = self.app.now();
        let keep = if named.is_empty() { queued as usize } else { usize::MAX };
        let answered = self.open_prompts.len().saturating_sub(keep);
        let is_done = |index: usize, command: &Command| index < answered || named.contains(&command.id);
        let (done, open): (VecDeque<_>, VecDeque<_>) =
            self.open_prompts.drain(..).enumerate().partition(|(index, command)| is_done(*index, command));
        self.open_prompts = open.into_iter().map(|(_, command)| command).collect();
        let answered = done.iter().filter_map(|(_, command)| message_of(command)).collect();
        for (_, command) in done {
            let command = Command { status: CommandStatus::Done, updated_at: now, ..command };
            draft.items.push((Change::Updated, TimelineItem::Command(command)));
        }
        answered
    }
}

/// As it is stored: what ran had the secrets, and whoever reads the record needs none.
fn without_secrets(value: Value) -> Value {
    match redact_value(&value) {
        Cow::Owned(redacted) => redacted,
        Cow::Borrowed(_) => value,
    }
}

/// A change of status as a row.
pub(crate) fn transition(
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
        forced: false,
        created_at: app.now(),
    }
}

/// Closes what an ended process left open: calls without a result failed, prompts without an answer are cancelled.
pub(crate) fn open_items_closed(
    calls: impl IntoIterator<Item = ToolCall>,
    commands: impl IntoIterator<Item = Command>,
    now: Timestamp,
) -> Vec<(Change, TimelineItem)> {
    let mut draft = Draft::default();
    close_open(&mut draft, calls, commands, now);
    draft.items
}

pub(super) fn close_open(
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

/// Closes what was said to a process that does not hear it any more; prompts are for the next one. Who said that the session
/// is to end is obeyed where it would be gone on with: what it was told before that is not done.
pub(super) fn close_unheard(items: &mut Vec<(Change, TimelineItem)>, commands: &[Command], now: Timestamp) {
    let is_end = |command: &&Command| command.kind == CommandKind::Terminate;
    let rests = items.iter_mut().find_map(|(_, item)| match item {
        TimelineItem::Transition(transition) if transition.to == SessionStatus::Paused => Some(transition),
        _ => None,
    });
    let end = commands.iter().find(is_end).filter(|_| rests.is_some());
    if let (Some(transition), Some(end)) = (rests, end) {
        transition.to = SessionStatus::Terminated;
        transition.reason = "ended by a person".to_owned();
        transition.actor.clone_from(&end.author);
    }
    for command in commands {
        let status = match (command.kind, end) {
            (CommandKind::Terminate, Some(_)) => CommandStatus::Done,
            (CommandKind::Prompt, Some(end)) if command.sequence < end.sequence => CommandStatus::Cancelled,
            (CommandKind::Prompt, _) => continue,
            _ => CommandStatus::Cancelled,
        };
        let is_closed = |(_, item): &(Change, TimelineItem)| *item.row_id() == *command.id.as_uuid();
        if !items.iter().any(is_closed) {
            let closed = Command { status, updated_at: now, ..command.clone() };
            items.push((Change::Updated, TimelineItem::Command(closed)));
        }
    }
}

/// Where the session is after the last of these entries that says so.
pub(crate) fn last_status(entries: &[TimelineEntry]) -> Option<SessionStatus> {
    entries.iter().rev().find_map(|entry| match &entry.item {
        TimelineItem::Transition(transition) => Some(transition.to),
        _ => None,
    })
}

pub(super) fn as_tool_use(request: &ToolRequest) -> ToolUse {
    ToolUse {
        tool_use_id: request.tool_use_id.clone(),
        tool_name: request.tool_name.clone(),
        input: request.input.clone(),
    }
}

/// The words of a tool's output: a text, or the text blocks of a list.
pub(crate) fn text_of(output: &Value) -> String {
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
