//! `provost policy test`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use domain::permission::Decision;
use policy::{Answer, Case};
use serde_json::json;

use super::{
    case::{PlacedCase, cases},
    now,
    source::{Source, unreadable_at},
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
        let source = self.cases.display().to_string();
        let file = std::fs::File::open(&self.cases)
            .map_err(|error| Failure::new(Code::Failed, format!("{source}: {error}")))?;
        let (mut met, mut missed) = (0_u64, Vec::new());
        for placed in cases(std::io::BufReader::new(file), &source) {
            let PlacedCase { case, place } = placed?;
            let answer = policies.judge(&case, now()).map_err(|error| unreadable_at(&place, &error))?;
            match case.is_met_by(answer.decision) {
                Some(true) => met += 1,
                Some(false) => missed.push((case, answer)),
                None => {
                    let message = format!("{place}: the case {:?} expects nothing", case.id);
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
