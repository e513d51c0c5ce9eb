//! Reading the sessions that the agent CLI kept by itself: every transcript below a folder becomes a session, line by line, and
//! reading it again brings only what is new.

mod file;
mod lines;
mod rows;
mod source;
mod spent;

use std::{
    collections::{HashSet, VecDeque},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::audit_action::AuditAction;
use store::StoreError;
use tokio::{task::JoinSet, time::interval};

use self::{
    file::{FileError, FileReport},
    source::Source,
};
use crate::{App, Caller};

/// How many sessions are read at once: while one is written, others are parsed.
const AT_ONCE: usize = 3;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// How far an import is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Files that were looked at.
    pub files: usize,
    /// Files there are.
    pub of_files: usize,
    /// Bytes that were read.
    pub bytes: u64,
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Sessions that were not known.
    pub new_sessions: usize,
    /// Sessions in which something was said since they were last read.
    pub grown_sessions: usize,
    /// Sessions in which nothing was.
    pub known_sessions: usize,
    /// Transcripts of sessions that Provost ran itself, which it knows better.
    pub own_sessions: usize,
    /// Files in which nobody said anything.
    pub empty_files: usize,
    /// Messages that were added.
    pub messages: u64,
    /// Tool calls that were added.
    pub tool_calls: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Lines that could not be read; of many, the first.
    pub unreadable: Vec<Unreadable>,
    /// How many those are in all.
    pub unreadable_lines: u64,
    /// It was stopped; what was read by then is kept, and the next import goes on from there.
    pub is_stopped: bool,
}

/// A line, or a file, that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// The place of the line in the file, in bytes from its beginning; `None` is all of it.
    pub at_byte: Option<u64>,
    /// Why.
    pub reason: String,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder cannot be looked through.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many unreadable lines are told one by one.
const MOST_TOLD: usize = 20;

/// Lines that could not be read: the first, and how many.
#[derive(Debug, Default)]
struct UnreadableLines {
    first: Vec<Unreadable>,
    count: u64,
}

impl UnreadableLines {
    fn add(&mut self, line: impl FnOnce() -> Unreadable) {
        self.count += 1;
        if self.first.len() < MOST_TOLD {
            self.first.push(line());
        }
    }

    fn append(&mut self, other: &mut Self) {
        let Self { mut first, count } = std::mem::take(other);
        self.count += count;
        first.truncate(MOST_TOLD.saturating_sub(self.first.len()));
        self.first.append(&mut first);
    }
}

/// How far all of an import is, and whether it is to go on.
#[derive(Debug, Default)]
struct Advance {
    files: AtomicU64,
    bytes: AtomicU64,
    is_stopped: AtomicBool,
}

impl Advance {
    fn step(&self, bytes: u64) -> ControlFlow<()> {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.is_stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl App {
    /// Reads every transcript below a folder. What cannot be read is told and passed over.
    ///
    /// # Errors
    /// See [`ImportError`]; what was read by then is kept.
    pub async fn import_transcripts(
        &self,
        caller: Caller,
        folder: &Path,
        progress: &mut (dyn FnMut(ImportProgress) -> ControlFlow<()> + Send),
    ) -> Result<ImportReport, ImportError> {
        let deed = self.deed(caller, AuditAction::TranscriptImport).on(folder.display());
        let outcome = self.read_transcripts(caller, folder, progress).await;
        self.note(match &outcome {
            Ok(report) => deed.with("new_sessions", report.new_sessions).with("messages", report.messages),
            Err(error) => deed.failed(error),
        })
        .await;
        outcome
    }

    async fn read_transcripts(
        &self,
        caller: Caller,
        folder: &Path,
        progress: &mut (dyn FnMut(ImportProgress) -> ControlFlow<()> + Send),
    ) -> Result<ImportReport, ImportError> {
        let (sources, unreadable) = source::find(folder)?;
        let of_files = sources.len();
        let own =
            self.store().scan(move |conn| conn.team(caller.team_id).sessions().list_external_ids()).await?;
        let own: HashSet<String> = own.into_iter().collect();
        let mut report = ImportReport::default();
        let mut told = UnreadableLines::default();
        unreadable.into_iter().for_each(|folder| told.add(|| folder));
        let (own_sources, others): (Vec<_>, Vec<_>) =
            sources.into_iter().partition(|source| own.contains(&source.session));
        report.own_sessions = of_sessions(own_sources).len();
        let mut waiting = of_sessions(others);
        let advance = Arc::new(Advance::default());
        let mut running = JoinSet::new();
        // Of its own, however quickly sessions come to their end.
        let mut times = interval(TELL_EVERY);
        loop {
            let is_stopped = advance.is_stopped.load(Ordering::Relaxed);
            report.is_stopped |= is_stopped && !waiting.is_empty();
            while running.len() < AT_ONCE && !is_stopped {
                let Some(sources) = waiting.pop_front() else { break };
                running.spawn(import_session(self.clone(), caller, sources, Arc::clone(&advance)));
            }
            tokio::select! {
                ended = running.join_next() => match ended {
                    Some(Ok(session)) => report.add(session?, &mut told),
                    Some(Err(panic)) => return Err(StoreError::Panicked { message: panic.to_string() }.into()),
                    None => break,
                },
                _ = times.tick() => {
                    let (files, bytes) = (&advance.files, &advance.bytes);
                    let files = usize::try_from(files.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
                    let bytes = bytes.load(Ordering::Relaxed);
                    if progress(ImportProgress { files, of_files, bytes }).is_break() {
                        advance.is_stopped.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
        report.bytes = advance.bytes.load(Ordering::Relaxed);
        (report.unreadable, report.unreadable_lines) = (told.first, told.count);
        Ok(report)
    }
}

/// The transcripts of each session.
fn of_sessions(sources: Vec<Source>) -> VecDeque<Vec<Source>> {
    let mut sessions: VecDeque<Vec<Source>> = VecDeque::new();
    for source in sources {
        match sessions.back_mut().filter(|session| session[0].session == source.session) {
            Some(session) => session.push(source),
            None => sessions.push_back(vec![source]),
        }
    }
    sessions
}

/// Reads the transcripts of one session, one after the other.
async fn import_session(
    app: App,
    caller: Caller,
    sources: Vec<Source>,
    advance: Arc<Advance>,
) -> Result<Vec<FileReport>, StoreError> {
    let mut reports = Vec::with_capacity(sources.len());
    for source in sources {
        let step = |bytes| advance.step(bytes);
        match app.import_file(caller, &source, &step).await {
            Ok(report) => reports.push(report),
            Err(FileError::Unreadable(error)) => {
                let mut report = FileReport::default();
                let unreadable = Unreadable { file: source.path, at_byte: None, reason: error.to_string() };
                report.unreadable.add(|| unreadable);
                reports.push(report);
            }
            // Something in it that is not stored; others are read all the same.
            Err(FileError::Store(error @ (StoreError::Invalid { .. } | StoreError::Other { .. }))) => {
                let mut report = FileReport::default();
                let (file, reason) = (source.path, error.to_string());
                report.unreadable.add(|| Unreadable { file, at_byte: None, reason });
                reports.push(report);
            }
            Err(FileError::Store(error)) => return Err(error),
        }
        advance.files.fetch_add(1, Ordering::Relaxed);
        if advance.is_stopped.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(reports)
}

impl ImportReport {
    /// What came of one session's files.
    fn add(&mut self, files: Vec<FileReport>, told: &mut UnreadableLines) {
        let (mut is_new, mut has_grown, mut is_known) = (false, false, false);
        for mut file in files {
            is_new |= file.is_new_session;
            has_grown |= file.messages > 0 || file.tool_calls > 0;
            is_known |= file.is_of_session;
            self.empty_files += usize::from(!file.is_of_session && file.unreadable.count == 0);
            self.messages += file.messages;
            self.tool_calls += file.tool_calls;
            self.is_stopped |= file.is_stopped;
            told.append(&mut file.unreadable);
        }
        match (is_known, is_new, has_grown) {
            (_, true, _) => self.new_sessions += 1,
            (_, false, true) => self.grown_sessions += 1,
            (true, false, false) => self.known_sessions += 1,
            (false, false, false) => {}
        }
    }
}
