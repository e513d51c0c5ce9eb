//! The agent program's own transcript, kept as it grows: so that it can go on with a session where its files are not.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use agent::Environment;
use domain::{
    agent_event::TranscriptPart,
    id::{SessionId, TeamId},
    session::Session,
    transcript::TranscriptPath,
};
use serde_json::Value;
use store::{StoreError, Tx};

use super::{
    record::Recorder,
    start::{FORK_OF, text_option},
};
use crate::{
    App,
    transcript::{packed, unpacked},
};

/// How many pieces of a transcript are read at once.
const PAGE: u32 = 200;

impl Recorder {
    /// Keeps what the agent program added to its transcript. What cannot be stored now is stored with what comes next.
    pub(super) async fn mirror(&mut self, part: TranscriptPart) -> Result<(), StoreError> {
        self.unmirrored.push(part);
        let parts = joined(std::mem::take(&mut self.unmirrored));
        let pieces = parts.iter().map(|(path, text)| Ok((path.clone(), packed(text.as_bytes())?)));
        let pieces: Vec<_> = pieces.collect::<io::Result<_>>().map_err(|error| other(&error))?;
        let (held, app) = (self.held(), self.app());
        let now = app.now();
        let append = move |tx: &Tx<'_>| {
            let transcripts = tx.team(held.team_id).transcripts();
            pieces.into_iter().try_for_each(|(path, piece)| {
                transcripts.append(held.id, held.fence, &path, piece, now).map(drop)
            })
        };
        match app.store().write(append).await {
            Err(error) if error.is_retryable() => {
                tracing::warn!(session.id = %held.id, error = %error, "the transcript is kept later");
                let again = parts.into_iter().map(|(path, text)| TranscriptPart { path, text });
                self.unmirrored = again.collect();
                Ok(())
            }
            outcome => outcome,
        }
    }
}

impl App {
    /// Writes the transcript of a session, and of the one it was forked from, where the agent program looks for it, unless what
    /// is there holds its last words. One that went on elsewhere is put in the place of what was left here.
    pub(super) async fn restore_transcript(
        &self,
        session: &Session,
        environment: &Environment,
    ) -> Result<(), StoreError> {
        let Some(folder) = own_folder(environment) else { return Ok(()) };
        let team = session.team_id;
        let own = session.external_id.clone().map(|own| (session.id, own));
        // As it was when the fork was made; the parent may have begun another conversation since.
        let parent = session.parent_session_id.zip(text_option(&session.options, FORK_OF));
        for (id, own) in [own, parent].into_iter().flatten() {
            let paths = self.store().read(move |conn| conn.team(team).transcripts().list_paths(id)).await?;
            for (path, pieces) in paths.into_iter().filter(|(path, _)| is_of(path, &own)) {
                let target = folder.join(path.as_str());
                if self.is_complete(team, id, &path, pieces, &target).await? {
                    continue;
                }
                let text = self.read_transcript(team, id, path).await?;
                if let Err(error) = write_new(&target, &text, &self.next_id().to_string()) {
                    // The agent program says what it does not know, and is told what was said.
                    tracing::warn!(session.id = %id, path = %target.display(), error = %error, "a transcript cannot be written");
                }
            }
        }
        Ok(())
    }

    /// Whether a file holds the newest entry with an id that is stored of it.
    async fn is_complete(
        &self,
        team: TeamId,
        session: SessionId,
        path: &TranscriptPath,
        pieces: i64,
        file: &Path,
    ) -> Result<bool, StoreError> {
        let Ok(there) = fs::read(file) else { return Ok(false) };
        let path = path.clone();
        let find = move |conn: &store::Conn| {
            for ordinal in (0..pieces).rev() {
                for segment in conn.team(team).transcripts().list(session, &path, ordinal, 1)? {
                    let text = unpacked(&segment.piece).map_err(|error| other(&error))?;
                    if let Some(id) = last_id(&text) {
                        return Ok::<_, StoreError>(Some(id));
                    }
                }
            }
            Ok(None)
        };
        let newest = self.store().read(find).await?;
        Ok(newest.is_none_or(|id| String::from_utf8_lossy(&there).contains(&id)))
    }

    async fn read_transcript(
        &self,
        team: TeamId,
        session: SessionId,
        path: TranscriptPath,
    ) -> Result<Vec<u8>, StoreError> {
        let read = move |conn: &store::Conn| {
            let (mut text, mut from) = (Vec::new(), 0);
            loop {
                let pieces = conn.team(team).transcripts().list(session, &path, from, PAGE)?;
                for segment in &pieces {
                    text.extend(unpacked(&segment.piece).map_err(|error| other(&error))?);
                    from = segment.ordinal + 1;
                }
                if pieces.len() < PAGE as usize {
                    return Ok(text);
                }
            }
        };
        self.store().scan(read).await
    }
}

/// Whether a path is where the agent program keeps the transcript of its session of this id, or of a subagent: nothing else is
/// ever written, whatever a session that was brought from elsewhere says.
fn is_of(path: &TranscriptPath, own: &str) -> bool {
    let is_subagent = |name: &str| name.starts_with("agent-") && name.ends_with(".jsonl");
    match path.as_str().split('/').collect::<Vec<_>>()[..] {
        ["projects", _, file] => file.strip_suffix(".jsonl") == Some(own) || is_subagent(file),
        ["projects", _, session, "subagents", file] => session == own && is_subagent(file),
        _ => false,
    }
}

/// Where the agent program keeps its files.
fn own_folder(environment: &Environment) -> Option<PathBuf> {
    let set = |name: &str| {
        environment.iter().find(|(key, _)| *key == OsStr::new(name)).map(|(_, value)| PathBuf::from(value))
    };
    set("CLAUDE_CONFIG_DIR").or_else(|| Some(set("HOME")?.join(".claude")))
}

/// A file that only its owner reads, as the agent program writes it, as a whole or not at all. What was in its place is kept
/// beside it.
fn write_new(path: &Path, text: &[u8], unique: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let unfinished = path.with_extension(format!("{unique}.unfinished"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text)?;
    if path.exists() {
        fs::rename(path, path.with_extension(format!("{unique}.replaced")))?;
    }
    fs::rename(unfinished, path)
}

/// The id of the last entry that has one.
fn last_id(text: &[u8]) -> Option<String> {
    let entries = text.split(|byte| *byte == b'\n').rev();
    let id = |line| serde_json::from_slice::<Value>(line).ok()?.get("uuid")?.as_str().map(str::to_owned);
    entries.filter_map(id).next()
}

/// The parts of each file together, in their order.
fn joined(parts: Vec<TranscriptPart>) -> BTreeMap<TranscriptPath, String> {
    let mut files: BTreeMap<TranscriptPath, String> = BTreeMap::new();
    for TranscriptPart { path, text } in parts {
        files.entry(path).or_default().push_str(&text);
    }
    files
}

fn other(error: &io::Error) -> StoreError {
    StoreError::Other { what: format!("a transcript: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transcripts_of_the_session_are_written() {
        let is_written = |path: &str| is_of(&path.parse().expect("a path"), "1d40");
        for path in [
            "projects/-w/1d40.jsonl",
            "projects/-w/1d40/subagents/agent-a.jsonl",
            "projects/-w/agent-a.jsonl",
        ] {
            assert!(is_written(path), "{path}");
        }
        for path in [
            "settings.json",
            "projects/-w/2e51.jsonl",
            "projects/1d40.jsonl",
            "projects/-w/1d40/subagents/x.jsonl",
            "projects/-w/2e51/subagents/agent-a.jsonl",
            "x/projects/-w/1d40.jsonl",
            "projects/-w/agent-a.json",
        ] {
            assert!(!is_written(path), "{path}");
        }
    }
}
