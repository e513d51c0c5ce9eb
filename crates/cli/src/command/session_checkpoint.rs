//! `provost session checkpoint`, `checkpoints` and `restore`.

use std::process::ExitCode;

use app::{
    clock::{Clock, SystemClock},
    session::{Forked, SessionReference},
};
use clap::Args;
use domain::name::Name;
use store::Cursor;

use crate::{
    composition::{Context, Opened, create_private_directory},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct SessionCheckpoint {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// A name for the place.
    name: Name,
    /// Keep a copy of the files in its folder, too.
    #[arg(long)]
    files: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SessionCheckpoints {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
pub(crate) struct SessionRestore {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// The checkpoint: its name, the newest of that name, or its id.
    checkpoint: String,
    /// A name for the fork that goes on from there; the session's otherwise.
    #[arg(long)]
    name: Option<String>,
}

impl SessionCheckpoint {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let snapshots = match self.files {
            true => {
                let folder = context.data_directory()?.join("snapshots");
                create_private_directory(&folder)?;
                Some(folder)
            }
            false => None,
        };
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let checkpoint = app.create_checkpoint(caller, id, self.name, snapshots).await?;
        if context.terminal.is_json {
            context.terminal.json(&checkpoint)?;
        } else {
            let name = text::one_line(checkpoint.name.as_str(), 200);
            context.terminal.say(&format!("checkpoint {name} of session {}", text::short(id)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SessionCheckpoints {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let page = app.list_checkpoints(caller, id, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no checkpoints");
        }
        let now = SystemClock.now();
        for checkpoint in &page.items {
            let files = if checkpoint.file_snapshot.is_some() { "with files" } else { "" };
            let place = checkpoint.message_sequence.unwrap_or(0);
            let (age, name) =
                (text::ago(now.since(checkpoint.created_at)), text::one_line(checkpoint.name.as_str(), 60));
            terminal.data(format!("{place:>6}  {age:>14}  {files:<10}  {name}").trim_end())?;
        }
        if let Some(next) = page.next {
            terminal.say(&format!(
                "more: provost session checkpoints {id} --limit {} --cursor {next}",
                self.limit
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SessionRestore {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let folder = context.data_directory()?.join("forks");
        create_private_directory(&folder)?;
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let restored = app.restore_checkpoint(caller, id, self.checkpoint, folder, self.name).await?;
        app.index_waiting().await?;
        let Forked { session, .. } = restored;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&session)?;
            return Ok(ExitCode::SUCCESS);
        }
        terminal.data(&session.id.to_string())?;
        let program = context.surroundings.program_name();
        let line = format!("{program} run --resume {} \"what to do\"", text::short(session.id));
        terminal.say(&terminal.err.dim(&line));
        Ok(ExitCode::SUCCESS)
    }
}
