//! `provost session list`.

use std::process::ExitCode;

use app::clock::{Clock, SystemClock};
use clap::Args;
use domain::{money::MicroUsd, session::Session, session_status::SessionStatus, time::Timestamp};
use store::Cursor;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{style::Style, text},
};

#[derive(Debug, Args)]
pub(crate) struct SessionList {
    /// Only sessions in this status: created, connecting, active, waiting, processing, paused, completed, failed,
    /// terminated or archived.
    #[arg(long, value_name = "STATUS")]
    status: Option<SessionStatus>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

impl SessionList {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let page = app.list_sessions(caller, self.status, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no sessions");
            terminal.say("hint: to see one: provost demo");
            return Ok(ExitCode::SUCCESS);
        }
        terminal.data(&terminal.out.dim(&heading()))?;
        let now = SystemClock.now();
        for session in &page.items {
            terminal.data(&line(terminal.out, session, now))?;
        }
        if let Some(next) = page.next {
            let status = self.status.map(|status| format!(" --status {status}")).unwrap_or_default();
            terminal
                .say(&format!("more: provost session list --limit {}{status} --cursor {next}", self.limit));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn heading() -> String {
    format!("{:<8}  {:<10}  {:<8}  {:>12}  {:>9}  {}", "id", "status", "runtime", "started", "cost", "name")
}

fn line(style: Style, session: &Session, now: Timestamp) -> String {
    let status = format!("{:<10}", session.status);
    let status = match session.status {
        SessionStatus::Failed => style.red(&status),
        SessionStatus::Completed => style.green(&status),
        SessionStatus::Waiting => style.yellow(&status),
        SessionStatus::Processing | SessionStatus::Connecting | SessionStatus::Active => style.cyan(&status),
        _ => status,
    };
    format!(
        "{:<8}  {status}  {:<8}  {:>12}  {:>9}  {}",
        text::short(session.id),
        session.runtime,
        text::ago(now.since(session.created_at)),
        cost(session),
        text::one_line(&session.name, 60),
    )
}

/// Tokens that cost nothing have a price that nobody said.
fn cost(session: &Session) -> String {
    let totals = &session.totals;
    let is_unsaid = totals.cost == MicroUsd::ZERO && totals.usage.total() > 0;
    if is_unsaid { "?".to_owned() } else { totals.cost.to_string() }
}
