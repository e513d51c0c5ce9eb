//! `provost session send`, `interrupt`, `pause`, `resume`, `terminate` and `set`: telling a session something, whichever process
//! runs it.

use std::{process::ExitCode, time::Duration};

use app::{
    App, Caller,
    session::{SessionReference, Told, Words},
};
use clap::Args;
use domain::{
    command::{Command, CommandStatus},
    permission::PermissionMode,
};
use serde_json::json;

use crate::{
    command::run::prompt_from,
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::text,
};

/// How long whoever runs the session may take to take a command up before nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it was.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// What the agent is to do; `-` or nothing reads it from standard input.
    prompt: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Interrupt {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
}

#[derive(Debug, Args)]
pub(crate) struct Terminate {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Set {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// Who decides from now on what no rule decides: default, acceptEdits, plan, bypassPermissions or dontAsk.
    #[arg(long, value_name = "MODE", group = "what")]
    permission_mode: Option<PermissionMode>,
    /// The model from now on; an empty one is the agent program's own choice.
    #[arg(long, group = "what")]
    model: Option<String>,
}

impl Send {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let prompt = prompt_from(self.prompt.as_deref(), &context)?;
        tell(context, self.session, Words::Prompt(prompt)).await
    }
}

impl Interrupt {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        tell(context, self.session, Words::Interrupt).await
    }
}

impl Pause {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        tell(context, self.session, Words::Pause).await
    }
}

impl Resume {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        tell(context, self.session, Words::Resume).await
    }
}

impl Terminate {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        tell(context, self.session, Words::Terminate).await
    }
}

impl Set {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let words = match (self.permission_mode, self.model) {
            (Some(mode), _) => Words::SetMode(mode),
            (None, model) => Words::SetModel(model.filter(|model| !model.is_empty())),
        };
        tell(context, self.session, words).await
    }
}

async fn tell(context: Context, session: SessionReference, words: Words) -> Result<ExitCode, Failure> {
    let Opened { app, caller } = context.open().await?;
    let id = app.resolve_session(caller, session).await?;
    let terminal = context.terminal;
    let (told, line, code) = match app.tell_session(caller, id, words).await? {
        Told::Running(command) => {
            let command = taken_up(&app, caller, command).await?;
            let (line, code) = outcome(&command);
            (json!({ "told": "running", "command": command }), line, code)
        }
        Told::Queued(session) => {
            let program = context.surroundings.program_name();
            let line = format!("session {} waits for a worker: {program} worker", text::short(id));
            (json!({ "told": "queued", "session": session }), line, ExitCode::SUCCESS)
        }
        Told::Done(session) => {
            let line = format!("session {} is {}", text::short(id), session.status);
            (json!({ "told": "done", "session": session }), line, ExitCode::SUCCESS)
        }
    };
    if terminal.is_json {
        terminal.json(&told)?;
    } else {
        terminal.say(&line);
    }
    Ok(code)
}

/// The command as it stands once somebody took it up, or when nobody did in time.
async fn taken_up(app: &App, caller: Caller, command: Command) -> Result<Command, Failure> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let now = app.find_command(caller, command.clone()).await?;
        match now {
            Some(now) if now.status == CommandStatus::Queued && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            now => return Ok(now.unwrap_or(command)),
        }
    }
}

fn outcome(command: &Command) -> (String, ExitCode) {
    let kind = command.kind;
    match command.status {
        CommandStatus::Delivered | CommandStatus::Done => (format!("{kind}: taken up"), ExitCode::SUCCESS),
        CommandStatus::Queued => (
            format!("{kind}: recorded; whoever runs the session takes it up when the agent is ready for it"),
            ExitCode::SUCCESS,
        ),
        CommandStatus::Cancelled => {
            (format!("{kind}: the session ended before it was taken up"), Code::Failed.into())
        }
        CommandStatus::Refused => (format!("{kind}: refused"), Code::Refused.into()),
    }
}
