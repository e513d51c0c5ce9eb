//! Which transcripts there are, and to which session each belongs.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use domain::transcript::TranscriptPath;
use serde_json::Value;

use super::{ImportError, Unreadable};

/// The folder of the agent program's own in which its transcripts are.
const PROJECTS: &str = "projects";
/// Where a session's folder keeps what its subagents said.
const SUBAGENTS: &str = "subagents";
/// How much of a file is looked at for the session it belongs to.
const BEGINNING: u64 = 1024 * 1024;

/// A transcript.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    /// The agent program's own id of the session.
    pub(super) session: String,
    /// The subagent that speaks in it; `None` is the session's own agent.
    pub(super) subagent: Option<String>,
    pub(super) path: PathBuf,
}

impl Source {
    /// Where the agent program looks for it, below its own folder; `None` when it looks nowhere.
    pub(super) fn key(&self) -> Option<TranscriptPath> {
        let names: Vec<_> = self.path.iter().filter_map(OsStr::to_str).collect();
        let is_in_own_folder = names.len() >= 3 && names[names.len() - 2] == SUBAGENTS;
        let depth = if is_in_own_folder { 4 } else { 2 };
        let below = names.get(names.len().checked_sub(depth)?..)?;
        format!("{PROJECTS}/{}", below.join("/")).parse().ok()
    }
}

/// The transcripts below a folder, those of a session together and its own agent's first; and what cannot be looked at.
pub(super) fn find(folder: &Path) -> Result<(Vec<Source>, Vec<Unreadable>), ImportError> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        match entries(&below) {
            Ok(entries) => {
                for (path, is_folder) in entries {
                    if is_folder {
                        folders.push(path);
                    } else if path.extension().is_some_and(|extension| extension == "jsonl") {
                        found.push(source(path));
                    }
                }
            }
            Err(source) if below == folder => return Err(ImportError::Folder { path: below, source }),
            Err(error) => {
                unreadable.push(Unreadable { file: below, at_byte: None, reason: error.to_string() });
            }
        }
    }
    found.sort();
    Ok((found, unreadable))
}

/// What lies in a folder, and whether it is one itself. Links are not followed.
fn entries(folder: &Path) -> std::io::Result<Vec<(PathBuf, bool)>> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry?;
        let kind = entry.file_type()?;
        Ok((kind.is_dir() || kind.is_file()).then(|| (entry.path(), kind.is_dir())))
    };
    fs::read_dir(folder)?.map(entry).filter_map(Result::transpose).collect()
}

/// Subagents speak in `<session>/subagents/agent-….jsonl`, or beside their session in older releases of the program.
fn source(path: PathBuf) -> Source {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let Some(subagent) = name.strip_prefix("agent-").map(str::to_owned) else {
        return Source { session: name, subagent: None, path };
    };
    let folder = path.parent().filter(|folder| folder.file_name() == Some(OsStr::new(SUBAGENTS)));
    let session = folder.and_then(|folder| folder.parent()?.file_name()?.to_str().map(str::to_owned));
    match session.or_else(|| named_session(&path)) {
        Some(session) => Source { session, subagent: Some(subagent), path },
        None => Source { session: name, subagent: None, path },
    }
}

/// The session that the first line names which names one.
fn named_session(path: &Path) -> Option<String> {
    let lines = BufReader::new(File::open(path).ok()?.take(BEGINNING)).lines();
    let named = |line: String| {
        let line: Value = serde_json::from_str(&line).ok()?;
        line.get("sessionId")?.as_str().map(str::to_owned)
    };
    lines.map_while(Result::ok).find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn transcripts_of_one_session_stand_together() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("-work");
        write(&folder, "s1/subagents/agent-b.jsonl", "");
        write(&folder, "agent-a.jsonl", "no json\n{\"sessionId\": \"s1\"}\n");
        write(&folder, "agent-lost.jsonl", "{}\n");
        write(&folder, "s1.jsonl", "");
        write(&folder, "s1.txt", "");
        std::os::unix::fs::symlink(&folder, folder.join("again")).expect("a link");
        let (found, unreadable) = find(place.path()).expect("looked through");
        assert_eq!(unreadable, vec![]);
        let facts = found.iter().map(|source| {
            let key = source.key().expect("a place");
            (source.session.clone(), source.subagent.clone(), key.as_str().to_owned())
        });
        let expected = [
            ("agent-lost", None, "projects/-work/agent-lost.jsonl"),
            ("s1", None, "projects/-work/s1.jsonl"),
            ("s1", Some("a"), "projects/-work/agent-a.jsonl"),
            ("s1", Some("b"), "projects/-work/s1/subagents/agent-b.jsonl"),
        ];
        let expected = expected.map(|(session, subagent, key)| {
            (session.to_owned(), subagent.map(str::to_owned), key.to_owned())
        });
        assert_eq!(facts.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_the_folder_itself_must_be_there() {
        let absent = find(Path::new("/absent/projects")).expect_err("nothing there");
        assert!(matches!(absent, ImportError::Folder { .. }));
    }
}
