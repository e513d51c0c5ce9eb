//! Reading the sessions that the agent CLI kept by itself: every transcript below a folder becomes a session, line by line, and
//! reading it again brings only what is new.

mod file;
mod rows;

use std::{
    collections::HashSet,
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use store::StoreError;

use crate::{App, Caller};

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

impl ImportReport {
    fn unreadable(&mut self, file: &Path, at_byte: Option<u64>, reason: impl std::fmt::Display) {
        self.unreadable_lines += 1;
        if self.unreadable.len() < MOST_TOLD {
            self.unreadable.push(Unreadable { file: file.to_owned(), at_byte, reason: reason.to_string() });
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
        let files = transcripts(folder)?;
        let own =
            self.store().scan(move |conn| conn.team(caller.team_id).sessions().list_external_ids()).await?;
        let own: HashSet<String> = own.into_iter().collect();
        let mut report = ImportReport::default();
        for (index, path) in files.iter().enumerate() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if own.contains(name.as_ref()) {
                report.own_sessions += 1;
                continue;
            }
            let mut step =
                |bytes: u64| progress(ImportProgress { files: index, of_files: files.len(), bytes });
            match self.import_file(caller, path, &mut report, &mut step).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => {
                    report.is_stopped = true;
                    break;
                }
                Err(file::FileError::Unreadable(error)) => report.unreadable(path, None, error),
                Err(file::FileError::Store(error)) => return Err(error.into()),
            }
        }
        Ok(report)
    }
}

/// The transcripts below a folder, in the order of their paths. Those of subagents stand in folders of their own, and what they
/// say comes to their session as the result of a tool.
fn transcripts(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failed = |path: &Path, source| ImportError::Folder { path: path.to_owned(), source };
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|error| failed(&folder, error))?);
            if kind.is_dir() && entry.file_name() != "subagents" {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "jsonl") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
