//! Calls whose verdicts were written by hand, under six sets of policies.

use std::collections::HashSet;

use domain::{permission::Decision, time::Timestamp};

use crate::sets::{Line, batches, lines};

#[test]
fn every_case_of_the_corpora_is_judged_as_written() {
    let sets = batches();
    let mut missed = Vec::new();
    for line in lines() {
        let case = &line.case;
        let answer =
            sets[&line.policy].judge(case, Timestamp::from_micros(0)).expect("a set that can be read");
        if case.is_met_by(answer.decision) != Some(true) {
            missed.push(format!(
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
            ));
        }
    }
    assert!(missed.is_empty(), "{} misjudged:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn more_than_a_thousand_dangerous_spellings_are_denied_or_asked() {
    let sets = batches();
    let is_dangerous = |line: &&Line| {
        let accepted = &line.case.accept;
        line.case.tool_name == "Bash" && !accepted.is_empty() && !accepted.contains(&Decision::Allow)
    };
    let is_refused = |line: &&Line| {
        let answer = sets[&line.policy].judge(&line.case, Timestamp::from_micros(0));
        answer.expect("a set that can be read").decision != Decision::Allow
    };
    let lines = lines();
    let refused = lines.iter().filter(is_dangerous).filter(is_refused);
    let spellings: HashSet<String> = refused.map(|line| line.case.tool_input.to_string()).collect();
    assert!(spellings.len() > 1_000, "only {} dangerous spellings are refused", spellings.len());
}
