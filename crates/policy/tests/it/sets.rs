//! The sets of policies and the corpora of calls, read from their files.

use std::{collections::BTreeMap, fs, path::Path};

use domain::{permission::Decision, time::Timestamp};
use provost_policy::{Batch, Call, Case, Links, PolicyFile, PolicySet};
use serde_json::{Value, json};

/// The folder that calls work in.
pub(crate) const PROJECT: &str = "/home/dev/project";

/// A line of a corpus: a case and the name of its set.
#[derive(serde::Deserialize)]
pub(crate) struct Line {
    pub(crate) policy: String,
    #[serde(flatten)]
    pub(crate) case: Case,
}

pub(crate) fn policy_files() -> BTreeMap<String, PolicyFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sets");
    let files = fs::read_dir(folder).expect("the sets");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a set");
            (name, serde_json::from_str(&text).expect("a set"))
        })
        .collect()
}

pub(crate) fn batches() -> BTreeMap<String, Batch> {
    let read = |(name, file): (String, PolicyFile)| (name, file.read().expect("a set that can be read"));
    policy_files().into_iter().map(read).collect()
}

/// The sets, ready to judge.
pub(crate) fn sets() -> BTreeMap<String, PolicySet> {
    batches().into_iter().map(|(name, batch)| (name, batch.set().clone())).collect()
}

/// The lines of all corpora.
pub(crate) fn lines() -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut lines = Vec::new();
    for file in fs::read_dir(folder).expect("the corpora") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a corpus");
        for line in text.lines().filter(|line| !line.is_empty()) {
            lines.push(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        }
    }
    lines
}

/// What becomes of a call: the decision, else the set's default, else it is asked.
pub(crate) fn judged(set: &PolicySet, tool_name: &str, input: &Value) -> Decision {
    let call = Call { tool_name, input, cwd: PROJECT };
    let verdict = set.judge(&set.plan(&call), &Links::default(), Timestamp::from_micros(0));
    verdict.decision.or(verdict.default).unwrap_or(Decision::Ask)
}

/// What becomes of a shell command.
pub(crate) fn command(set: &PolicySet, command: &str) -> Decision {
    judged(set, "Bash", &json!({ "command": command }))
}
