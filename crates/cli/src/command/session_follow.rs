//! `provost session follow`: watch a session that another process runs.

use std::{process::ExitCode, time::Duration};

use app::session::{SessionReference, SessionUpdate};
use clap::Args;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{text, transcript::Transcript},
};

/// How often it is looked for what is new.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How many entries are read at once.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(crate) struct SessionFollow {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// Only entries after this number.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
}

impl SessionFollow {
    /// Until the session rests and waits for nobody.
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let mut transcript = Transcript::new(context.terminal);
        transcript.begin(&app.get_session(caller, id).await?)?;
        let mut after = self.after;
        loop {
            // Before the entries, so that none of a session that came to rest is missed.
            let session = app.get_session(caller, id).await?;
            let entries = app.list_timeline(caller, id, after, PAGE).await?;
            let is_full = entries.len() == PAGE as usize;
            for entry in entries {
                after = entry.sequence;
                transcript.update(&SessionUpdate::Entry(Box::new(entry)))?;
            }
            let goes_on = session.status.is_running() || session.queued_at.is_some();
            if !goes_on && !is_full {
                let id = text::short(id);
                context
                    .terminal
                    .say(&context.terminal.err.dim(&format!("session {id} is {}", session.status)));
                return Ok(ExitCode::SUCCESS);
            }
            if !is_full {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}
