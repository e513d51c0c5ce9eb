//! One transcript: read from where it was left, a batch at a time.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Seek as _, SeekFrom},
    ops::ControlFlow,
    path::Path,
};

use agent::transcript::{TranscriptLine, read_line};
use domain::{
    id::SessionId,
    session_state::{SessionStateEntry, StateKey},
};
use serde_json::{Value, json};
use store::{NewState, StoreError, Tx};

use super::{
    ImportReport,
    rows::{NEVER_RUN, Rows},
};
use crate::{App, Caller};

/// Lines that are longer than this are passed over.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
/// How much is read before it is written: what is in memory at a time.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
const BATCH_ROWS: usize = 1000;

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

/// Under which key a session keeps how far its transcript was read.
fn state_key() -> Result<StateKey, StoreError> {
    "import.transcript".parse().map_err(|_| StoreError::Other { what: "the key of an import".to_owned() })
}

impl App {
    /// Reads a transcript on from where it was left.
    pub(super) async fn import_file(
        &self,
        caller: Caller,
        path: &Path,
        report: &mut ImportReport,
        step: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
    ) -> Result<ControlFlow<()>, FileError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let id = super::rows::session_id(caller.team_id, &name);
        let known = self.find_import(caller, id).await?;
        let mut lines = Lines::open(path, known.as_ref().map_or(0, |(from, _)| *from))?;
        if lines.is_at_end()? {
            if known.is_some() {
                report.known_sessions += 1;
            } else {
                report.empty_files += 1;
            }
            return Ok(ControlFlow::Continue(()));
        }
        let mut rows = self.begin_rows(caller, id, name, known.is_some()).await?;
        let mut version = known.as_ref().map_or(0, |(_, version)| *version);
        let before = (report.messages, report.tool_calls);
        loop {
            let is_end = read_batch(self, &mut lines, &mut rows, path, report)?;
            if !rows.is_begun() {
                // Nobody said anything so far, so there is no session.
                if is_end {
                    report.empty_files += 1;
                    return Ok(ControlFlow::Continue(()));
                }
                continue;
            }
            version = match self.write_batch(caller, &mut rows, path, lines.at, version, report).await {
                Ok(version) => version,
                // Another import is at it, it runs here meanwhile, or somebody deleted it and does not want it back.
                Err(
                    StoreError::Conflict { .. }
                    | StoreError::Stale { .. }
                    | StoreError::Missing { .. }
                    | StoreError::Fenced,
                ) => {
                    report.known_sessions += 1;
                    return Ok(ControlFlow::Continue(()));
                }
                Err(error) => return Err(error.into()),
            };
            if step(report.bytes).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if is_end {
                break;
            }
        }
        let has_grown = (report.messages, report.tool_calls) != before;
        match (known.is_some(), has_grown) {
            (false, _) => report.new_sessions += 1,
            (true, true) => report.grown_sessions += 1,
            (true, false) => report.known_sessions += 1,
        }
        Ok(ControlFlow::Continue(()))
    }

    /// How far a session's transcript was read, and in which version that stands.
    async fn find_import(&self, caller: Caller, id: SessionId) -> Result<Option<(u64, i64)>, StoreError> {
        let key = state_key()?;
        let find = move |conn: &store::Conn| conn.team(caller.team_id).session_state().find(id, &key);
        let found = self.store().read(find).await?;
        Ok(found.map(|SessionStateEntry { value, version, .. }| {
            (value.get("bytes").and_then(Value::as_u64).unwrap_or(0), version)
        }))
    }

    /// Writes what was read, and how far that is, in one transaction.
    async fn write_batch(
        &self,
        caller: Caller,
        rows: &mut Rows,
        path: &Path,
        at: u64,
        version: i64,
        report: &mut ImportReport,
    ) -> Result<i64, StoreError> {
        let batch = rows.take();
        let added = batch.change.update.added;
        let (key, now, by) = (state_key()?, self.now(), caller.to_string());
        let value = json!({ "bytes": at, "file": path.to_string_lossy() });
        let write = move |tx: &Tx<'_>| {
            let team = tx.team(caller.team_id);
            if let Some(session) = &batch.session {
                team.sessions().insert(session)?;
            }
            let id = batch.change.session_id;
            if !batch.change.items.is_empty() || batch.change.update.reported_cost.is_some() {
                team.sessions().change(batch.change)?;
            }
            let state = NewState { key: &key, value: &value, expected: version, by: &by, at: now };
            team.session_state().set(id, NEVER_RUN, &state)
        };
        let version = self.store().write(write).await?;
        report.messages += u64::try_from(added.total_messages).unwrap_or(0);
        report.tool_calls += u64::try_from(added.total_tool_calls).unwrap_or(0);
        Ok(version)
    }
}

/// Reads until there is enough to write; says whether that was all.
fn read_batch(
    app: &App,
    lines: &mut Lines,
    rows: &mut Rows,
    path: &Path,
    report: &mut ImportReport,
) -> io::Result<bool> {
    let begin = lines.at;
    while lines.at - begin < BATCH_BYTES && rows.len() < BATCH_ROWS {
        let at = lines.at;
        let Some(Line { bytes, length }) = lines.next()? else { return Ok(true) };
        report.bytes += length;
        let Some(bytes) = bytes else {
            report.unreadable(path, Some(at), format!("{length} bytes are too many for a line"));
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        if text.trim().is_empty() {
            continue;
        }
        match read_line(text.trim()) {
            Ok(TranscriptLine::Said(said)) => rows.say(app, *said, at),
            Ok(TranscriptLine::Cost(cost)) => rows.cost(cost),
            Ok(TranscriptLine::Other) => {}
            Err(error) => report.unreadable(path, Some(at), error),
        }
    }
    Ok(false)
}

/// The whole lines of a file; what is still being written has no end yet.
struct Lines {
    file: BufReader<File>,
    /// Where the next line begins.
    at: u64,
    buffer: Vec<u8>,
}

struct Line<'l> {
    /// Its content; none when it is too long.
    bytes: Option<&'l [u8]>,
    length: u64,
}

impl Lines {
    fn open(path: &Path, from: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        // One that is shorter than it was is another one; nothing of it is taken for the rest of the first.
        let at = from.min(file.metadata()?.len());
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file: BufReader::with_capacity(256 * 1024, file), at, buffer: Vec::new() })
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.file.fill_buf()?.is_empty())
    }

    fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut length = 0_u64;
        loop {
            let piece = self.file.fill_buf()?;
            if piece.is_empty() {
                return Ok(None);
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(piece.len(), |end| end + 1);
            if self.buffer.len() + taken <= LONGEST_LINE {
                self.buffer.extend_from_slice(&piece[..taken]);
            }
            length += taken as u64;
            self.file.consume(taken);
            if end.is_some() {
                break;
            }
        }
        self.at += length;
        let is_whole = self.buffer.len() as u64 == length;
        Ok(Some(Line { bytes: is_whole.then_some(self.buffer.as_slice()), length }))
    }
}
