//! How long decisions take; measured on request.

use std::{fs, time::Instant};

use domain::time::Timestamp;

use crate::sets::lines;

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
