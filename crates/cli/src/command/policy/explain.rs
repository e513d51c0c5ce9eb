//! `provost policy explain`.

use std::{
    io::{Read, stdin},
    path::PathBuf,
    process::ExitCode,
};

use app::permission::TriedCall;
use clap::Args;
use domain::permission::{Decision, PermissionMode};
use policy::{Call, Links, Verdict};
use serde_json::{Value, json};

use super::{
    case::{LARGEST_LINE_BYTES, PlacedCase, cases},
    now,
    source::{Source, unreadable, unreadable_at},
};
use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The tool, such as Bash; its input then follows.
    #[arg(required_unless_present = "batch")]
    tool: Option<String>,
    /// What the tool is given: JSON, or for Bash the command itself, unless it begins as a JSON object does, with `{"` or
    /// `{ "name":`. `-` or nothing reads it from standard input.
    #[arg(conflicts_with = "batch")]
    input: Option<String>,
    #[command(flatten)]
    source: Source,
    /// The folder the call works in; otherwise this one.
    #[arg(long, value_name = "FOLDER", conflicts_with = "batch")]
    cwd: Option<PathBuf>,
    /// The mode of the session that the call is imagined in; otherwise the one set as session.permission_mode.
    #[arg(long, value_name = "MODE", conflicts_with_all = ["batch", "policies"])]
    permission_mode: Option<PermissionMode>,
    /// Read calls as lines of JSON from standard input, `{id, tool_name, tool_input, cwd}`, and write a line for each.
    #[arg(long, conflicts_with = "tool")]
    batch: bool,
}

const A_COMMAND: &str = "a command that begins like this is given as JSON as well: provost policy explain Bash '{\"command\": \"ls\"}'";

/// What would become of the call in a session that began here and now.
async fn explain_here(context: &Context, call: TriedCall) -> Result<ExitCode, Failure> {
    let Opened { app, caller } = context.open().await?;
    let mode = call.mode;
    let place = (&context.default_policies(), &context.basic_environment());
    let tried = app.try_call(caller, call, place).await?;
    let terminal = context.terminal;
    if terminal.is_json {
        terminal.json(&tried)?;
        return Ok(ExitCode::SUCCESS);
    }
    let policy = tried.policy.as_deref().map(|policy| format!(" {policy}")).unwrap_or_default();
    terminal.data(&text::printable(&format!(
        "{}, by {}{policy} in the mode {mode}: {}",
        tried.decision, tried.decided_by, tried.reason
    )))?;
    lines(&tried.policies).iter().skip(1).try_for_each(|line| terminal.data(&text::printable(line)))?;
    Ok(ExitCode::SUCCESS)
}

impl Explain {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        if self.batch {
            return self.run_batch(&context).await;
        }
        let tool_name = self.tool.as_deref().unwrap_or_default();
        let input = self.input(tool_name)?;
        let here = &context.surroundings.current_directory;
        let cwd = self.cwd.as_ref().map_or_else(|| here.clone(), |folder| here.join(folder));
        if self.source.policies.is_none() {
            let mode = self.permission_mode.unwrap_or(context.settings.session.permission_mode);
            let call = TriedCall { tool_name: tool_name.to_owned(), input, folder: cwd, mode };
            return explain_here(&context, call).await;
        }
        let cwd = cwd.to_string_lossy();
        let set = self.source.judge(&context).await?.set_in(&cwd).map_err(unreadable)?;
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
                stdin().lock().take(LARGEST_LINE_BYTES + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > LARGEST_LINE_BYTES {
                    let refused = format!("the input is longer than {LARGEST_LINE_BYTES} bytes");
                    return Err(Failure::new(Code::Usage, refused));
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        let refused = |error| Failure::new(Code::Usage, format!("the input is not JSON: {error}"));
        match serde_json::from_str::<Value>(&text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Err(error) if tool_name == "Bash" && begins_as_object(&text) => {
                Err(refused(error).hint(A_COMMAND))
            }
            _ if tool_name == "Bash" => Ok(json!({ "command": text })),
            Ok(_) => Err(Failure::new(Code::Usage, "the input is not a JSON object")),
            Err(error) => Err(refused(error)
                .hint("such as: provost policy explain --policies FILE Read '{\"file_path\": \"a\"}'")),
        }
    }

    /// A line for each line: data in, data out, and the number of the first that is none.
    async fn run_batch(self, context: &Context) -> Result<ExitCode, Failure> {
        let policies = self.source.judge(context).await?;
        for placed in cases(stdin().lock(), "standard input") {
            let PlacedCase { case, place } = placed?;
            let answer = policies.judge(&case, now()).map_err(|error| unreadable_at(&place, &error))?;
            context.terminal.data(&serde_json::to_string(&answer).map_err(anyhow::Error::from)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether a text that is no JSON was meant to be a JSON object. A group of commands has a blank behind its brace, and no name
/// with a colon.
fn begins_as_object(text: &str) -> bool {
    let Some(inner) = text.trim_start().strip_prefix('{') else { return false };
    let Some(name) = inner.trim_start().strip_prefix('"') else { return false };
    let is_name = name.split_once('"').is_none_or(|(_, rest)| rest.trim_start().starts_with(':'));
    inner.starts_with('"') || is_name
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

#[cfg(test)]
mod tests {
    use super::begins_as_object;

    #[test]
    fn a_group_of_commands_begins_otherwise_than_a_json_object() {
        for object in ["{\"command\":", "{\"", "  {\"a\"}", "{\n  \"command\": \"ls\",\n}", "{ \"comm"] {
            assert!(begins_as_object(object), "{object}");
        }
        for command in ["{ ls; }", "{ \"$EDITOR\" a; }", "{\n\"ls\"\n}", "{echo,hi}", "{", "echo {\"a\":", ""]
        {
            assert!(!begins_as_object(command), "{command}");
        }
    }
}
