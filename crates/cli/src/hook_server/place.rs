//! Where server and clients of one user meet.

use std::{
    fs,
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
    /// It is on a disk, which may hang.
    is_on_disk: bool,
}

/// The path of a Unix socket may be no longer, on any system.
const LONGEST_PATH: usize = 100;

impl Place {
    /// The folder of this user's running programs, or the data folder; `None` when its path is too long for a socket.
    pub(crate) fn of(surroundings: &Surroundings) -> Option<Self> {
        let runtime = surroundings.text(variable::XDG_RUNTIME_DIR).map(PathBuf::from);
        let runtime = runtime.filter(|folder| folder.is_absolute()).map(|folder| folder.join("provost"));
        let is_on_disk = runtime.is_none();
        let place = Self { is_on_disk, ..Self::at(runtime.or_else(|| surroundings.data_directory())?)? };
        (place.socket().as_os_str().len() <= LONGEST_PATH).then_some(place)
    }

    /// `None` when this process does not know what it sees.
    pub(crate) fn at(folder: PathBuf) -> Option<Self> {
        Some(Self {
            folder,
            name: format!("hooks-{:08x}", fnv(view::own()?.as_bytes()) >> 32),
            is_on_disk: true,
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether to look at it may take for ever. A folder of running programs is in memory.
    pub(crate) const fn may_hang(&self) -> bool {
        self.is_on_disk
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

/// A number that looks different for different bytes (FNV-1a): for a name, which is all that it is good for. Whether client and
/// server see the same is asked by the server.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Which binary this is, to tell a client and a server that are not the same; `None` when it is gone from its place.
pub(super) fn program() -> Option<String> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let (device, file) = (program.dev(), program.ino());
    Some(format!("{device}:{file} {}.{}", program.mtime(), program.mtime_nsec()))
}
