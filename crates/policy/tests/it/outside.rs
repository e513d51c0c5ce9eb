//! Corpora that lie outside of the repository: judged on request, and only counted unless failures are asked for.

use std::{env, fs, time::Instant};

use domain::time::Timestamp;

use crate::sets::{Line, batches, lines};

/// `PROVOST_CORPUS` names a file of cases; with `PROVOST_SHOW` set, what is misjudged is shown.
#[test]
#[ignore = "needs a corpus in PROVOST_CORPUS"]
fn a_corpus_outside_of_the_repository_is_counted() {
    let path = env::var("PROVOST_CORPUS").expect("PROVOST_CORPUS");
    let shows = env::var_os("PROVOST_SHOW").is_some();
    let text = fs::read_to_string(path).expect("a corpus");
    let sets = batches();
    let (mut met, mut missed) = (0, 0);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_str(line).expect("a case");
        let case = &line.case;
        let answer = sets[&line.policy].judge(case, Timestamp::from_micros(0)).expect("a set");
        if case.is_met_by(answer.decision) == Some(true) {
            met += 1;
        } else {
            missed += 1;
            if shows {
                println!(
                    "{} [{}] {} {}\n    expected {:?}, got {} by {:?} {:?}: {}",
                    case.id,
                    line.policy,
                    case.tool_name,
                    case.tool_input,
                    case.accept,
                    answer.decision,
                    answer.policy,
                    answer.rule,
                    answer.reason
                );
            }
        }
    }
    println!("{met} met, {missed} missed");
}

/// How long decisions take, in microseconds, under the baseline set and a hundred rules more; run it in a release build.
#[test]
#[ignore = "measures time"]
fn decisions_are_timed() {
    let file =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sets/baseline.json")).expect("a set");
    let mut file: serde_json::Value = serde_json::from_str(&file).expect("a set");
    let rules: Vec<String> = (0..100).map(|at| format!("Bash(tool{at} sub{at}:*)")).collect();
    file["policies"][0]["config"]["ask"] = serde_json::json!(rules);
    let file: provost_policy::PolicyFile = serde_json::from_value(file).expect("a set");
    let batch = file.read().expect("a set");
    let lines = lines();
    let mut times = Vec::new();
    for _ in 0..5 {
        for line in &lines {
            let started = Instant::now();
            std::hint::black_box(batch.judge(&line.case, Timestamp::from_micros(0)).expect("a set"));
            times.push(started.elapsed().as_nanos());
        }
    }
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100] as f64 / 1000.0;
    println!("p50 {:.1}, p90 {:.1}, p99 {:.1} µs", at(50), at(90), at(99));
}
