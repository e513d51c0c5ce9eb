//! What an agent program tells Provost and what Provost tells it, free of any program's wire format.

use serde_json::{Map, Value};

use crate::{
    hook::{HookAnswer, HookEvent},
    id::CommandId,
    message::MessageBody,
    money::MicroUsd,
    permission::{Decision, PermissionMode},
    transcript::TranscriptPath,
    usage::TokenUsage,
};

/// Something the agent program did.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// A turn begins; comes once per turn, so its facts are mostly known already.
    TurnStarted(TurnStarted),
    /// The prompt with this id was taken from the program's queue and is being worked on.
    PromptStarted(CommandId),
    /// Something was said. The tool calls it asks for come with it, so that both are recorded at once.
    Message(AgentMessage),
    /// A piece of a message still being written, for people who watch.
    Partial(PartialText),
    /// The program asks, before a tool call runs, whether it may. Must be answered with the same `request_id`.
    Gate(ToolRequest),
    /// The program asks a person about a tool call. Must be answered with the same `request_id`.
    Permission(ToolRequest),
    /// The program calls the hooks of an event other than `PreToolUse`. Must be answered with the same `request_id`.
    Hook(HookCall),
    /// The program no longer waits for the answer to this request.
    RequestCancelled {
        /// The request.
        request_id: String,
    },
    /// The program says whether it works, waits or is idle.
    Activity(Activity),
    /// The program repeats a model request after an error.
    Retry(MessageBody),
    /// The conversation was emptied; later events carry another external id and cost counts from zero.
    ConversationReset(MessageBody),
    /// The program wrote this to its own transcript.
    Transcript(TranscriptPart),
    /// A turn ended. Not one-to-one with prompts: a background task's end starts a turn of its own.
    TurnEnded(Box<TurnEnded>),
    /// A line that is no message of the protocol, cut to a bounded length.
    Garbage {
        /// The line's beginning.
        line: String,
        /// How long the whole line was, in bytes.
        size_bytes: u64,
    },
    /// The process ended. Always the last event.
    Exited(Exit),
}

/// What the agent program added to a file of its transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptPart {
    /// The file, below the program's own folder.
    pub path: TranscriptPath,
    /// Whole lines.
    pub text: String,
}

/// The facts a turn begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnStarted {
    /// The agent program's own session id, needed to resume.
    pub external_id: String,
    /// The model that works.
    pub model: Option<String>,
    /// Everything the program said, as a system message of subtype `init`.
    pub message: MessageBody,
}

/// A message with the tool calls in it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentMessage {
    /// What was said.
    pub body: MessageBody,
    /// Tools the model asks to use; named by `tool_use` blocks of the body.
    pub tool_uses: Vec<ToolUse>,
    /// Results handed to the model; named by `tool_result` blocks of the body.
    pub tool_results: Vec<ToolResult>,
}

/// A tool the model asks to use.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolUse {
    /// Unique in the session.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its input.
    pub input: Value,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The use it belongs to.
    pub tool_use_id: String,
    /// `content` as the model sees it and, where the program gave it, `detail` in the program's own structure.
    pub output: Value,
    /// The tool failed or did not run.
    pub is_error: bool,
    /// The tool did not run at all: it was refused or interrupted.
    pub did_not_run: bool,
}

/// A piece of text as the model writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialText {
    /// Thinking rather than answer.
    pub is_thinking: bool,
    /// The tool use whose subagent writes; `None` is the main agent.
    pub parent_tool_use_id: Option<String>,
    /// The piece.
    pub text: String,
}

/// A tool call that waits for a word.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolRequest {
    /// Names the request in the answer.
    pub request_id: String,
    /// The use it is about.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// What the tool would be given.
    pub input: Value,
    /// The agent program's one-line description of the call.
    pub description: Option<String>,
    /// The call is itself a question to a person, so no rule can answer it.
    pub requires_person: bool,
    /// Everything else the program says about the call, as it came.
    pub extra: Map<String, Value>,
}

/// An event whose hooks the program waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct HookCall {
    /// Names the request in the answer.
    pub request_id: String,
    /// What happened.
    pub event: HookEvent,
    /// The tool use it is about.
    pub tool_use_id: Option<String>,
    /// Everything the program says about it.
    pub input: Value,
}

text_enum! {
    /// What the agent program is doing.
    pub enum Activity: "activity" {
        /// It works.
        Running = "running",
        /// It waits for a person.
        RequiresAction = "requires_action",
        /// Nothing is owed.
        Idle = "idle",
    }
}

/// How a turn ended and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnEnded {
    /// How it ended.
    pub outcome: TurnOutcome,
    /// The last words, or the errors.
    pub text: String,
    /// Tokens of this turn.
    pub usage: TokenUsage,
    /// What it cost.
    pub cost: ReportedCost,
    /// Wall time of the turn in milliseconds.
    pub duration_ms: i64,
    /// The prompts it answered, where the program names them.
    pub prompts: Vec<CommandId>,
    /// Prompts still waiting in the program.
    pub queued_prompts: u32,
    /// Everything the program said, as a result message.
    pub message: MessageBody,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The agent finished.
    Completed,
    /// The model service failed or refused; reported as success with an error flag, hence its own outcome.
    ApiError {
        /// HTTP status, where there was one.
        status: Option<u16>,
    },
    /// Somebody interrupted it.
    Interrupted,
    /// It reached its largest number of turns.
    MaxTurns,
    /// It reached its budget.
    BudgetExhausted,
    /// Any other failure.
    Failed,
}

/// What the agent program said about money. `None` means it said nothing, never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportedCost {
    /// Since the last result.
    pub since_last_result: Option<MicroUsd>,
    /// Of the whole conversation so far; starts again at zero when the conversation is emptied.
    pub cumulative: Option<MicroUsd>,
}

/// How the process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// We asked it to end.
    pub was_asked: bool,
    /// The end of what it wrote to standard error.
    pub stderr_tail: String,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (_, Some(signal)) => write!(f, "ended by signal {signal}")?,
            (Some(code), None) => write!(f, "exited with code {code}")?,
            (None, None) => f.write_str("ended")?,
        }
        match self.stderr_tail.trim() {
            "" => Ok(()),
            tail => write!(f, ": {tail}"),
        }
    }
}

/// Something Provost tells the agent program.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentInput {
    /// Work on this. The id comes back in [`TurnEnded::prompts`].
    Prompt {
        /// The command that carries the prompt.
        id: CommandId,
        /// The words.
        text: String,
    },
    /// Answers [`AgentEvent::Gate`]: `Ask` makes the program raise [`AgentEvent::Permission`].
    AnswerGate {
        /// The request.
        request_id: String,
        /// What becomes of the call.
        decision: Decision,
        /// Why, for the model.
        reason: String,
        /// What the tool is given instead of the model's input.
        input: Option<Value>,
        /// What the model is told besides.
        context: Option<String>,
    },
    /// Answers [`AgentEvent::Hook`].
    AnswerHook {
        /// The request.
        request_id: String,
        /// What the hooks say.
        answer: HookAnswer,
    },
    /// Answers [`AgentEvent::Permission`].
    AnswerPermission {
        /// The request.
        request_id: String,
        /// What the person said.
        answer: PermissionAnswer,
    },
    /// Stop the turn, keep the session.
    Interrupt,
    /// Change the permission mode.
    SetMode(PermissionMode),
    /// Change the model; `None` is the program's default.
    SetModel(Option<String>),
    /// Finish and end: close the input, then a gentle signal, then a hard one.
    Close,
    /// End at once, children included.
    Kill,
}

/// What a person said about a tool call.
#[derive(Debug, Clone, PartialEq)]
pub enum PermissionAnswer {
    /// Run it with this input: the model's own, or an edited one.
    Allow {
        /// The input to run.
        input: Value,
    },
    /// Do not run it.
    Deny {
        /// Why, for the model.
        reason: String,
        /// Stop the turn as well.
        interrupt: bool,
    },
}
