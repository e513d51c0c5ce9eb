//! `provost session timeline`.

use std::process::ExitCode;

use app::session::SessionReference;
use clap::Args;
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::timeline_view,
};

#[derive(Debug, Args)]
pub(crate) struct SessionTimeline {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// Only entries after this number.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
    /// How many.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl SessionTimeline {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let session = app.get_session(caller, id).await?;
        let entries = app.list_timeline(caller, id, self.after, self.limit).await?;
        let is_full = entries.len() == self.limit as usize;
        let next = entries.last().filter(|_| is_full).map(|entry| entry.sequence);
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&json!({ "session_id": id, "data": entries, "next_after": next }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for line in timeline_view::lines(terminal.out, &entries, session.created_at) {
            terminal.data(&line)?;
        }
        if let Some(next) = next {
            terminal.say(&format!("more: provost session timeline {id} --after {next}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
