//! Calls whose verdicts were written by hand, under six sets of policies.

use domain::time::Timestamp;

use crate::sets::{batches, lines};

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
