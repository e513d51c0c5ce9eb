//! Copies of a database file: made while it is in use, looked through before they are given their name, and put back.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    ops::ControlFlow,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use tempfile::{PathPersistError, TempPath};

use super::{
    SqliteConnection, SqliteFile,
    open::{Owner, owner},
};
use crate::{
    conn::Conn,
    error::{OpenError, StoreError},
    migration,
};

/// Pages between two words of progress: 4 MB.
const PAGES_AT_ONCE: i32 = 1024;
/// Between two tries when somebody holds the target.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How far a copy is, in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// Pages copied.
    pub copied: u64,
    /// Pages in all.
    pub total: u64,
}

impl CopyProgress {
    fn of(backup: &Backup<'_, '_>) -> Self {
        let now = backup.progress();
        let (total, left) = (now.pagecount.unsigned_abs(), now.remaining.unsigned_abs());
        Self { copied: u64::from(total - left), total: u64::from(total) }
    }
}

/// Why a copy was not made or not put back. What was there before is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// There is a file of this name.
    #[error("{path} exists")]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The database that should be replaced holds something.
    #[error("{path} is not empty: {table} has rows")]
    NotEmpty {
        /// Where it is.
        path: PathBuf,
        /// A table with rows.
        table: String,
    },
    /// The copy is not whole.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// What was copied.
        path: PathBuf,
        /// What SQLite found.
        what: String,
    },
    /// The operating system refused.
    #[error("{path} cannot be written: {what}")]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// What it said.
        what: String,
    },
    /// Whoever was told of the progress wanted no more.
    #[error("it was stopped")]
    Stopped,
    /// A file cannot be opened, or is none of ours.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl SqliteFile {
    /// Copies the database as it is at this moment into a new file that only its owner may read. Writers are not held up. The
    /// file has its name only once it was looked through and is on the disk; a `progress` that breaks leaves none. Blocks.
    ///
    /// # Errors
    /// [`BackupError`]; without `replaces` also when there is a file of the name.
    pub fn back_up(
        &self,
        to: &Path,
        replaces: bool,
        progress: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
    ) -> Result<(), BackupError> {
        if !replaces && to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists { path: to.to_owned() });
        }
        expect_there(&self.path)?;
        let source = self.open_reader()?;
        if to.canonicalize().is_ok_and(|to| self.path.canonicalize().is_ok_and(|path| path == to)) {
            let what = "it is the database itself".to_owned();
            return Err(BackupError::Unwritable { path: to.to_owned(), what });
        }
        self.expect_ours(&source.raw)?;
        let partial = Partial::beside(to)?;
        let copied =
            self.copying(&partial.path).copy(&source.raw, &mut partial.open()?, || Ok(()), progress)?;
        partial.expect_whole(&self.path)?;
        go_on(progress, copied)?;
        partial.put(to, replaces)
    }

    /// Copies the database beside itself, to `FILE.before-7`, or with a further number when that is there. The copy is gone
    /// when it is dropped: it is to be kept once there was a migration.
    pub(crate) fn back_up_before_migration(&self) -> Result<TempPath, OpenError> {
        let no_backup = |path, error: &dyn Error| OpenError::NoBackup { path, what: error.to_string() };
        let name = |suffix: String| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".before-{}{suffix}", migration::LATEST));
            PathBuf::from(name)
        };
        let mut number = 1;
        loop {
            let path = if number == 1 { name(String::new()) } else { name(format!(".{number}")) };
            match self.back_up(&path, false, &mut |_| ControlFlow::Continue(())) {
                Ok(()) => {
                    let kept = TempPath::try_from_path(&path);
                    return kept.map_err(|error| no_backup(path, &error));
                }
                Err(BackupError::Exists { .. }) => number += 1,
                Err(error) => return Err(no_backup(path, &error)),
            }
        }
    }

    /// Puts a copy where this file is to be: there must be none, or one without rows. The copy is looked through first, and
    /// its schema must be one that this program knows. Blocks.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn restore(
        &self,
        from: &Path,
        progress: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
    ) -> Result<(), BackupError> {
        expect_there(from)?;
        let backup = Self { path: from.to_owned(), ..self.clone() };
        let is_there = self.path.try_exists().map_err(|error| unwritable(&self.path, &error))?;
        if is_there {
            self.expect_vacant()?;
        }
        let source = Connection::open_with_flags(
            from,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| backup.explain(&error))?;
        backup.expect_ours(&source)?;
        let partial = Partial::beside(&self.path)?;
        let copied = self.copying(&partial.path).copy(&source, &mut partial.open()?, || Ok(()), progress)?;
        partial.expect_whole(from)?;
        go_on(progress, copied)?;
        let copied: Conn = SqliteConnection::from(partial.open()?).into();
        migration::check_known(&copied)?;
        drop(copied);
        if !is_there {
            return partial.put(&self.path, false);
        }
        // Through SQLite and not by renaming: others may have the empty file open, and may have written meanwhile.
        let mut target = self.open_writer()?;
        let source = partial.open()?;
        self.copying(&self.path)
            .copy(&source, &mut target.raw, || self.expect_vacant(), &mut |_| ControlFlow::Continue(()))
            .map(drop)
    }

    fn copying<'p>(&self, target: &'p Path) -> Copying<'p> {
        Copying { target, patience: self.busy_timeout }
    }

    fn expect_ours(&self, connection: &Connection) -> Result<(), OpenError> {
        match owner(connection).map_err(|error| self.explain(&error))? {
            Owner::Provost => Ok(()),
            Owner::Nobody | Owner::Another => Err(OpenError::ForeignDatabase { path: self.path.clone() }),
        }
    }

    fn expect_vacant(&self) -> Result<(), BackupError> {
        let connection = self.open_reader()?.raw;
        if owner(&connection).map_err(|error| self.explain(&error))? == Owner::Another {
            return Err(OpenError::ForeignDatabase { path: self.path.clone() }.into());
        }
        let mut tables = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '*_words*'
             AND name NOT GLOB 'sqlite_*' AND name <> 'provost_migrations'",
        )?;
        let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
        for table in tables {
            let table = table?;
            let sql = format!("SELECT EXISTS (SELECT 1 FROM \"{table}\")");
            if connection.query_row(&sql, [], |row| row.get::<_, bool>(0))? {
                return Err(BackupError::NotEmpty { path: self.path.clone(), table });
            }
        }
        Ok(())
    }
}

fn expect_there(path: &Path) -> Result<(), OpenError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::DatabaseNotFound { path: path.to_owned() }),
        Err(error) => Err(OpenError::Unopenable { path: path.to_owned(), what: error.to_string() }),
    }
}

/// A copy that has not its name yet; gone when dropped.
struct Partial {
    path: TempPath,
}

impl Partial {
    fn beside(target: &Path) -> Result<Self, BackupError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.partial-{}", std::process::id()));
        // Left by a process that was killed and had our number; SQLite would undo our copy with its journal.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut left = path.clone().into_os_string();
            left.push(suffix);
            drop(fs::remove_file(left));
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unwritable(target, &error))?;
        Ok(Self { path: TempPath::try_from_path(path).map_err(|error| unwritable(target, &error))? })
    }

    fn open(&self) -> Result<Connection, BackupError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Connection::open_with_flags(&self.path, flags)?)
    }

    /// Makes one file of it, without a log beside it, and looks through all of it.
    fn expect_whole(&self, source: &Path) -> Result<(), BackupError> {
        let connection = self.open()?;
        connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        let mut found = Vec::new();
        connection.pragma_query(None, "integrity_check", |row| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        })?;
        if found != ["ok"] {
            let path = source.to_owned();
            return Err(BackupError::Damaged { path, what: found.join("; ") });
        }
        Ok(())
    }

    /// Gives it its name, once it is on the disk.
    fn put(self, target: &Path, replaces: bool) -> Result<(), BackupError> {
        for suffix in ["-wal", "-journal"] {
            let mut log = target.as_os_str().to_owned();
            log.push(suffix);
            if Path::new(&log).exists() {
                let what = "the log of another database, which SQLite would add to this one; move it away";
                return Err(BackupError::Unwritable { path: log.into(), what: what.to_owned() });
            }
        }
        let refused = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => BackupError::Exists { path: target.to_owned() },
            _ => unwritable(target, &error),
        };
        File::open(&self.path).and_then(|file| file.sync_all()).map_err(refused)?;
        let renamed = if replaces { self.path.persist(target) } else { self.path.persist_noclobber(target) };
        renamed.map_err(|PathPersistError { error, .. }| refused(error))?;
        let folder = target.parent().unwrap_or_else(|| Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(target, &error))
    }
}

/// The copying of all pages of one file into another.
struct Copying<'p> {
    target: &'p Path,
    /// How long somebody else may hold the target.
    patience: Duration,
}

impl Copying<'_> {
    /// Inside one read of the source: otherwise each commit of another process would begin the copy anew. Once nobody else
    /// can write to the target, and before anything is, `is_allowed` is asked.
    fn copy(
        &self,
        source: &Connection,
        target: &mut Connection,
        is_allowed: impl FnOnce() -> Result<(), BackupError>,
        progress: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
    ) -> Result<CopyProgress, BackupError> {
        source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        let copied = Backup::new(source, target).map_err(BackupError::from).and_then(|backup| {
            self.step(&backup, 0)?;
            is_allowed()?;
            while self.step(&backup, PAGES_AT_ONCE)? == StepResult::More {
                go_on(progress, CopyProgress::of(&backup))?;
            }
            Ok(CopyProgress::of(&backup))
        });
        source.execute_batch("COMMIT")?;
        copied
    }

    /// Copies some pages, as soon as the target is free; none only takes hold of it.
    fn step(&self, backup: &Backup<'_, '_>, pages: i32) -> Result<StepResult, BackupError> {
        let begin = Instant::now();
        loop {
            match backup.step(pages)? {
                result @ (StepResult::Done | StepResult::More) => return Ok(result),
                _ if begin.elapsed() > self.patience => {
                    return Err(OpenError::Locked { path: self.target.to_owned() }.into());
                }
                _ => thread::sleep(RETRY_PAUSE),
            }
        }
    }
}

/// Tells how far it is, unless whoever is told wants no more.
fn go_on(
    progress: &mut dyn FnMut(CopyProgress) -> ControlFlow<()>,
    now: CopyProgress,
) -> Result<(), BackupError> {
    if progress(now).is_break() { Err(BackupError::Stopped) } else { Ok(()) }
}

fn unwritable(path: &Path, error: &io::Error) -> BackupError {
    BackupError::Unwritable { path: path.to_owned(), what: error.to_string() }
}
