//! What a resumed session continues from: one small file per session.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use domain::money::MicroUsd;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A session's state, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    pub(super) external_id: Uuid,
    /// The turn of the scenario that the next prompt plays.
    pub(super) next_turn: usize,
    /// Spent since the session began.
    pub(super) cost: MicroUsd,
}

impl State {
    /// A new session. Its id is the first of a sequence that no file of the folder has yet.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let process = std::process::id();
        for number in 0_u32.. {
            let external_id = uuid_from(&format!("{}/{process}/{number}", directory.display()));
            let state = Self { external_id, next_turn: 0, cost: MicroUsd::ZERO };
            match fs::File::create_new(state.path(directory)) {
                Ok(mut file) => return file.write_all(&state.to_json()).map(|()| state),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A new session that goes on where this one is.
    pub(super) fn fork(&self, directory: &Path) -> io::Result<Self> {
        let fork = Self { next_turn: self.next_turn, ..Self::create(directory)? };
        fork.save(directory).map(|()| fork)
    }

    /// The session of this id; `None` when there is none.
    pub(super) fn load(directory: &Path, external_id: &str) -> Option<Self> {
        // Only a UUID can name a file here: no path leads out of the folder.
        let external_id: Uuid = external_id.parse().ok()?;
        let text = fs::read(path(directory, external_id)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces the file as a whole.
    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        let temporary = path(directory, self.external_id).with_extension("tmp");
        fs::write(&temporary, self.to_json())?;
        fs::rename(temporary, self.path(directory))
    }

    fn path(&self, directory: &Path) -> PathBuf {
        path(directory, self.external_id)
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn path(directory: &Path, external_id: Uuid) -> PathBuf {
    directory.join(format!("{external_id}.json"))
}

/// A UUID that is the same for the same text, and for no other.
pub(super) fn uuid_from(text: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(text)[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_new_session_has_its_own_id_and_file() {
        let directory = tempfile::tempdir().expect("a folder");
        let first = State::create(directory.path()).expect("a session");
        let second = State::create(directory.path()).expect("a session");
        assert_ne!(first.external_id, second.external_id);
        assert_eq!(State::load(directory.path(), &first.external_id.to_string()), Some(first));
    }

    #[test]
    fn an_id_that_is_no_uuid_leads_to_no_file() {
        let directory = tempfile::tempdir().expect("a folder");
        fs::write(directory.path().join("a.json"), "{}").expect("a file");
        assert_eq!(State::load(directory.path(), "a"), None);
        assert_eq!(State::load(directory.path(), "../a"), None);
    }
}
