//! The tools of the scripted agent. They really run.

mod file;
mod question;

use std::{io::Write, time::Instant};

use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    permission::{Call, Verdict},
    scenario::Outcome,
    turn::{Progress, TurnEnd},
};

/// What a tool gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolOutput {
    /// For the model.
    pub(super) content: String,
    /// The same in the tool's own structure.
    pub(super) detail: Value,
    pub(super) is_error: bool,
}

impl ToolOutput {
    pub(super) const fn success(content: String, detail: Value) -> Self {
        Self { content, detail, is_error: false }
    }

    pub(super) fn error(content: impl Into<String>) -> Self {
        let content = content.into();
        Self { detail: json!(format!("Error: {content}")), content, is_error: true }
    }
}

/// Why a call did not run, in the agent CLI's vocabulary.
const REFUSED: &str = "permission-rule";
const INTERRUPTED: &str = "user-rejected";

impl<W: Write> Child<W> {
    /// Asks, runs and reports one call.
    pub(super) fn use_tool(
        &mut self,
        name: &str,
        input: &Value,
        progress: &mut Progress,
    ) -> Result<Outcome, Halt> {
        let mut call = Call {
            tool_use_id: progress.next_tool_use_id(),
            tool_name: name.to_owned(),
            input: input.clone(),
        };
        let block = json!({ "type": "tool_use", "id": call.tool_use_id, "name": name, "input": input });
        self.send_assistant(&block, progress)?;
        match self.ask_permission(&mut call) {
            Ok(Verdict::Run(input)) => self.run_allowed(&Call { input, ..call }),
            Ok(Verdict::Refuse { message, interrupt }) => {
                progress.denials.push(json!({
                    "tool_name": name, "tool_use_id": call.tool_use_id, "tool_input": call.input,
                }));
                self.send_tool_result(&call, &ToolOutput::error(message), Some(REFUSED))?;
                if interrupt {
                    Err(Halt::TurnOver(TurnEnd::Aborted { in_tool: true }))
                } else {
                    Ok(Outcome::Denied)
                }
            }
            Err(Halt::Interrupted) => self.report_interrupted(&call),
            Err(halt) => Err(halt),
        }
    }

    fn run_allowed(&mut self, call: &Call) -> Result<Outcome, Halt> {
        let began = Instant::now();
        let output = match self.run_tool(&call.tool_name, &call.input) {
            Ok(output) => output,
            Err(Halt::Interrupted) => return self.report_interrupted(call),
            Err(halt) => return Err(halt),
        };
        self.call_after_tool(call, &output, began.elapsed())?;
        self.send_tool_result(call, &output, None)?;
        Ok(if output.is_error { Outcome::Failed } else { Outcome::Succeeded })
    }

    fn run_tool(&mut self, name: &str, input: &Value) -> Result<ToolOutput, Halt> {
        let folder = &self.cast.arguments.working_directory;
        Ok(match name {
            "Bash" => return self.run_command(input),
            "Read" => file::read(folder, input),
            "Write" => file::write(folder, input),
            "Edit" => file::edit(folder, input),
            "AskUserQuestion" => question::answered(input),
            _ => ToolOutput::error(format!(
                "<tool_use_error>Error: No such tool available: {name}</tool_use_error>"
            )),
        })
    }

    fn report_interrupted(&mut self, call: &Call) -> Result<Outcome, Halt> {
        let output = ToolOutput::error("The tool use was interrupted by the user.");
        self.send_tool_result(call, &output, Some(INTERRUPTED))?;
        Err(Halt::TurnOver(TurnEnd::Aborted { in_tool: true }))
    }

    fn send_tool_result(
        &mut self,
        call: &Call,
        output: &ToolOutput,
        not_run: Option<&str>,
    ) -> Result<(), Halt> {
        let block = json!({
            "type": "tool_result",
            "tool_use_id": call.tool_use_id,
            "content": output.content,
            "is_error": output.is_error,
        });
        let mut frame = json!({
            "type": "user",
            "message": { "role": "user", "content": [block] },
            "parent_tool_use_id": null,
            "tool_use_result": output.detail,
        });
        if let Some(kind) = not_run {
            frame["tool_result_meta"] = json!([{ "id": call.tool_use_id, "non_execution_kind": kind }]);
        }
        Ok(self.frames.send(frame)?)
    }
}
