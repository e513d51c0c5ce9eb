//! What is recorded of an event: rows of its session, in one transaction with everything that belongs to it.

use std::path::PathBuf;

use domain::{
    actor::Actor,
    agent_event::{HookCall, ToolRequest, ToolResult, ToolUse},
    audit_action::AuditAction,
    message::{MessageBody, MessageType},
    permission::PermissionMode,
    session::{Session, name_from_prompt},
    session_status::SessionStatus,
    timeline::{Change, TimelineItem},
};
use serde_json::{Value, json};
use store::{SessionEdit, StoreError, Tx};

use super::{
    Capture, Judged, Wanted,
    row::{CAPTURE, MOST_ROWS},
};
use crate::{
    App, Caller,
    hook::Run,
    session::record::{Draft, Recorder, open_items_closed, transition},
};

/// An event that was judged, on its way into the record.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    external_id: String,
    permission_mode: Option<PermissionMode>,
    folder: PathBuf,
    runs: Vec<Run>,
    what: What,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum What {
    Gate(ToolRequest, Judged),
    /// An event, and whether a hook stopped it.
    Event(HookCall, bool),
}

impl Happening {
    pub(super) fn gate(
        capture: &Capture,
        request: ToolRequest,
        judged: Judged,
        runs: Vec<Run>,
        folder: PathBuf,
    ) -> Self {
        Self::new(capture, What::Gate(request, judged), runs, folder)
    }

    pub(super) fn event(
        capture: &Capture,
        call: HookCall,
        runs: Vec<Run>,
        is_stopped: bool,
        folder: PathBuf,
    ) -> Self {
        Self::new(capture, What::Event(call, is_stopped), runs, folder)
    }

    fn new(capture: &Capture, what: What, runs: Vec<Run>, folder: PathBuf) -> Self {
        let external_id = capture.hook.external_id.clone();
        let (permission_mode, wanted) = (capture.hook.permission_mode, capture.wanted.clone());
        Self { external_id, permission_mode, folder, runs, what, wanted }
    }

    fn tool_use_id(&self) -> Option<&str> {
        match &self.what {
            What::Gate(request, _) => Some(&request.tool_use_id),
            What::Event(call, _) => call.tool_use_id.as_deref(),
        }
    }
}

impl App {
    /// Records an event; `false` when Provost took the session up meanwhile, and records it there.
    pub(super) async fn record_captured(
        &self,
        caller: Caller,
        happening: Happening,
    ) -> Result<bool, StoreError> {
        // Where two make the row of a new session at once, the slower one finds it at its second try. Where it is still not
        // there then, a session of that id was deleted, and another one begins.
        const TRIES: u32 = 2;
        let mut tries = 0;
        loop {
            let (app, happening, row) = (self.clone(), happening.clone(), tries / TRIES);
            let record = move |tx: &Tx<'_>| {
                happening.wanted.check()?;
                app.write_captured(tx, caller, happening, row)
            };
            match self.store().write(record).await {
                Err(StoreError::Conflict { .. }) if row < MOST_ROWS => tries += 1,
                outcome => return outcome,
            }
        }
    }

    fn write_captured(
        &self,
        tx: &Tx<'_>,
        caller: Caller,
        happening: Happening,
        row: u32,
    ) -> Result<bool, StoreError> {
        let place = (row, happening.folder.as_path());
        let Some((session, is_new)) = self.hold_captured(tx, caller, &happening.external_id, place)? else {
            return Ok(false);
        };
        let team = tx.team(caller.team_id);
        let mut recorder = Recorder::new(self.clone(), &session, session.fence);
        let known = match happening.tool_use_id() {
            Some(tool_use_id) => team.timeline().find_tool_call(session.id, tool_use_id)?,
            None => None,
        };
        let is_finished = known.as_ref().is_some_and(|call| !call.status.is_open());
        if let Some(call) = known.filter(|call| call.status.is_open()) {
            recorder.knows_open(call);
        }
        let mut draft = Draft::default();
        if is_new {
            let created = transition(self, session.id, None, session.status, "created", &CAPTURE);
            draft.items.push((Change::Created, TimelineItem::Transition(created)));
        }
        // Whoever owned it is gone.
        draft.update.release_lease = session.lease.is_some();
        draft.update.permission_mode =
            happening.permission_mode.filter(|mode| *mode != session.options.permission_mode);
        match happening.what {
            What::Gate(request, judged) => {
                is_at_work(&mut recorder, &mut draft);
                recorder.draft_judged(&mut draft, &request, &judged, happening.runs);
            }
            What::Event(call, is_stopped) => {
                let event =
                    Event { app: self, caller, session: &session, call: &call, is_stopped, is_finished };
                let runs = happening.runs;
                event.draft(tx, &mut recorder, &mut draft, runs)?;
            }
        }
        recorder.write(tx, draft)?;
        Ok(true)
    }
}

impl Recorder {
    fn draft_judged(&mut self, draft: &mut Draft, request: &ToolRequest, judged: &Judged, runs: Vec<Run>) {
        match judged {
            Judged::Ruled(ruling) => self.draft_gate(draft, request, ruling, runs),
            Judged::Left(why) => {
                self.draft_left(draft, request, why);
                self.draft_runs(draft, runs);
            }
        }
    }
}

/// An event that is no gate.
struct Event<'e> {
    app: &'e App,
    caller: Caller,
    session: &'e Session,
    call: &'e HookCall,
    is_stopped: bool,
    /// The tool call it names has its result already.
    is_finished: bool,
}

impl Event<'_> {
    fn draft(
        &self,
        tx: &Tx<'_>,
        recorder: &mut Recorder,
        draft: &mut Draft,
        runs: Vec<Run>,
    ) -> Result<(), StoreError> {
        is_there(recorder, draft);
        match self.call.event.as_str() {
            "UserPromptSubmit" => self.draft_prompt(tx, recorder, draft)?,
            "PostToolUse" | "PostToolUseFailure" => {
                is_at_work(recorder, draft);
                self.draft_result(recorder, draft);
            }
            "Stop" => self.draft_stop(recorder, draft),
            "SessionEnd" => self.draft_end(tx, recorder, draft)?,
            _ => {
                recorder.draft_message(draft, self.as_message());
            }
        }
        recorder.draft_runs(draft, runs);
        Ok(())
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.call.input.get(field).and_then(Value::as_str)
    }

    /// A person's words. They name the session when they are its first.
    fn draft_prompt(
        &self,
        tx: &Tx<'_>,
        recorder: &mut Recorder,
        draft: &mut Draft,
    ) -> Result<(), StoreError> {
        let prompt = self.text("prompt").unwrap_or_default();
        let mut body = MessageBody::text(MessageType::User, prompt);
        body.external_id = self.text("prompt_id").map(str::to_owned);
        recorder.draft_message(draft, body);
        let author = Actor::User(self.caller.user_id);
        draft.beside.deeds.push(recorder.deed(&author, AuditAction::SessionPrompt));
        if !self.is_stopped && recorder.status() == SessionStatus::Active {
            recorder.draft_transition(draft, SessionStatus::Processing, "a prompt was given", &author);
        }
        let Session { id, version, name, .. } = self.session;
        if name == UNNAMED
            && let Ok(name) = name_from_prompt(prompt).parse()
        {
            let edit = SessionEdit { name: Some(name), ..SessionEdit::default() };
            tx.team(self.caller.team_id).sessions().edit(*id, *version, &edit, self.app.now())?;
        }
        Ok(())
    }

    /// What a tool gave. The call of one that nobody told of before is recorded with its result; to one that has a result
    /// nothing is done any more.
    fn draft_result(&self, recorder: &mut Recorder, draft: &mut Draft) {
        let input = &self.call.input;
        let Some(tool_use_id) = self.call.tool_use_id.clone().filter(|_| !self.is_finished) else {
            recorder.draft_message(draft, self.as_message());
            return;
        };
        let tool_use = ToolUse {
            tool_use_id: tool_use_id.clone(),
            tool_name: self.text("tool_name").unwrap_or("unknown").to_owned(),
            input: input.get("tool_input").cloned().unwrap_or_else(|| json!({})),
        };
        recorder.draft_tool_use(draft, tool_use, None);
        let is_error = self.call.event.as_str() == "PostToolUseFailure";
        let output = if is_error {
            json!({ "content": self.text("error").unwrap_or("it gave no reason") })
        } else {
            output_of(input.get("tool_response").unwrap_or(&Value::Null))
        };
        let result = ToolResult { tool_use_id, output, is_error, did_not_run: false };
        recorder.draft_tool_result(draft, result);
        let took = input.get("duration_ms").and_then(Value::as_f64).filter(|took| (0.0..1e15).contains(took));
        if let (Some(took), Some((_, TimelineItem::ToolCall(call)))) = (took, draft.items.last_mut()) {
            // What the tool took; from the gate on there can be a person's time as well.
            call.duration_ms = Some(whole(took));
        }
    }

    /// The turn ends with the agent's last words, unless a hook makes it go on.
    fn draft_stop(&self, recorder: &mut Recorder, draft: &mut Draft) {
        match self.text("last_assistant_message").filter(|words| !words.is_empty()) {
            Some(words) => {
                recorder.draft_message(draft, MessageBody::text(MessageType::Assistant, words));
                draft.update.result = Some(Value::String(words.to_owned()));
            }
            None => drop(recorder.draft_message(draft, self.as_message())),
        }
        if !self.is_stopped && recorder.status() == SessionStatus::Processing {
            recorder.draft_transition(draft, SessionStatus::Active, "the turn ended", &CAPTURE);
        }
    }

    /// The agent program lets go of the session: what has no result gets none any more.
    fn draft_end(&self, tx: &Tx<'_>, recorder: &mut Recorder, draft: &mut Draft) -> Result<(), StoreError> {
        recorder.draft_message(draft, self.as_message());
        let calls = tx.team(self.caller.team_id).timeline().list_open_tool_calls(self.session.id)?;
        draft.items.extend(open_items_closed(calls, [], self.app.now()));
        let reason =
            format!("the agent program ended it: {}", self.text("reason").unwrap_or("no reason given"));
        recorder.draft_transition(draft, SessionStatus::Completed, &reason, &CAPTURE);
        Ok(())
    }

    /// An event without rows of its own, as it came.
    fn as_message(&self) -> MessageBody {
        let event = &self.call.event;
        let words = ["message", "reason", "source", "last_assistant_message", "agent_type", "trigger"];
        let words = words.into_iter().find_map(|field| self.text(field)).filter(|words| !words.is_empty());
        let text = words.map_or_else(|| event.to_string(), |words| format!("{event}: {words}"));
        let mut body = MessageBody::text(MessageType::System, text);
        let subtype =
            if event.is_known() { in_snake_case(event.as_str()) } else { "unknown_event".to_owned() };
        body.subtype = Some(subtype);
        body.content.extra.insert("input".to_owned(), self.call.input.clone());
        body
    }
}

/// The name of a session that nobody named.
const UNNAMED: &str = "untitled";

/// The agent program is there, whatever was recorded last: a session that was over is gone on with.
fn is_there(recorder: &mut Recorder, draft: &mut Draft) {
    let status = recorder.status();
    if status.is_resumable() {
        let reason = match status {
            SessionStatus::Created => "an agent program elsewhere tells of it",
            _ => "an agent program elsewhere goes on with it",
        };
        recorder.draft_transition(draft, SessionStatus::Connecting, reason, &CAPTURE);
    }
    // A question of a process that is gone is nobody's any more.
    if matches!(recorder.status(), SessionStatus::Connecting | SessionStatus::Waiting) {
        recorder.draft_transition(draft, SessionStatus::Active, "it is there", &CAPTURE);
    }
}

/// The agent works.
fn is_at_work(recorder: &mut Recorder, draft: &mut Draft) {
    is_there(recorder, draft);
    if recorder.status() == SessionStatus::Active {
        recorder.draft_transition(draft, SessionStatus::Processing, "the agent uses a tool", &CAPTURE);
    }
}

/// A tool's answer as its call keeps it: in the program's own structure, with the words that the model saw where they are known.
fn output_of(response: &Value) -> Value {
    let is_content = |value: &Value| value.is_string() || value.is_array();
    let printed = response.get("stdout").or_else(|| response.get("content"));
    match (response, printed) {
        (content, _) if is_content(content) => json!({ "content": content }),
        (_, Some(content)) if is_content(content) => json!({ "content": content, "detail": response }),
        _ => json!({ "detail": response }),
    }
}

/// `SessionStart` is `session_start`.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, character) in name.char_indices() {
        if character.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[expect(clippy::cast_possible_truncation, reason = "a duration below 10^15 ms")]
fn whole(milliseconds: f64) -> i64 {
    milliseconds.round() as i64
}
