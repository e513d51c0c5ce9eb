//! Where server and clients of one user meet.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::process::getuid;

use super::view;
use crate::{surroundings::Surroundings, variable};

/// A folder, and in it the socket of those who see this machine alike: in a container the same paths may be other files.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    folder: PathBuf,
    name: String,
}

/// The path of a Unix socket may be no longer, on any system.
const LONGEST_PATH: usize = 100;

impl Place {
    /// The folder of this user's running programs, or the data folder; `None` when its path is too long for a socket.
    pub(crate) fn of(surroundings: &Surroundings) -> Option<Self> {
        let runtime = surroundings.text(variable::XDG_RUNTIME_DIR).map(PathBuf::from);
        let runtime = runtime.filter(|folder| folder.is_absolute()).map(|folder| folder.join("provost"));
        let place = Self::at(runtime.or_else(|| surroundings.data_directory())?)?;
        (place.socket().as_os_str().len() <= LONGEST_PATH).then_some(place)
    }

    /// `None` when this process does not know what it sees.
    pub(crate) fn at(folder: PathBuf) -> Option<Self> {
        // A name is all that this is for: whether client and server see the same is asked by the server.
        let mut hasher = DefaultHasher::new();
        hasher.write(view::own()?.as_bytes());
        Some(Self { folder, name: format!("hooks-{:08x}", hasher.finish() >> 32) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join(format!("{}.sock", self.name))
    }

    /// Whoever holds a lock on this file is the server.
    pub(super) fn lock(&self) -> PathBuf {
        self.folder.join(format!("{}.lock", self.name))
    }

    /// Whether nobody else can have put anything there: an answer is believed.
    pub(super) fn is_private(&self) -> bool {
        fs::metadata(&self.folder)
            .is_ok_and(|folder| folder.uid() == getuid().as_raw() && folder.mode() & 0o022 == 0)
    }
}

/// Which binary this is, to tell a client and a server that are not the same; `None` when it is gone from its place.
pub(super) fn program() -> Option<String> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let (device, file) = (program.dev(), program.ino());
    Some(format!("{device}:{file} {}.{}", program.mtime(), program.mtime_nsec()))
}
