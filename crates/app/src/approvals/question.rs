//! Questions that an agent asks its person by a tool: whoever approves the call answers them in its input.

use domain::approval::{Approval, ApprovalVerdict};
use serde_json::{Map, Value};

/// The tool that agents ask with.
const ASKING_TOOL: &str = "AskUserQuestion";

/// The input of such a call with its first choice as the answer to each question: a pattern for what to give instead. `None`
/// for every other call.
#[must_use]
pub fn with_sample_answers(approval: &Approval) -> Option<Value> {
    if approval.tool_name != ASKING_TOOL {
        return None;
    }
    let mut answers: Map<_, _> = questions(&approval.input)
        .filter_map(|asked| {
            let words = asked.get("question")?.as_str()?.to_owned();
            let first = asked.get("options").and_then(|options| options.get(0)?.get("label"));
            Some((words, first.cloned().unwrap_or_else(|| "your answer".into())))
        })
        .collect();
    if answers.is_empty() {
        answers.insert("the question".to_owned(), "your answer".into());
    }
    let mut input = approval.input.clone();
    input.as_object_mut()?.insert("answers".to_owned(), Value::Object(answers));
    Some(input)
}

/// What an approval leaves without an answer: the words of each question.
pub(super) fn unanswered(approval: &Approval, verdict: &ApprovalVerdict) -> Vec<String> {
    let ApprovalVerdict::Approved { updated_input } = verdict else { return Vec::new() };
    if approval.tool_name != ASKING_TOOL {
        return Vec::new();
    }
    let given = updated_input.as_ref().unwrap_or(&approval.input);
    // An input without the questions is none that the tool takes.
    let answers = given.get("answers").filter(|_| given.get("questions").is_some());
    let is_answered = |words: &str| {
        let answer = answers.and_then(|answers| answers.get(words)?.as_str());
        answer.is_some_and(|answer| !answer.trim().is_empty())
    };
    let words = |input| -> Vec<_> {
        questions(input).filter_map(|asked| asked.get("question")?.as_str().map(str::to_owned)).collect()
    };
    let mut asked = words(given);
    if asked.is_empty() {
        asked = words(&approval.input);
    }
    if asked.is_empty() && answers.and_then(Value::as_object).is_none_or(Map::is_empty) {
        return vec!["something that cannot be read".to_owned()];
    }
    asked.retain(|words| !is_answered(words));
    asked
}

fn questions(input: &Value) -> impl Iterator<Item = &Value> {
    input.get("questions").and_then(Value::as_array).into_iter().flatten()
}
