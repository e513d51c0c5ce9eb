//! Calls whose verdicts were written by hand, under six sets of policies.

use std::{collections::BTreeMap, fs, path::Path};

use domain::time::Timestamp;
use provost_policy::{Case, PolicyFile};

/// A line of a corpus: a case and the name of its set.
#[derive(serde::Deserialize)]
struct Line {
    policy: String,
    #[serde(flatten)]
    case: Case,
}

fn sets() -> BTreeMap<String, PolicyFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sets");
    let files = fs::read_dir(folder).expect("the sets");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let set = serde_json::from_str(&fs::read_to_string(&path).expect("a set")).expect("a set");
            (name, set)
        })
        .collect()
}

/// The cases of a file that are judged otherwise than expected, one line each, and how many there are in all.
fn misjudged(path: &Path) -> (Vec<String>, usize) {
    let sets = sets();
    let now = Timestamp::from_micros(0);
    let mut missed = Vec::new();
    let text = fs::read_to_string(path).expect("a corpus");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let answer = sets[&line.policy].judge(&line.case, now).expect("a set that can be read");
        if line.case.is_met_by(answer.decision) != Some(true) {
            let input = &line.case.tool_input;
            missed.push(format!(
                "{} [{}] {} {input}\n    expected {:?}, got {} by {:?} {:?}: {}",
                line.case.id,
                line.policy,
                line.case.tool_name,
                line.case.accept,
                answer.decision,
                answer.policy,
                answer.rule,
                answer.reason
            ));
        }
    }
    (missed, text.lines().count())
}

#[test]
fn every_case_of_the_corpora_is_judged_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut missed = Vec::new();
    for file in fs::read_dir(folder).expect("the corpora") {
        missed.extend(misjudged(&file.expect("a file").path()).0);
    }
    assert!(missed.is_empty(), "{} misjudged:\n{}", missed.len(), missed.join("\n"));
}
