//! A hook that is a program, spoken to as the agent CLI speaks to its own: the event on its input, the answer on its output.

use agent::{Program, ProgramOutput};
use domain::hook::Script;

use super::{HookedEvent, Place, answer, ready::Done};

/// The most that an answer may be.
pub(super) const LONGEST_ANSWER: usize = 1024 * 1024;
/// By this exit code a program blocks, and what it wrote to standard error is the reason.
const BLOCKS: i32 = 2;

/// Runs the program in the session's folder, with the basic variables and its own. Dropping the future ends it with everything
/// it started.
pub(super) async fn run(script: &Script, place: &Place, event: &HookedEvent) -> Result<Done, String> {
    let mut environment =
        place.environment.clone().with("CLAUDE_PROJECT_DIR", place.working_directory.clone());
    for (name, value) in &script.environment {
        environment = environment.with(name, value);
    }
    let program = Program {
        program: script.program.clone().into(),
        arguments: script.arguments.iter().map(Into::into).collect(),
        working_directory: place.working_directory.clone(),
        environment,
    };
    let output = program.run(event.input.to_string().as_bytes(), LONGEST_ANSWER).await;
    read(event, &output.map_err(|error| error.to_string())?)
}

fn read(event: &HookedEvent, output: &ProgramOutput) -> Result<Done, String> {
    let stderr = output.stderr.trim();
    match (output.code, output.signal) {
        (Some(0), _) => {
            let (said, output) = answer::read(&event.event, &output.stdout)?;
            Ok(Done { said, output, ..Done::default() })
        }
        (Some(BLOCKS), _) => {
            let reason = if stderr.is_empty() { "it gave no reason" } else { stderr }.to_owned();
            Ok(Done::block(reason))
        }
        (Some(code), _) => {
            Err(format!("it exited with code {code}: {stderr}").trim_end_matches(": ").to_owned())
        }
        (None, Some(signal)) => Err(format!("it was ended by signal {signal}")),
        (None, None) => Err("it ended, and nobody knows how".to_owned()),
    }
}
