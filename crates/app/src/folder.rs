//! Copying a folder an agent works in.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

/// What came of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many files.
    pub files: u64,
    /// How many bytes are in them.
    pub bytes: u64,
    /// What is no file, folder or link, and so has no copy: paths below the folder.
    pub skipped: Vec<PathBuf>,
}

/// Copies a folder with all that is in it, untracked and hidden files too, to a place where nothing is yet. Links stay links,
/// permissions and times of files stay what they are; where the file system can, the copies share their blocks. What lies at
/// that place is not copied into itself; what somebody removes meanwhile is left out.
///
/// # Errors
/// When something cannot be read or written; the error names it. What was copied by then stays.
pub fn copy(from: &Path, to: &Path) -> io::Result<Copied> {
    let mut copied = Copied::default();
    let own = to.parent().and_then(|parent| parent.canonicalize().ok()).unwrap_or_default();
    let own = to.file_name().map(|name| own.join(name));
    from.metadata().map_err(|error| named(from, &error))?;
    let mut folders = vec![PathBuf::new()];
    let mut permissions = Vec::new();
    while let Some(below) = folders.pop() {
        let (source, target) = (at(from, &below), at(to, &below));
        fs::create_dir_all(&target).map_err(|error| named(&target, &error))?;
        let Some(metadata) = unless_gone(&source, source.metadata())? else { continue };
        permissions.push((target, metadata.permissions()));
        let Some(entries) = unless_gone(&source, fs::read_dir(&source))? else { continue };
        for entry in entries {
            let entry = entry.map_err(|error| named(&source, &error))?;
            let (path, below) = (entry.path(), below.join(entry.file_name()));
            let Some(kind) = unless_gone(&path, entry.file_type())? else { continue };
            if kind.is_dir() {
                if path.canonicalize().ok() != own {
                    folders.push(below);
                }
            } else if kind.is_symlink() {
                let Some(link) = unless_gone(&path, fs::read_link(&path))? else { continue };
                symlink(link, to.join(&below)).map_err(|error| named(&path, &error))?;
            } else if kind.is_file() {
                let Some(bytes) = unless_gone(&path, copy_file(&path, &to.join(&below)))? else { continue };
                copied.bytes += bytes;
                copied.files += 1;
            } else {
                copied.skipped.push(below);
            }
        }
    }
    // Last and from within: a folder that may not be written could not have been filled.
    for (folder, permissions) in permissions.into_iter().rev() {
        fs::set_permissions(&folder, permissions).map_err(|error| named(&folder, &error))?;
    }
    Ok(copied)
}

/// How a folder is called that is not all there yet.
const UNFINISHED: &str = "unfinished";
/// A copy that was begun so long ago is not worked on any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// [`copy`] aside of everything else that goes on: all of it or nothing. What is begun has another name until it is done; what
/// others left of theirs when they were killed is removed after a day.
///
/// # Errors
/// As [`copy`].
pub async fn copy_whole(from: PathBuf, to: PathBuf) -> io::Result<Copied> {
    let work = move || {
        remove_abandoned(&to);
        let begun = to.with_extension(UNFINISHED);
        let copied = copy(&from, &begun).and_then(|copied| {
            fs::rename(&begun, &to).map_err(|error| named(&to, &error))?;
            Ok(copied)
        });
        copied.inspect_err(|_| {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(&begun);
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Removes what was begun beside this folder and never finished.
fn remove_abandoned(folder: &Path) {
    let beside = folder.parent().and_then(|parent| fs::read_dir(parent).ok());
    for entry in beside.into_iter().flatten().flatten() {
        let path = entry.path();
        let is_unfinished = path.extension().is_some_and(|extension| extension == UNFINISHED);
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = age.and_then(|modified| modified.elapsed().ok());
        if is_unfinished && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Removes a folder that nothing refers to; what cannot be removed is in nobody's way.
pub async fn discard(folder: PathBuf) {
    let _ = tokio::task::spawn_blocking(move || fs::remove_dir_all(folder)).await;
}

/// What lies below a folder, or the folder itself.
fn at(folder: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { folder.to_owned() } else { folder.join(below) }
}

fn copy_file(from: &Path, to: &Path) -> io::Result<u64> {
    let bytes = fs::copy(from, to)?;
    // Programs that build look at times; a file system that keeps none is no reason to fail.
    if let Ok(modified) = from.metadata().and_then(|metadata| metadata.modified()) {
        let _ = fs::File::open(to).and_then(|file| file.set_modified(modified));
    }
    Ok(bytes)
}

fn unless_gone<T>(path: &Path, outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some).map_err(|error| named(path, &error)),
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::SystemTime};

    use super::*;

    #[test]
    fn a_copy_holds_everything_and_keeps_what_files_are() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("a/.git")).expect("folders");
        fs::write(from.join("a/.git/config"), "x").expect("a file");
        fs::write(from.join("run.sh"), "#!/bin/sh").expect("a file");
        fs::set_permissions(from.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("set");
        fs::set_permissions(from.join("a"), fs::Permissions::from_mode(0o555)).expect("set");
        symlink("nowhere", from.join("link")).expect("a link");
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).expect("a socket");
        let copied = copy(&from, &to).expect("copied");
        assert_eq!(copied, Copied { files: 2, bytes: 10, skipped: vec!["socket".into()] });
        assert_eq!(fs::read_to_string(to.join("a/.git/config")).expect("there"), "x");
        assert_eq!(fs::read_link(to.join("link")).expect("a link"), Path::new("nowhere"));
        let mode = |path: &str| to.join(path).metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("run.sh"), mode("a")), (0o755, 0o555));
        let times = [&from, &to]
            .map(|root| root.join("run.sh").metadata().and_then(|it| it.modified()).expect("a time"));
        assert_eq!(times[0], times[1]);
        for root in [&from, &to] {
            fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).expect("set");
        }
    }

    #[tokio::test]
    async fn a_copy_that_fails_or_was_killed_leaves_nothing_for_long() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        for name in ["old.unfinished", "new.unfinished", "old", "from"] {
            fs::create_dir(at(name)).expect("a folder");
        }
        let long_ago = SystemTime::UNIX_EPOCH;
        for name in ["old.unfinished", "old"] {
            fs::File::open(at(name)).and_then(|folder| folder.set_modified(long_ago)).expect("set");
        }
        copy_whole(at("absent"), at("to")).await.expect_err("nothing there");
        copy_whole(at("from"), at("whole")).await.expect("copied");
        let mut left: Vec<_> = fs::read_dir(place.path())
            .expect("read")
            .map(|entry| entry.expect("one").file_name().into_string().expect("a name"))
            .collect();
        left.sort();
        assert_eq!(left, ["from", "new.unfinished", "old", "whole"]);
    }

    #[test]
    fn a_folder_is_not_copied_into_itself() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("file"), "x").expect("a file");
        fs::create_dir(place.path().join("forks")).expect("a folder");
        let copied = copy(place.path(), &place.path().join("forks/one")).expect("copied");
        assert_eq!(copied.files, 1);
        assert!(place.path().join("forks/one/forks").is_dir());
        assert!(!place.path().join("forks/one/forks/one").exists());
        let absent = copy(Path::new("/absent"), &place.path().join("other")).expect_err("nothing there");
        assert!(absent.to_string().starts_with("/absent: "), "{absent}");
    }
}
