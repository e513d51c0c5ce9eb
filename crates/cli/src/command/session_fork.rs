//! `provost session fork`: a session that begins with the history of another one.

use std::process::ExitCode;

use app::{
    App, Caller,
    folder::Copied,
    session::{ForkSession, Forked, History, SessionReference},
};
use clap::Args;
use domain::{id::SessionId, session::Session};
use serde_json::json;

use crate::{
    composition::{Context, Opened, create_private_directory},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct SessionFork {
    /// The parent: an id, its beginning or end, or `last`.
    session: SessionReference,
    #[command(flatten)]
    fork: ForkArguments,
    /// A name for the fork; the parent's otherwise.
    #[arg(long)]
    name: Option<String>,
}

/// What every fork can be told.
#[derive(Debug, Clone, Args)]
pub(crate) struct ForkArguments {
    /// Begin with the first N messages of people and the model only; 0 is none. All up to the last answer unless given.
    #[arg(long, value_name = "N")]
    pub(crate) at: Option<u32>,
    /// Begin in an empty folder instead of a copy of the parent's.
    #[arg(long)]
    pub(crate) empty_folder: bool,
}

impl SessionFork {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let parent = app.resolve_session(caller, self.session).await?;
        let Forked { session, copied } = fork(&context, &app, caller, parent, &self.fork, self.name).await?;
        tell(&context, &session, copied)?;
        app.index_waiting().await?;
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(context: &Context, session: &Session, copied: Option<Copied>) -> Result<(), Failure> {
    let terminal = context.terminal;
    if terminal.is_json {
        let copied = copied
            .map(|copied| json!({ "files": copied.files, "bytes": copied.bytes, "skipped": copied.skipped }));
        return terminal.json(&json!({ "session": session, "copied": copied }));
    }
    let Session { id, working_directory, totals, .. } = session;
    terminal.data(&id.to_string())?;
    terminal.say(&format!("{} messages, in {working_directory}", totals.total_messages));
    for path in copied.iter().flat_map(|copied| &copied.skipped) {
        terminal
            .say(&format!("not copied, because it is no file: {}", text::printable(&path.to_string_lossy())));
    }
    let program = context.surroundings.program_name();
    let line = format!("{program} run --resume {} \"what to do\"", text::short(*id));
    terminal.say(&terminal.err.dim(&line));
    Ok(())
}

/// Forks a session into a folder below the data folder.
pub(crate) async fn fork(
    context: &Context,
    app: &App,
    caller: Caller,
    parent: SessionId,
    arguments: &ForkArguments,
    name: Option<String>,
) -> Result<Forked, Failure> {
    let folder = context.data_directory()?.join("forks");
    create_private_directory(&folder)?;
    let files = match arguments.empty_folder {
        true => None,
        false => Some(app.get_session(caller, parent).await?.working_directory.into()),
    };
    let history = arguments.at.map_or(History::All, History::Messages);
    let fork = ForkSession { parent, history, folder, files, name, state: Vec::new() };
    Ok(app.fork_session(caller, fork).await?)
}
