//! `provost policy`: what policies say about tool calls.

use std::{
    io::{BufRead, Read, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};

use app::clock::{Clock, SystemClock};
use clap::{Args, Subcommand};
use domain::{permission::Decision, time::Timestamp};
use policy::{Answer, Batch, Call, Case, Links, PolicyFile, Surroundings, Verdict};
use serde_json::{Value, json};

use crate::{
    composition::Context,
    failure::{Code, Failure},
    variable,
};

/// The largest call or line of a batch that is read.
const LARGEST_LINE_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show what each policy of a file says about a tool call, and why.
    Explain(Explain),
    /// Judge the cases of a file and say which are judged otherwise than expected.
    Test(Test),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The tool, such as Bash; its input then follows.
    #[arg(required_unless_present = "batch")]
    tool: Option<String>,
    /// What the tool is given: JSON, or for Bash the command itself; `-` or nothing reads it from standard input.
    #[arg(conflicts_with = "batch")]
    input: Option<String>,
    /// A JSON file with the policies.
    #[arg(long, value_name = "FILE")]
    policies: PathBuf,
    /// The folder the call works in; otherwise this one.
    #[arg(long, value_name = "FOLDER", conflicts_with = "batch")]
    cwd: Option<PathBuf>,
    /// Read calls as lines of JSON from standard input, `{id, tool_name, tool_input, cwd}`, and write a line for each.
    #[arg(long, conflicts_with = "tool")]
    batch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Lines of JSON: `{id, tool_name, tool_input, cwd, expect, accept, facts}`.
    cases: PathBuf,
    /// A JSON file with the policies.
    #[arg(long, value_name = "FILE")]
    policies: PathBuf,
}

impl PolicyCommand {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        match self {
            Self::Explain(command) if command.batch => command.run_batch(context),
            Self::Explain(command) => command.run(context),
            Self::Test(command) => command.run(context),
        }
    }
}

impl Explain {
    fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let tool_name = self.tool.as_deref().unwrap_or_default();
        let input = self.input(tool_name)?;
        let policies = read_policies(&self.policies, context)?;
        let here = &context.surroundings.current_directory;
        let cwd = self.cwd.as_ref().map_or_else(|| here.clone(), |folder| here.join(folder));
        let cwd = cwd.to_string_lossy();
        let set = policies.set();
        let plan = set.plan(&Call { tool_name, input: &input, cwd: &cwd });
        let verdict = set.judge(&plan, &Links::default(), now());
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&verdict)?;
        } else {
            for line in lines(&verdict) {
                terminal.data(&line)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What the tool is given: JSON, or the text of a command.
    fn input(&self, tool_name: &str) -> Result<Value, Failure> {
        let text = match self.input.as_deref() {
            Some(text) if text != "-" => text.to_owned(),
            _ => {
                let mut bytes = Vec::new();
                stdin().lock().take(LARGEST_LINE_BYTES).read_to_end(&mut bytes)?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        match serde_json::from_str::<Value>(&text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ if tool_name == "Bash" => Ok(json!({ "command": text })),
            Ok(_) => Err(Failure::new(Code::Usage, "the input is not a JSON object")),
            Err(error) => Err(Failure::new(Code::Usage, format!("the input is not JSON: {error}"))
                .hint("such as: provost policy explain --policies FILE Read '{\"file_path\": \"a\"}'")),
        }
    }

    /// A line for each line: data in, data out, and the number of the first that is none.
    fn run_batch(self, context: &Context) -> Result<ExitCode, Failure> {
        let policies = read_policies(&self.policies, context)?;
        for (number, line) in bounded_lines(stdin().lock()).enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let case = read_case(&line, number + 1)?;
            let answer = policies.judge(&case, now()).map_err(unreadable)?;
            context.terminal.data(&serde_json::to_string(&answer).map_err(anyhow::Error::from)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let policies = read_policies(&self.policies, context)?;
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
        report(context, met, &missed)?;
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

/// Reads a file of policies; where it names no surroundings, they are those of this machine and folder.
pub(crate) fn read_policies(path: &Path, context: &Context) -> Result<Batch, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Code::Failed, format!("{}: {error}", path.display())))?;
    let mut file: PolicyFile = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Code::Usage, format!("{}: {error}", path.display())))?;
    if file.surroundings.is_none() {
        let surroundings = &context.surroundings;
        file.surroundings = Some(Surroundings {
            home: surroundings.text(variable::HOME).unwrap_or_else(|| Surroundings::default().home),
            project_root: surroundings.current_directory.to_string_lossy().into_owned(),
            ..Surroundings::default()
        });
    }
    file.read().map_err(unreadable)
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn read_case(line: &str, number: usize) -> Result<Case, Failure> {
    serde_json::from_str(line).map_err(|error| Failure::new(Code::Usage, format!("line {number}: {error}")))
}

fn unreadable(error: policy::PolicyError) -> Failure {
    Failure::new(Code::Usage, error)
}

/// Lines of bounded length; invalid UTF-8 is shown as such.
fn bounded_lines(mut input: impl BufRead) -> impl Iterator<Item = Result<String, Failure>> {
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        match input.by_ref().take(LARGEST_LINE_BYTES + 1).read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) if bytes.len() as u64 > LARGEST_LINE_BYTES => Some(Err(Failure::new(
                Code::Usage,
                format!("a line is longer than {LARGEST_LINE_BYTES} bytes"),
            ))),
            Ok(_) => Some(Ok(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Some(Err(error.into())),
        }
    })
}

/// The verdict for people: what becomes of the call, and what each policy said.
fn lines(verdict: &Verdict) -> Vec<String> {
    let decided = match (verdict.decision, verdict.default) {
        (Some(decision), _) => format!("{decision}: {}", verdict.reason),
        (None, Some(default)) => format!("{default} by default: {}", verdict.reason),
        (None, None) => format!("left to the permission mode: {}", verdict.reason),
    };
    let said = verdict.trace.iter().map(|said| {
        let decision = said.decision.map_or("-", Decision::as_str);
        let rule = said.rule.as_deref().map(|rule| format!(" [{rule}]")).unwrap_or_default();
        format!("  {decision:<6} {}{rule}: {}", said.policy, said.reason)
    });
    std::iter::once(decided).chain(said).collect()
}
