//! A file that appears whole or not at all, readable by its owner only.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::failure::{Code, Failure};

/// A file on its way: written under another name in the same folder, which is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct NewFile {
    temporary: NamedTempFile,
    path: PathBuf,
    replaces: bool,
}

impl NewFile {
    /// Begins; refuses early when a file of the name is there and may not be replaced.
    pub(crate) fn create(path: PathBuf, replaces: bool) -> Result<Self, Failure> {
        if !replaces && path.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        // With mode 600, so nobody else reads what is being written either.
        let temporary = tempfile::Builder::new()
            .prefix(".provost-")
            .suffix(".partial")
            .tempfile_in(folder(&path))
            .map_err(|error| unwritable(&path, &error))?;
        Ok(Self { temporary, path, replaces })
    }

    pub(crate) fn handle(&self) -> Result<File, Failure> {
        self.temporary.reopen().map_err(|error| unwritable(&self.path, &error))
    }

    /// Gives the file its name, once it is on the disk.
    pub(crate) fn finish(self) -> Result<PathBuf, Failure> {
        let Self { temporary, path, replaces } = self;
        temporary.as_file().sync_all().map_err(|error| unwritable(&path, &error))?;
        let outcome = if replaces { temporary.persist(&path) } else { temporary.persist_noclobber(&path) };
        outcome.map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => exists(&path),
            _ => unwritable(&path, &error.error),
        })?;
        let synced = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("/"))
}

fn exists(path: &Path) -> Failure {
    Failure::new(Code::Refused, format!("{} exists", path.display())).hint("to replace it: --force")
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Failed, format!("{} cannot be written: {error}", path.display()))
}
