//! `provost policy test`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use domain::permission::Decision;
use policy::{Answer, Case};
use serde_json::json;

use super::{
    case::{bounded_lines, read_case},
    now,
    source::{Source, unreadable},
};
use crate::{
    composition::Context,
    failure::{Code, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Lines of JSON: `{id, tool_name, tool_input, cwd, expect, accept, facts}`.
    cases: PathBuf,
    #[command(flatten)]
    source: Source,
}

impl Test {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let policies = self.source.judge(&context).await?;
        let cases = std::fs::File::open(&self.cases)
            .map_err(|error| Failure::new(Code::Failed, format!("{}: {error}", self.cases.display())))?;
        let (mut met, mut missed) = (0_u64, Vec::new());
        for (number, line) in bounded_lines(std::io::BufReader::new(cases)).enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let case = read_case(&line, number + 1)?;
            let answer = policies.judge(&case, now()).map_err(unreadable)?;
            match case.is_met_by(answer.decision) {
                Some(true) => met += 1,
                Some(false) => missed.push((case, answer)),
                None => {
                    let message = format!("line {}: the case {:?} expects nothing", number + 1, case.id);
                    return Err(Failure::new(Code::Usage, message).hint("give it expect or accept"));
                }
            }
        }
        report(&context, met, &missed)?;
        Ok(if missed.is_empty() { ExitCode::SUCCESS } else { Code::Failed.into() })
    }
}

fn report(context: &Context, met: u64, missed: &[(Case, Answer)]) -> Result<(), Failure> {
    let terminal = context.terminal;
    if terminal.is_json {
        let answers: Vec<&Answer> = missed.iter().map(|(_, answer)| answer).collect();
        return terminal.json(&json!({ "met": met, "missed": answers }));
    }
    for (case, answer) in missed {
        let accepted: Vec<&str> =
            case.accept.iter().chain(&case.expect).map(|decision| Decision::as_str(*decision)).collect();
        let line = format!(
            "{}: {} instead of {}: {}",
            case.id,
            answer.decision,
            accepted.join(" or "),
            answer.reason
        );
        terminal.data(&line)?;
    }
    terminal.say(&format!("{met} as expected, {} not", missed.len()));
    Ok(())
}
