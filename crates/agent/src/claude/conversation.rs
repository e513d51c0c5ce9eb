//! Who owes whom an answer. Pure: lines and times come in, lines and events go out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    agent_event::{AgentEvent, AgentInput, AgentMessage, PermissionAnswer},
    hook::{HookAnswer, HookEvent},
    id::CommandId,
    message::{MessageBody, MessageType},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    heard::Heard,
    outgoing,
    wire::{Question, Reply},
};

/// How long the agent CLI may take to answer a control request.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(60);
/// Requests told and not yet answered; further ones are refused at once.
const MOST_OWED: usize = 1024;

/// The state of a conversation that is past its handshake.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// Requests of the agent CLI that we owe an answer.
    owed: BTreeMap<String, Owed>,
    /// Requests of ours that the agent CLI owes an answer.
    controls: BTreeMap<String, Control>,
    /// Prompts sent and not yet named by a result.
    prompts: BTreeSet<CommandId>,
    last_control: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Owed {
    Gate,
    Permission,
    Hook(HookEvent),
}

#[derive(Debug)]
struct Control {
    name: &'static str,
    deadline: Instant,
}

/// What follows from something heard.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Tell(Box<AgentEvent>),
    Send(String),
    Nothing,
}

impl Step {
    fn tell(event: AgentEvent) -> Self {
        Self::Tell(Box::new(event))
    }
}

impl Conversation {
    /// Takes in what the agent CLI said.
    pub(crate) fn hear(&mut self, heard: Heard) -> Step {
        match heard {
            Heard::Event(event) => self.event(event),
            Heard::Question(question) => self.question(question),
            Heard::Reply(reply) => self.reply(reply),
            Heard::Cancelled(request_id) => match self.owed.remove(&request_id) {
                Some(_) => Step::tell(AgentEvent::RequestCancelled { request_id }),
                None => Step::Nothing,
            },
            Heard::Nothing => Step::Nothing,
        }
    }

    /// The line for an input. None for an answer nobody waits for any more, and for inputs that are no lines.
    pub(crate) fn tell(&mut self, input: AgentInput, now: Instant) -> Option<String> {
        match input {
            AgentInput::Prompt { id, text } => {
                self.prompts.insert(id);
                Some(outgoing::prompt(id, &text))
            }
            AgentInput::AnswerGate { request_id, decision, reason, input, context } => {
                self.settle(&request_id, |owed| *owed == Owed::Gate)?;
                Some(outgoing::gate_answer(&request_id, decision, &reason, input, context))
            }
            AgentInput::AnswerHook { request_id, answer } => {
                match self.settle(&request_id, |owed| matches!(owed, Owed::Hook(_)))? {
                    Owed::Hook(event) => Some(outgoing::hook_answer(&request_id, &event, answer)),
                    Owed::Gate | Owed::Permission => None,
                }
            }
            AgentInput::AnswerPermission { request_id, answer } => {
                self.settle(&request_id, |owed| *owed == Owed::Permission)?;
                Some(outgoing::permission_answer(&request_id, &answer))
            }
            AgentInput::Interrupt => Some(outgoing::interrupt(&self.control("interrupt", now))),
            AgentInput::SetMode(mode) => {
                Some(outgoing::set_mode(&self.control("set_permission_mode", now), mode))
            }
            AgentInput::SetModel(model) => {
                Some(outgoing::set_model(&self.control("set_model", now), model.as_deref()))
            }
            AgentInput::Close | AgentInput::Kill => None,
        }
    }

    /// When [`expire`](Self::expire) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.controls.values().map(|control| control.deadline).min()
    }

    /// Gives up on control requests that were not answered in time.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<AgentEvent> {
        let expired = self.controls.extract_if(.., |_, control| control.deadline <= now);
        let error = format!("the agent program did not answer within {} s", CONTROL_TIMEOUT.as_secs());
        expired.map(|(_, control)| control_error(control.name, &error)).collect()
    }

    /// The conversation is over, so nobody waits for answers.
    pub(crate) fn end(&mut self) -> Vec<AgentEvent> {
        let owed = std::mem::take(&mut self.owed);
        owed.into_keys().map(|request_id| AgentEvent::RequestCancelled { request_id }).collect()
    }

    fn event(&mut self, event: AgentEvent) -> Step {
        match &event {
            AgentEvent::Message(message) if self.is_own_prompt(&message.body) => return Step::Nothing,
            AgentEvent::TurnEnded(ended) => self.prompts.retain(|prompt| !ended.prompts.contains(prompt)),
            _ => {}
        }
        Step::tell(event)
    }

    /// The agent CLI repeats a prompt that waited in its queue; it stands in its command already.
    fn is_own_prompt(&self, body: &MessageBody) -> bool {
        let is_repeated = body.content.extra.get("isReplay").is_some_and(|value| value == true);
        let id = body.external_id.as_deref().and_then(|id| id.parse().ok());
        is_repeated && id.is_some_and(|id| self.prompts.contains(&id))
    }

    fn question(&mut self, question: Question) -> Step {
        match question {
            Question::Gate(request) => {
                self.owe(Owed::Gate, request.request_id.clone(), AgentEvent::Gate(request))
            }
            Question::Permission(request) => {
                self.owe(Owed::Permission, request.request_id.clone(), AgentEvent::Permission(request))
            }
            Question::Hook(call) => {
                self.owe(Owed::Hook(call.event.clone()), call.request_id.clone(), AgentEvent::Hook(call))
            }
            Question::UnreadableHook { request_id } => Step::Send(outgoing::no_opinion(&request_id)),
            Question::UnreadableGate { request_id } => {
                Step::Send(outgoing::gate_denial(&request_id, "Provost cannot read this request"))
            }
            Question::Unsupported { request_id, subtype } => {
                Step::Send(outgoing::error(&request_id, &format!("unsupported request {subtype:?}")))
            }
        }
    }

    fn owe(&mut self, owed: Owed, request_id: String, event: AgentEvent) -> Step {
        if self.owed.len() >= MOST_OWED && !self.owed.contains_key(&request_id) {
            return Step::Send(refusal(&owed, &request_id));
        }
        self.owed.insert(request_id, owed);
        Step::tell(event)
    }

    /// Takes an answer that is owed; `None` when it is late, unknown or of another kind.
    fn settle(&mut self, request_id: &str, is_right: impl FnOnce(&Owed) -> bool) -> Option<Owed> {
        if !self.owed.get(request_id).is_some_and(is_right) {
            tracing::debug!(request_id, "nobody waits for this answer");
            return None;
        }
        self.owed.remove(request_id)
    }

    fn reply(&mut self, reply: Reply) -> Step {
        match (self.controls.remove(&reply.request_id), reply.result) {
            (Some(control), Err(error)) => Step::tell(control_error(control.name, &error)),
            _ => Step::Nothing,
        }
    }

    fn control(&mut self, name: &'static str, now: Instant) -> String {
        self.last_control += 1;
        let request_id = format!("provost-{}", self.last_control);
        self.controls.insert(request_id.clone(), Control { name, deadline: now + CONTROL_TIMEOUT });
        request_id
    }
}

/// The answer to a request above the limit: the tool does not run, and no hook says anything.
fn refusal(owed: &Owed, request_id: &str) -> String {
    let reason = format!("{MOST_OWED} requests wait for an answer already");
    match owed {
        Owed::Gate => outgoing::gate_denial(request_id, &reason),
        Owed::Hook(event) => outgoing::hook_answer(request_id, event, HookAnswer::default()),
        Owed::Permission => {
            outgoing::permission_answer(request_id, &PermissionAnswer::Deny { reason, interrupt: false })
        }
    }
}

/// A control request failed; nobody waits for its answer, so it is told as a message.
fn control_error(name: &str, error: &str) -> AgentEvent {
    let mut body = MessageBody::text(MessageType::System, error);
    body.subtype = Some("control_error".to_owned());
    body.content.extra.insert("request".to_owned(), Value::from(name));
    AgentEvent::Message(AgentMessage { body, tool_uses: Vec::new(), tool_results: Vec::new() })
}

#[cfg(test)]
mod tests {
    use domain::permission::Decision;
    use serde_json::json;

    use super::*;
    use crate::claude::{heard::hear, lines::Line};

    fn hear_json(conversation: &mut Conversation, line: &Value) -> Step {
        conversation.hear(hear(&Line::Whole(line.to_string().into_bytes())))
    }

    fn gate(request_id: &str) -> Value {
        let input = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}, "tool_use_id": "t" });
        let request = json!({ "subtype": "hook_callback", "input": input });
        json!({ "type": "control_request", "request_id": request_id, "request": request })
    }

    fn answer(request_id: &str, decision: Decision) -> AgentInput {
        AgentInput::AnswerGate {
            request_id: request_id.to_owned(),
            decision,
            reason: "because".to_owned(),
            input: None,
            context: None,
        }
    }

    fn sent(line: Option<String>) -> Value {
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    }

    #[test]
    fn a_gate_is_answered_once() {
        let mut conversation = Conversation::default();
        hear_json(&mut conversation, &gate("r1"));
        let line = sent(conversation.tell(answer("r1", Decision::Deny), Instant::now()));
        let output = &line["response"]["response"]["hookSpecificOutput"];
        assert_eq!(output["permissionDecision"], "deny");
        assert_eq!(output["permissionDecisionReason"], "because");
        assert_eq!(conversation.tell(answer("r1", Decision::Allow), Instant::now()), None);
    }

    fn hook(request_id: &str, event: &str) -> Value {
        let input = json!({ "hook_event_name": event, "session_id": "s", "tool_use_id": "t" });
        let request = json!({ "subtype": "hook_callback", "callback_id": event, "input": input });
        json!({ "type": "control_request", "request_id": request_id, "request": request })
    }

    fn hook_answer(request_id: &str) -> AgentInput {
        let answer = HookAnswer { block: Some("not yet".into()), context: Some("by the way".into()) };
        AgentInput::AnswerHook { request_id: request_id.to_owned(), answer }
    }

    #[test]
    fn a_gate_can_be_answered_with_another_input() {
        let mut conversation = Conversation::default();
        hear_json(&mut conversation, &gate("r1"));
        let AgentInput::AnswerGate { request_id, decision, reason, .. } = answer("r1", Decision::Allow)
        else {
            panic!("no answer to a gate");
        };
        let (input, context) = (Some(json!({ "command": "ls" })), Some("by the way".to_owned()));
        let answer = AgentInput::AnswerGate { request_id, decision, reason, input, context };
        let line = sent(conversation.tell(answer, Instant::now()));
        let output = &line["response"]["response"]["hookSpecificOutput"];
        assert_eq!(output["updatedInput"], json!({ "command": "ls" }));
        assert_eq!(output["additionalContext"], "by the way");
    }

    #[test]
    fn a_hook_is_told_with_its_event_and_answered_once() {
        let mut conversation = Conversation::default();
        let Step::Tell(event) = hear_json(&mut conversation, &hook("r1", "PostToolUse")) else {
            panic!("not told")
        };
        let AgentEvent::Hook(call) = *event else { panic!("no hook: {event:?}") };
        assert_eq!((call.event.as_str(), call.tool_use_id.as_deref()), ("PostToolUse", Some("t")));
        assert_eq!(call.input["session_id"], "s");
        assert_eq!(conversation.tell(answer("r1", Decision::Allow), Instant::now()), None);
        let output =
            sent(conversation.tell(hook_answer("r1"), Instant::now()))["response"]["response"].take();
        assert_eq!((&output["decision"], &output["reason"]), (&json!("block"), &json!("not yet")));
        let specific = json!({ "hookEventName": "PostToolUse", "additionalContext": "by the way" });
        assert_eq!(output["hookSpecificOutput"], specific);
        assert_eq!(conversation.tell(hook_answer("r1"), Instant::now()), None);
    }

    #[test]
    fn what_an_event_cannot_take_is_not_sent() {
        let mut conversation = Conversation::default();
        hear_json(&mut conversation, &hook("r1", "PreCompact"));
        let output =
            sent(conversation.tell(hook_answer("r1"), Instant::now()))["response"]["response"].take();
        assert_eq!(output, json!({ "decision": "block", "reason": "not yet" }));
        assert!(matches!(hear_json(&mut conversation, &hook("r2", "SomethingNew")), Step::Tell(_)));
        let output =
            sent(conversation.tell(hook_answer("r2"), Instant::now()))["response"]["response"].take();
        assert_eq!(output, json!({}));
        let Step::Send(line) = hear_json(&mut conversation, &hook("r3", "no event")) else {
            panic!("no answer")
        };
        assert_eq!(sent(Some(line))["response"]["response"], json!({}));
    }

    #[test]
    fn a_late_unknown_or_wrong_answer_is_not_sent() {
        let mut conversation = Conversation::default();
        hear_json(&mut conversation, &gate("r1"));
        let permission = PermissionAnswer::Deny { reason: "no".into(), interrupt: false };
        let wrong = AgentInput::AnswerPermission { request_id: "r1".into(), answer: permission };
        assert_eq!(conversation.tell(wrong, Instant::now()), None);
        let cancelled =
            hear_json(&mut conversation, &json!({ "type": "control_cancel_request", "request_id": "r1" }));
        assert_eq!(cancelled, Step::tell(AgentEvent::RequestCancelled { request_id: "r1".into() }));
        assert_eq!(conversation.tell(answer("r1", Decision::Allow), Instant::now()), None);
        assert_eq!(conversation.tell(answer("r2", Decision::Allow), Instant::now()), None);
        let again =
            hear_json(&mut conversation, &json!({ "type": "control_cancel_request", "request_id": "r1" }));
        assert_eq!(again, Step::Nothing);
    }

    #[test]
    fn requests_nobody_can_answer_are_refused_at_once() {
        let mut conversation = Conversation::default();
        let request = json!({ "subtype": "mcp_message", "server_name": "x", "message": {} });
        let line = json!({ "type": "control_request", "request_id": "r1", "request": request });
        let Step::Send(line) = hear_json(&mut conversation, &line) else { panic!("no answer") };
        assert_eq!(sent(Some(line))["response"]["subtype"], "error");
    }

    #[test]
    fn a_gate_that_names_no_tool_is_denied() {
        let mut conversation = Conversation::default();
        let request = json!({ "subtype": "hook_callback", "input": { "hook_event_name": "PreToolUse" } });
        let line = json!({ "type": "control_request", "request_id": "r1", "request": request });
        let Step::Send(line) = hear_json(&mut conversation, &line) else { panic!("no answer") };
        assert_eq!(
            sent(Some(line))["response"]["response"]["hookSpecificOutput"]["permissionDecision"],
            "deny"
        );
    }

    #[test]
    fn requests_above_the_limit_are_denied_until_one_is_answered() {
        let mut conversation = Conversation::default();
        for number in 0..MOST_OWED {
            assert!(matches!(hear_json(&mut conversation, &gate(&format!("r{number}"))), Step::Tell(_)));
        }
        let Step::Send(line) = hear_json(&mut conversation, &gate("more")) else { panic!("no answer") };
        let output = &sent(Some(line))["response"]["response"]["hookSpecificOutput"];
        assert_eq!(output["permissionDecision"], "deny");
        let request =
            json!({ "subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t" });
        let permission = json!({ "type": "control_request", "request_id": "more", "request": request });
        let Step::Send(line) = hear_json(&mut conversation, &permission) else { panic!("no answer") };
        assert_eq!(sent(Some(line))["response"]["response"]["behavior"], "deny");
        assert_eq!(conversation.tell(answer("more", Decision::Allow), Instant::now()), None);

        conversation.tell(answer("r0", Decision::Allow), Instant::now());
        assert!(matches!(hear_json(&mut conversation, &permission), Step::Tell(_)));
    }

    #[test]
    fn a_failed_control_request_is_told_as_a_message() {
        let mut conversation = Conversation::default();
        let line = sent(conversation.tell(AgentInput::SetModel(Some("m".into())), Instant::now()));
        let response =
            json!({ "subtype": "error", "request_id": line["request_id"], "error": "no such model" });
        let step = hear_json(&mut conversation, &json!({ "type": "control_response", "response": response }));
        assert_eq!(step, Step::tell(control_error("set_model", "no such model")));
    }

    #[test]
    fn a_control_request_without_an_answer_expires() {
        let mut conversation = Conversation::default();
        let now = Instant::now();
        conversation.tell(AgentInput::Interrupt, now);
        assert_eq!(conversation.next_deadline(), Some(now + CONTROL_TIMEOUT));
        assert!(conversation.expire(now).is_empty());
        let expected = control_error("interrupt", "the agent program did not answer within 60 s");
        assert_eq!(conversation.expire(now + CONTROL_TIMEOUT), [expected]);
        assert_eq!(conversation.next_deadline(), None);
    }

    #[test]
    fn a_prompt_the_program_repeats_is_not_recorded_again() {
        let mut conversation = Conversation::default();
        let id: CommandId = "c0000000-0000-7000-8000-000000000001".parse().expect("an id");
        let line = sent(conversation.tell(AgentInput::Prompt { id, text: "go".into() }, Instant::now()));
        assert_eq!(line["uuid"], json!(id));
        let replay = json!({ "type": "user", "message": { "content": "go" }, "uuid": id, "isReplay": true });
        assert_eq!(hear_json(&mut conversation, &replay), Step::Nothing);
        let foreign =
            json!({ "type": "user", "message": { "content": "x" }, "uuid": "other", "isReplay": true });
        assert_ne!(hear_json(&mut conversation, &foreign), Step::Nothing);
    }

    #[test]
    fn the_end_takes_back_every_open_question() {
        let mut conversation = Conversation::default();
        hear_json(&mut conversation, &gate("r1"));
        hear_json(&mut conversation, &gate("r2"));
        let cancelled = |id: &str| AgentEvent::RequestCancelled { request_id: id.to_owned() };
        assert_eq!(conversation.end(), [cancelled("r1"), cancelled("r2")]);
    }
}
