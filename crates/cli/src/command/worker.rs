//! `provost worker`: run sessions from the queue.

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use app::{
    session::LaunchSettings,
    worker::{Launcher, WorkerNote, WorkerSettings},
};
use clap::Args;
use domain::session::Session;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::{
    composition::{Context, Login, Opened, temporary_directory},
    failure::Failure,
    signals::Signals,
    terminal::{Terminal, asker::InboxAsker, text},
};

/// How many notes wait to be written.
const NOTES: usize = 64;

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// How many sessions it runs at once.
    #[arg(long, value_name = "N")]
    concurrency: Option<NonZeroUsize>,
    /// End when nothing runs and nothing waits.
    #[arg(long)]
    until_empty: bool,
}

impl Worker {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let mut signals = Signals::listen()?;
        let Opened { app, caller } = context.open().await?;
        let temporary = temporary_directory()?;
        let terminal = context.terminal;
        let configured = &context.settings.worker;
        let settings = WorkerSettings {
            concurrency: self.concurrency.unwrap_or(configured.concurrency),
            grace: Duration::from_secs(configured.grace_seconds.into()),
            until_empty: self.until_empty,
            user_id: caller.user_id,
            asker: Arc::new(InboxAsker { terminal }),
            launcher: Arc::new(WorkerLauncher { context, temporary: temporary.path().to_owned() }),
        };
        let (stop, stopped) = watch::channel(false);
        let (notes, written) = mpsc::channel(NOTES);
        let writing = tokio::spawn(write(terminal, written));
        if !self.until_empty {
            terminal.say("waiting for sessions; Ctrl-C ends");
        }
        let work = app.work(settings, stopped, notes);
        tokio::pin!(work);
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            _ = signals.next() => {
                terminal.say("ending: sessions that run may finish first; again ends at once");
                // The work hears it as long as it goes on.
                let _ = stop.send(true);
                tokio::select! {
                    outcome = &mut work => outcome,
                    _ = signals.next() => return Ok(ExitCode::FAILURE),
                }
            }
        };
        outcome?;
        writing.await.map_err(anyhow::Error::from)??;
        Ok(ExitCode::SUCCESS)
    }
}

/// Starts agents for whoever's session it is: with nobody's settings and, unless it is said otherwise, nobody's login.
#[derive(Debug)]
struct WorkerLauncher {
    context: Context,
    temporary: PathBuf,
}

impl Launcher for WorkerLauncher {
    fn launch(&self, session: &Session) -> Result<LaunchSettings, String> {
        let scenario =
            session.options.sdk_options.get("scenario").and_then(|path| path.as_str()).map(PathBuf::from);
        let login =
            if self.context.settings.worker.own_login { Login::Own } else { Login::OfTeam(session.team_id) };
        let wait = self.context.settings.approval.background_seconds.get();
        let launch =
            self.context.launch_settings(session.runtime, scenario.as_deref(), &self.temporary, login);
        launch
            .map(|launch| LaunchSettings { approval_wait: Duration::from_secs(wait.into()), ..launch })
            .map_err(|failure| failure.message)
    }
}

async fn write(terminal: Terminal, mut notes: mpsc::Receiver<WorkerNote>) -> Result<(), Failure> {
    while let Some(note) = notes.recv().await {
        if terminal.is_json {
            terminal.json(&as_json(&note))?;
        } else {
            terminal.say(&words(&note));
        }
    }
    Ok(())
}

fn as_json(note: &WorkerNote) -> serde_json::Value {
    match note {
        WorkerNote::Recovered(session) => json!({
            "kind": "recovered", "session_id": session.id, "from": session.from, "to": session.to,
            "is_queued": session.is_queued,
        }),
        WorkerNote::Took(session) => {
            json!({ "kind": "took", "session_id": session.id, "name": session.name })
        }
        WorkerNote::Ended { id, status, error, again_in } => json!({
            "kind": "ended", "session_id": id, "status": status, "error_message": error,
            "again_in_seconds": again_in.map(|pause| pause.as_secs_f64()),
        }),
        WorkerNote::Left { id, reason } => json!({ "kind": "left", "session_id": id, "reason": reason }),
    }
}

fn words(note: &WorkerNote) -> String {
    match note {
        WorkerNote::Recovered(session) => text::recovered(session),
        WorkerNote::Took(session) => {
            format!("session {} begins: {}", text::short(session.id), text::one_line(&session.name, 80))
        }
        WorkerNote::Ended { id, status, error, again_in } => {
            let why =
                error.as_deref().map(|error| format!(": {}", text::one_line(error, 200))).unwrap_or_default();
            let again =
                again_in.map(|pause| format!("; tried again in {}", text::took(pause))).unwrap_or_default();
            format!("session {} is {status}{why}{again}", text::short(*id))
        }
        WorkerNote::Left { id, reason } => format!("session {} is left: {reason}", text::short(*id)),
    }
}
