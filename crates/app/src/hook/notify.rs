//! Telling somebody that something happened in a session.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use domain::{email::Email, hook::Notification, id::HookExecutionId};
use serde_json::{Value, json};

use super::{HookedEvent, Place, webhook};

/// Tells whom the notification names. What a server answers is of no interest beyond that it took it.
pub(super) async fn notify(
    notification: &Notification,
    id: HookExecutionId,
    place: &Place,
    event: &HookedEvent,
) -> Result<(), String> {
    let session = place.session_id.map(|id| id.to_string());
    let (subject, text) = (subject(event), text(event));
    match notification {
        Notification::Log {} => {
            tracing::info!(session.id = session, event = %event.event, subject, "{text}");
            Ok(())
        }
        Notification::Webhook(server) => {
            let message = json!({
                "event": event.event, "session": session, "subject": subject, "text": text, "input": event.input,
            });
            webhook::send(server, id, place, message.to_string().into_bytes()).await.map(drop)
        }
        Notification::Email { recipients, folder } => {
            let to: Vec<_> = recipients.iter().map(Email::as_str).collect();
            let mail = json!({
                "to": to, "subject": subject, "text": text, "event": event.event, "session": session,
            });
            let (place, name) = (PathBuf::from(folder), format!("{id}.json"));
            let written = tokio::task::spawn_blocking(move || write(&place, &name, &mail)).await;
            let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
            written.map_err(|error| format!("{folder} cannot be written to: {error}"))
        }
    }
}

/// One file per message, which appears whole: under another name first.
fn write(folder: &Path, name: &str, mail: &Value) -> io::Result<()> {
    let temporary = folder.join(format!(".{name}.partial"));
    let mut file = fs::File::create_new(&temporary)?;
    writeln!(file, "{mail}")?;
    fs::rename(temporary, folder.join(name))
}

fn subject(event: &HookedEvent) -> String {
    match (event.input["title"].as_str(), event.tool_name()) {
        (Some(title), _) => title.to_owned(),
        (None, Some(tool)) => format!("{} of {tool}", event.event),
        (None, None) => event.event.to_string(),
    }
}

fn text(event: &HookedEvent) -> String {
    let mut said = ["message", "prompt", "last_assistant_message", "error"].into_iter();
    let said = said.find_map(|field| event.input[field].as_str());
    said.map_or_else(|| subject(event), str::to_owned)
}
