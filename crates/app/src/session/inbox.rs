//! What other processes tell a running session: commands that wait in the store.

use std::{collections::HashSet, time::Duration};

use domain::{
    command::{Command, CommandKind, CommandStatus},
    id::{MessageId, SessionId, TeamId},
};
use store::{Conn, StoreError};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::lease::HeldSession;
use crate::App;

/// How often the store is asked: what somebody types elsewhere arrives in half of this on average.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A command, and the words of a prompt.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) command: Command,
    pub(super) text: Option<String>,
}

/// Looks for what a running session is told, until it is dropped.
#[derive(Debug)]
pub(super) struct Inbox {
    told: mpsc::Receiver<Told>,
    looking: JoinHandle<()>,
}

impl Inbox {
    pub(super) fn open(app: App, session: HeldSession) -> Self {
        let (tell, told) = mpsc::channel(16);
        Self { told, looking: tokio::spawn(look(app, session, tell)) }
    }

    /// The next command; each is given once. Waits for ever when nobody says anything.
    pub(super) async fn next(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(app: App, session: HeldSession, tell: mpsc::Sender<Told>) {
    let mut seen = HashSet::new();
    let mut times = interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match app.list_told(session.team_id, session.id).await {
            Ok(told) => {
                for told in told.into_iter().filter(|told| seen.insert(told.command.id)) {
                    if tell.send(told).await.is_err() {
                        return;
                    }
                }
            }
            // Its owner finds out too, and decides.
            Err(error) => tracing::debug!(session.id = %session.id, error = %error, "nobody could be heard"),
        }
    }
}

impl App {
    /// The commands that no process took up yet, in their order.
    pub(super) async fn list_told(&self, team: TeamId, session: SessionId) -> Result<Vec<Told>, StoreError> {
        self.store().read(move |conn| list_told(conn, team, session)).await
    }
}

fn list_told(conn: &Conn, team: TeamId, session: SessionId) -> Result<Vec<Told>, StoreError> {
    let team = conn.team(team);
    let open = team.timeline().list_open_commands(session)?;
    let queued = open.into_iter().filter(|command| command.status == CommandStatus::Queued);
    let with_text = |command: Command| {
        let said = message_of(&command).map(|id| team.messages().find(id)).transpose()?.flatten();
        Ok(Told { command, text: said.map(|message| message.body.content.text()) })
    };
    queued.map(with_text).collect()
}

/// The message in which the words of a prompt stand.
pub(super) fn message_of(command: &Command) -> Option<MessageId> {
    let id = command.payload.get("message_id").filter(|_| command.kind == CommandKind::Prompt)?;
    id.as_str()?.parse().ok()
}
