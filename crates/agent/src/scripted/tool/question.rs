//! `AskUserQuestion`: the person's answers stand in the input that was allowed.

use serde_json::Value;

use super::ToolOutput;

pub(super) fn answered(input: &Value) -> ToolOutput {
    let answers = input["answers"].as_object().into_iter().flatten();
    let answers: Vec<_> = answers.map(|(question, answer)| format!("{question:?}={answer}")).collect();
    if answers.is_empty() {
        return ToolOutput::error("The user gave no answer.");
    }
    let words = format!("Your questions have been answered: {}.", answers.join(", "));
    ToolOutput::success(words, input.clone())
}
