//! The file that holds the private key of a data folder's seals.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{audit_key::SigningKey, hexadecimal};

use crate::clock::SecretSource;

/// Where the key is, and what a new one is made of.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    secrets: Arc<dyn SecretSource>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the key {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something else in it.
    #[error("{} holds no key: 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

impl KeyFile {
    /// The key in this file.
    #[must_use]
    pub fn new(path: PathBuf, secrets: Arc<dyn SecretSource>) -> Self {
        Self { path, secrets }
    }

    /// The key; one that does not exist is made, readable by its owner only. Of several processes that make it at once, one
    /// does and all get the same.
    ///
    /// # Errors
    /// See [`KeyError`]. A file with something else in it is left alone.
    pub fn load(&self) -> Result<SigningKey, KeyError> {
        match self.read()? {
            Some(key) => Ok(key),
            None => {
                self.create().map_err(|source| self.failed(source))?;
                self.read()?.ok_or_else(|| self.failed(ErrorKind::NotFound.into()))
            }
        }
    }

    fn read(&self) -> Result<Option<SigningKey>, KeyError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let seed = hexadecimal::decode(text.trim()).and_then(|seed| seed.try_into().ok());
        let seed = seed.ok_or_else(|| KeyError::Malformed { path: self.path.clone() })?;
        Ok(Some(SigningKey::from_seed(seed)))
    }

    /// Writes a new key under another name and then gives it its own, unless another process was faster.
    fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder(&self.path))?;
        let name = hexadecimal::encode(&self.secrets.draw()?[..8]);
        let partial = self.path.with_extension(format!("{name}.partial"));
        let written = write_new(&partial, &self.secrets.draw()?);
        let linked = written.and_then(|()| fs::hard_link(&partial, &self.path));
        let removed = fs::remove_file(&partial);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => removed.and_then(|()| File::open(folder(&self.path))?.sync_all()),
        }
    }

    fn failed(&self, source: io::Error) -> KeyError {
        KeyError::File { path: self.path.clone(), source }
    }
}

fn write_new(path: &Path, seed: &[u8; 32]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", hexadecimal::encode(seed))?;
    file.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemSecrets;
    use std::os::unix::fs::PermissionsExt as _;

    fn key_file(folder: &tempfile::TempDir) -> KeyFile {
        KeyFile::new(folder.path().join("audit.key"), Arc::new(SystemSecrets))
    }

    #[test]
    fn many_who_make_it_at_once_get_the_same_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let loading: Vec<_> = (0..8)
            .map(|_| {
                let file = key_file(&folder);
                std::thread::spawn(move || file.load().expect("a key").id())
            })
            .collect();
        let ids: Vec<_> = loading.into_iter().map(|loading| loading.join().expect("an id")).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let files: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(files[0].metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(key_file(&folder).load().expect("a key").id(), ids[0]);
    }

    #[test]
    fn what_is_no_key_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = key_file(&folder);
        for text in ["", "secret", &"ab".repeat(31), &"é".repeat(32)] {
            fs::write(&file.path, text).expect("a file");
            assert!(matches!(file.load(), Err(KeyError::Malformed { .. })), "{text}");
            assert_eq!(fs::read_to_string(&file.path).expect("a file"), text);
        }
    }
}
