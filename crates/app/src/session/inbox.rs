//! What a session is told: commands that wait in the store, and the words of prompts.

use domain::{
    command::{Command, CommandKind, CommandStatus},
    id::{MessageId, SessionId, TeamId},
};
use store::{Conn, StoreError};

use crate::App;

/// A command, and the words of a prompt.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) command: Command,
    pub(super) text: Option<String>,
}

impl App {
    /// The commands that no process took up yet, in their order.
    pub(super) async fn list_told(&self, team: TeamId, session: SessionId) -> Result<Vec<Told>, StoreError> {
        let list = move |conn: &Conn| {
            let open = conn.team(team).timeline().list_open_commands(session)?;
            let queued = open.into_iter().filter(|command| command.status == CommandStatus::Queued);
            queued.map(|command| with_words(conn, team, command)).collect()
        };
        self.store().read(list).await
    }
}

pub(super) fn with_words(conn: &Conn, team: TeamId, command: Command) -> Result<Told, StoreError> {
    let said = message_of(&command).map(|id| conn.team(team).messages().find(id)).transpose()?.flatten();
    Ok(Told { command, text: said.map(|message| message.body.content.text()) })
}

/// The message in which the words of a prompt stand.
pub(super) fn message_of(command: &Command) -> Option<MessageId> {
    let id = command.payload.get("message_id").filter(|_| command.kind == CommandKind::Prompt)?;
    id.as_str()?.parse().ok()
}
