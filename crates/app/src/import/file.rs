//! One transcript: read from where it was left, a batch at a time.

use std::{io, mem, ops::ControlFlow, path::PathBuf};

use agent::transcript::{AGENT_TOOLS, TranscriptLine, read_line, started_subagent};
use domain::{
    cost::CostEntry,
    digest::Sha256Digest,
    id::SessionId,
    money::MicroUsd,
    session::Session,
    session_state::StateKey,
    transcript::{TranscriptPath, TranscriptPiece},
};
use serde_json::{Value, json};
use store::{Conn, NewState, StoreError, ToolCallFilter, Tx};
use tokio::task::spawn_blocking;

use super::{
    Unreadable, UnreadableLines,
    lines::{Line, Lines},
    rows::{Known, NEVER_RUN, Rows},
    source::Source,
    spent::{Ledger, Spent},
};
use crate::{App, Caller, transcript::packed};

/// How much is read before it is written: what is in memory at a time.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
const BATCH_ROWS: usize = 1000;
/// A file in which nobody says anything for longer than this is no conversation.
const MOST_UNSAID: usize = 64 * 1024 * 1024;

/// What came of a file.
#[derive(Debug, Default)]
pub(super) struct FileReport {
    /// Somebody said something in it.
    pub(super) is_of_session: bool,
    pub(super) is_new_session: bool,
    pub(super) messages: u64,
    pub(super) tool_calls: u64,
    pub(super) unreadable: UnreadableLines,
    /// It was stopped before its end.
    pub(super) is_stopped: bool,
}

/// Why a file was not read to its end.
pub(super) enum FileError {
    Unreadable(io::Error),
    Store(StoreError),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<StoreError> for FileError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A file that is being read.
struct Reading {
    path: PathBuf,
    lines: Lines,
    rows: Rows,
    /// Where what is read is kept as it is; nowhere for an older copy.
    key: Option<TranscriptPath>,
    raw: Vec<u8>,
    unreadable: UnreadableLines,
}

/// Something that the session keeps about its import.
struct Kept {
    key: StateKey,
    /// 0 when it is not kept yet.
    version: i64,
    value: Value,
}

/// A piece of a transcript, and of which.
type Piece = (TranscriptPath, TranscriptPiece);

/// A batch on its way into the store.
struct Written {
    /// How far the file is read then; `None` for an older copy of one that was read further.
    place: Option<Kept>,
    piece: Option<Piece>,
    ledger: Kept,
    /// The file begins anew: what was kept of it is replaced.
    is_first: bool,
    is_end: bool,
}

/// What a batch left.
struct Stored {
    /// Of the place and of the ledger.
    versions: (i64, i64),
    ledger: Value,
    messages: u64,
    tool_calls: u64,
}

impl App {
    /// Reads a transcript on from where it was left. `step` is told of bytes that were read, and may stop it.
    pub(super) async fn import_file(
        &self,
        caller: Caller,
        source: &Source,
        step: &(dyn Fn(u64) -> ControlFlow<()> + Send + Sync),
    ) -> Result<FileReport, FileError> {
        let id = super::rows::session_id(caller.team_id, &source.session);
        let (session, mut place, mut ledger) = self.find_kept(caller, id, source).await?;
        let from = place.value["bytes"].as_u64().zip(place.value["tail"].as_str());
        let mut lines = Lines::open(&source.path, from)?;
        let mut is_first = lines.at() == 0;
        // It is read for what the longer one does not say, and that one stays.
        let is_older_copy = is_first && from.is_some_and(|(bytes, _)| bytes > lines.length());
        let mut spent = match is_older_copy {
            true => Spent::default(),
            false => Spent::from_json(&place.value["spent"]),
        };
        if is_first {
            spent.begin_again();
        }
        let mut report = FileReport { is_of_session: session.is_some(), ..FileReport::default() };
        if lines.is_at_end()? && !spent.is_owed() {
            return Ok(report);
        }
        let known = self.find_known(caller, session, source).await?;
        let rows = Rows::begin_with(self.clone(), caller, id, source.session.clone(), known, spent);
        let (path, key) = (source.path.clone(), source.key().filter(|_| !is_older_copy));
        let (raw, unreadable) = (Vec::new(), UnreadableLines::default());
        let mut reading = Reading { path, lines, rows, key, raw, unreadable };
        loop {
            let (read, is_end, piece);
            (read, is_end, piece, reading) = read_aside(reading).await?;
            report.unreadable.append(&mut reading.unreadable);
            if !reading.rows.is_begun() && reading.raw.len() > MOST_UNSAID {
                return Ok(report);
            }
            let has_news = (read > 0 && !is_older_copy)
                || reading.rows.len() > 0
                || (is_end && reading.rows.spent.is_owed());
            if reading.rows.is_begun() && has_news {
                let is_new_session = !reading.rows.is_stored();
                let value = json!({
                    "file": source.path.to_string_lossy(), "bytes": reading.lines.at(), "tail": reading.lines.tail()?,
                });
                let key = place.key.clone();
                let written = Written {
                    place: (!is_older_copy).then_some(Kept { key, version: place.version, value }),
                    piece,
                    ledger: Kept { key: ledger.key.clone(), ..ledger },
                    is_first: mem::take(&mut is_first),
                    // What an older copy owes is remembered nowhere.
                    is_end: is_end || is_older_copy,
                };
                report.is_of_session = true;
                match self.write_batch(caller, &mut reading.rows, written).await {
                    Ok(stored) => {
                        (place.version, ledger.version) = stored.versions;
                        ledger.value = stored.ledger;
                        report.messages += stored.messages;
                        report.tool_calls += stored.tool_calls;
                        report.is_new_session |= is_new_session;
                    }
                    // Another import is at it, it runs here meanwhile, or somebody deleted it and does not want it back.
                    Err(
                        StoreError::Conflict { .. }
                        | StoreError::Stale { .. }
                        | StoreError::Missing { .. }
                        | StoreError::Fenced,
                    ) => return Ok(report),
                    Err(error) => return Err(error.into()),
                }
            }
            let is_stopped = step(read).is_break();
            if is_end || is_stopped {
                report.is_stopped = !is_end;
                return Ok(report);
            }
        }
    }

    /// The session that a transcript belongs to, how far the transcript was read, and what was billed.
    async fn find_kept(
        &self,
        caller: Caller,
        id: SessionId,
        source: &Source,
    ) -> Result<(Option<Session>, Kept, Kept), StoreError> {
        let keys = (place_key(source)?, key_of("import.cost")?);
        let find = move |conn: &Conn| {
            let team = conn.team(caller.team_id);
            let kept = |key: StateKey| {
                let found = team.session_state().find(id, &key)?;
                let (version, value) = found.map_or((0, Value::Null), |entry| (entry.version, entry.value));
                Ok::<_, StoreError>(Kept { key, version, value })
            };
            Ok::<_, StoreError>((team.sessions().find(id)?, kept(keys.0)?, kept(keys.1)?))
        };
        self.store().read(find).await
    }

    /// What was said already, in this transcript or another one of the session.
    async fn find_known(
        &self,
        caller: Caller,
        session: Option<Session>,
        source: &Source,
    ) -> Result<Known, StoreError> {
        let Some(session) = session else { return Ok(Known::default()) };
        let subagent = source.subagent.clone();
        let find = move |conn: &Conn| {
            let (team, id) = (conn.team(caller.team_id), session.id);
            let works_for = subagent.map_or(Ok(None), |subagent| works_for(conn, caller, id, &subagent));
            Ok::<_, StoreError>(Known {
                messages: team.messages().list_ids(id)?,
                calls: team.tool_calls().list_tool_use_ids(id)?,
                open: team.timeline().list_open_tool_calls(id)?,
                works_for: works_for?,
                session: Some(session),
            })
        };
        self.store().scan(find).await
    }

    /// Writes what was read, and how far that is, in one transaction.
    async fn write_batch(
        &self,
        caller: Caller,
        rows: &mut Rows,
        written: Written,
    ) -> Result<Stored, StoreError> {
        let batch = rows.take();
        let mut spent = mem::take(&mut rows.spent);
        let added = batch.change.update.added;
        let (app, now, by) = (self.clone(), self.now(), caller.to_string());
        let write = move |tx: &Tx<'_>| {
            let team = tx.team(caller.team_id);
            let mut change = batch.change;
            let id = change.session_id;
            let session = match batch.session {
                Some(session) => {
                    team.sessions().insert(&session)?;
                    session
                }
                None => find_session(tx, caller, id)?,
            };
            let Written { place, piece, ledger, is_first, is_end } = written;
            let mut billed: Ledger = serde_json::from_value(ledger.value.clone()).unwrap_or_default();
            let costs = spent.bill(&app, tx, &session, &mut billed, is_end)?;
            for CostEntry { cost, usage, .. } in &costs {
                let added = &mut change.update.added;
                added.cost = added.cost.saturating_add(cost.unwrap_or(MicroUsd::ZERO));
                added.usage = added.usage.saturating_add(*usage);
            }
            team.costs().insert_all(&costs)?;
            let says = change.update.reported_cost.is_some() || !costs.is_empty();
            if !change.items.is_empty() || says {
                team.sessions().change(change)?;
            }
            if let Some((path, piece)) = piece {
                let transcripts = team.transcripts();
                if is_first {
                    transcripts.replace(id, 0, &path, vec![piece], now)?;
                } else {
                    transcripts.append(id, 0, &path, piece, now)?;
                }
            }
            let keep = |Kept { key, version, value }: Kept| {
                let state = NewState { key: &key, value: &value, expected: version, by: &by, at: now };
                team.session_state().set(id, NEVER_RUN, &state)
            };
            let mut versions = (0, ledger.version);
            if let Some(mut place) = place {
                place.value["spent"] = spent.to_json();
                versions.0 = keep(place)?;
            }
            let value = json!(billed);
            if value != ledger.value && billed != Ledger::default() {
                versions.1 = keep(Kept { value: value.clone(), ..ledger })?;
            }
            Ok::<_, StoreError>((versions, value, spent))
        };
        let (versions, ledger, spent) = self.store().write(write).await?;
        rows.spent = spent;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let (messages, tool_calls) = (count(added.total_messages), count(added.total_tool_calls));
        Ok(Stored { versions, ledger, messages, tool_calls })
    }
}

fn find_session(tx: &Tx<'_>, caller: Caller, id: SessionId) -> Result<Session, StoreError> {
    let found = tx.team(caller.team_id).sessions().find(id)?;
    found.ok_or_else(|| StoreError::Missing { what: format!("session {id}") })
}

/// The tool call that started a subagent: its result names the agent.
fn works_for(
    conn: &Conn,
    caller: Caller,
    session: SessionId,
    subagent: &str,
) -> Result<Option<String>, StoreError> {
    for tool in AGENT_TOOLS {
        let filter = ToolCallFilter { tool_name: Some(tool.to_owned()), ..ToolCallFilter::default() };
        let calls = conn.team(caller.team_id).tool_calls().list(session, &filter, 0, u32::MAX)?;
        let names_it = |output: &Value| started_subagent(output) == Some(subagent);
        let found = calls.into_iter().find(|call| call.tool_output.as_ref().is_some_and(names_it));
        if let Some(call) = found {
            return Ok(Some(call.tool_use_id));
        }
    }
    Ok(None)
}

/// Under which key a session keeps how far one of its transcripts was read: the same for a copy of it elsewhere.
fn place_key(source: &Source) -> Result<StateKey, StoreError> {
    let key = source.key();
    let place =
        key.as_ref().map_or(source.path.as_os_str().as_encoded_bytes(), |key| key.as_str().as_bytes());
    key_of(&format!("import.transcript.{}", &Sha256Digest::of(place).to_string()[..16]))
}

fn key_of(key: &str) -> Result<StateKey, StoreError> {
    key.parse().map_err(|_| StoreError::Other { what: format!("{key} is no key") })
}

/// Reads a batch aside of everything else that goes on: how many bytes, whether that was all, and all of it as it is, once
/// somebody said something.
async fn read_aside(mut reading: Reading) -> io::Result<(u64, bool, Option<Piece>, Reading)> {
    let work = move || {
        let begin = reading.lines.at();
        let is_end = read_batch(&mut reading)?;
        let piece = pack(&mut reading)?;
        Ok((reading.lines.at() - begin, is_end, piece, reading))
    };
    spawn_blocking(work).await.map_err(io::Error::other)?
}

fn pack(reading: &mut Reading) -> io::Result<Option<Piece>> {
    let Some(key) = reading.key.clone() else {
        reading.raw.clear();
        return Ok(None);
    };
    if !reading.rows.is_begun() || reading.raw.is_empty() {
        return Ok(None);
    }
    Ok(Some((key, packed(&mem::take(&mut reading.raw))?)))
}

/// Reads until there is enough to write; says whether that was all.
fn read_batch(reading: &mut Reading) -> io::Result<bool> {
    let Reading { path, lines, rows, raw, unreadable, .. } = reading;
    let begin = lines.at();
    let mut tell = |at, reason: String| {
        unreadable.add(|| Unreadable { file: path.clone(), at_byte: Some(at), reason });
    };
    while lines.at() - begin < BATCH_BYTES && rows.len() < BATCH_ROWS {
        let at = lines.at();
        let Some(Line { bytes, length }) = lines.next()? else { return Ok(true) };
        let Some(bytes) = bytes else {
            tell(at, format!("{length} bytes are too many for a line"));
            continue;
        };
        raw.extend_from_slice(bytes);
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match read_line(text) {
            Ok(TranscriptLine::Said(said)) => rows.say(*said, text),
            Ok(TranscriptLine::Cost(cost)) => rows.cost(cost),
            Ok(TranscriptLine::Other) => {}
            Err(error) => tell(at, error.to_string()),
        }
    }
    Ok(false)
}
