//! Who answers an agent's questions: the person at the terminal, `--yes`, whoever looks at the approvals, or nobody.

use app::{
    clock::{Clock, SystemClock},
    session::{Answer, Asker, BoxFuture, Question},
};
use serde_json::{Map, Value};

use super::{Terminal, keeper::Keeper, keyboard::Keyboard, text};

/// Asks the person at the terminal.
#[derive(Debug, Clone)]
pub(crate) struct TerminalAsker {
    pub(crate) terminal: Terminal,
    pub(crate) keyboard: Keyboard,
    /// Without one no answer is for good.
    pub(crate) keeper: Option<Keeper>,
}

/// `--yes`: allows everything that is no question to a person.
#[derive(Debug)]
pub(crate) struct YesAsker;

/// Nobody here: the question waits for whoever answers it with `provost approval`.
#[derive(Debug)]
pub(crate) struct InboxAsker {
    pub(crate) terminal: Terminal,
}

/// No terminal and no `--yes`: nobody can be asked, so nothing is allowed.
#[derive(Debug)]
pub(crate) struct NobodyAsker;

impl Asker for TerminalAsker {
    fn ask(&self, question: Question) -> BoxFuture<Answer> {
        let asker = self.clone();
        Box::pin(async move {
            if question.tool_name == "AskUserQuestion" {
                return asker.ask_choices(&question).await;
            }
            asker.ask_permission(&question).await
        })
    }
}

impl Asker for YesAsker {
    fn ask(&self, question: Question) -> BoxFuture<Answer> {
        Box::pin(std::future::ready(if question.requires_person {
            nobody("nobody is there to answer: the session runs with --yes")
        } else {
            Answer::Once { input: None, by: "--yes".to_owned() }
        }))
    }
}

impl Asker for NobodyAsker {
    fn ask(&self, question: Question) -> BoxFuture<Answer> {
        let reason = format!("{}, and there is no terminal to ask a person", question.reason);
        Box::pin(std::future::ready(nobody(&reason)))
    }
}

impl Asker for InboxAsker {
    fn ask(&self, question: Question) -> BoxFuture<Answer> {
        let Question { tool_name, input, approval_id, expires_at, .. } = question;
        let about = text::about(&tool_name, &input, LONGEST_NAME);
        let tool_name = text::one_line(&tool_name, LONGEST_NAME);
        let (id, wait) = (text::short(approval_id), text::took(expires_at.since(SystemClock.now())));
        self.terminal
            .say(&format!("{tool_name} {about} waits {wait} for an answer: provost approval show {id}"));
        Box::pin(std::future::pending())
    }
}

impl TerminalAsker {
    async fn ask_permission(&self, question: &Question) -> Answer {
        let style = self.terminal.err;
        let mut prompt = format!(
            "\n{} {}  {}\n",
            style.yellow("?"),
            style.bold(&text::one_line(&question.tool_name, LONGEST_NAME)),
            style.dim(&question.reason),
        );
        for line in details(&question.input) {
            prompt.push_str(&format!("  {line}\n"));
        }
        prompt.push_str("  y = once");
        if let Some(grant) = &question.session_grant {
            prompt.push_str(&format!("   s = for this session ({})", text::printable(grant)));
        }
        let always = match &self.keeper {
            Some(keeper) => keeper.rules(question).await.map(|rules| (keeper, rules)),
            None => None,
        };
        if let Some((_, rules)) = &always {
            prompt.push_str(&format!("   a = always ({})", text::printable(&rules.join(", "))));
        }
        prompt.push_str("   n = no, or type why not\n");
        let elsewhere = format!(
            "  or within {} elsewhere: provost approval approve {}",
            text::took(question.expires_at.since(SystemClock.now())),
            text::short(question.approval_id),
        );
        prompt.push_str(&style.dim(&elsewhere));
        loop {
            let Some(typed) = self.keyboard.answer(|| self.terminal.say(&prompt)).await else {
                return nobody("the person left without an answer");
            };
            match typed.trim() {
                "y" | "Y" | "yes" => {
                    return Answer::Once { input: None, by: "the person at the terminal".to_owned() };
                }
                "s" | "S" if question.session_grant.is_some() => {
                    return Answer::ForSession { by: "the person at the terminal".to_owned() };
                }
                "a" | "A" if let Some((keeper, rules)) = &always => {
                    if let Err(failure) = keeper.keep(question, rules.clone()).await {
                        self.terminal.say(&format!("  {}", text::printable(&failure.message)));
                        continue;
                    }
                    // It was answered as from elsewhere, which withdraws it here.
                    std::future::pending::<()>().await;
                }
                "n" | "N" | "no" => return no("the person said no"),
                "" | "s" | "S" | "a" | "A" => self.terminal.say("  please answer y, n or a reason"),
                reason => return no(reason),
            }
        }
    }

    /// The agent asks the person to choose; the answers go back inside the tool's own input.
    async fn ask_choices(&self, question: &Question) -> Answer {
        let mut answers = Map::new();
        let questions =
            question.input.get("questions").and_then(Value::as_array).cloned().unwrap_or_default();
        for asked in &questions {
            let Some(words) = asked.get("question").and_then(Value::as_str) else { continue };
            let Some(chosen) = self.choose(words, asked).await else {
                return nobody("the person left without an answer");
            };
            answers.insert(words.to_owned(), Value::String(chosen));
        }
        if answers.is_empty() {
            return nobody("there was no question that could be shown to a person");
        }
        let mut input = question.input.clone();
        if let Some(fields) = input.as_object_mut() {
            fields.insert("answers".to_owned(), Value::Object(answers));
        }
        Answer::Once { input: Some(input), by: "the person at the terminal".to_owned() }
    }

    async fn choose(&self, words: &str, asked: &Value) -> Option<String> {
        let labels = labels(asked);
        let takes_several = asked.get("multiSelect").and_then(Value::as_bool).unwrap_or(false);
        let style = self.terminal.err;
        let mut prompt =
            format!("\n{} {}\n", style.yellow("?"), style.bold(&text::one_line(words, LONGEST_QUESTION)));
        for (number, label) in (1..).zip(&labels) {
            prompt.push_str(&format!("  {number} = {}\n", text::one_line(label, LONGEST_NAME)));
        }
        let several = if takes_several { ", or several such as 1,2" } else { "" };
        prompt.push_str(&format!("  type a number{several}, or an answer of your own"));
        loop {
            let typed = self.keyboard.answer(|| self.terminal.say(&prompt)).await?;
            match chosen(typed.trim(), &labels, takes_several) {
                Some(answer) => return Some(answer),
                None => self.terminal.say("  please type a number or an answer"),
            }
        }
    }
}

/// What was typed, numbers read as the labels they stand for; nothing is no answer.
fn chosen(typed: &str, labels: &[String], takes_several: bool) -> Option<String> {
    let label = |number: &str| labels.get(number.trim().parse::<usize>().ok()?.checked_sub(1)?);
    let parts = if takes_several { typed.split(',').collect() } else { vec![typed] };
    let known: Option<Vec<_>> = parts.into_iter().map(label).collect();
    match known {
        Some(labels) => Some(labels.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
        None => (!typed.is_empty()).then(|| typed.to_owned()),
    }
}

fn labels(asked: &Value) -> Vec<String> {
    let options = asked.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let labels = options.iter().filter_map(|option| option.get("label").and_then(Value::as_str));
    labels.map(str::to_owned).collect()
}

/// How much of a file's content is shown.
const MOST_LINES: usize = 20;
const LONGEST_NAME: usize = 60;
const LONGEST_QUESTION: usize = 500;

/// The whole input, so that nobody agrees to something unseen: a field a line, long texts cut with their length told.
pub(crate) fn details(input: &Value) -> Vec<String> {
    let Some(fields) = input.as_object() else {
        return vec![text::printable(&input.to_string()).into_owned()];
    };
    let mut lines = Vec::new();
    for (key, value) in fields {
        // The agent chooses the names too.
        let name = text::one_line(key, LONGEST_NAME);
        // An edit reads best as what goes and what comes.
        match (key.as_str(), value.as_str()) {
            ("new_string", Some(_)) if fields.contains_key("old_string") => {}
            ("old_string", Some(old)) => {
                lines.extend(block("- ", old, MOST_LINES));
                let new = fields.get("new_string").and_then(Value::as_str).unwrap_or_default();
                lines.extend(block("+ ", new, MOST_LINES));
            }
            (_, Some(text)) if text.contains('\n') => {
                // A command is shown to its end, however long; a file's content may be cut.
                let most = if key == "command" { usize::MAX } else { MOST_LINES };
                lines.push(format!("{name}:"));
                lines.extend(block("  | ", text, most));
            }
            (_, Some(text)) => lines.push(format!("{name}: {}", text::printable(text))),
            (_, None) => lines.push(format!("{name}: {}", text::printable(&value.to_string()))),
        }
    }
    lines
}

/// The lines of a text behind a mark.
fn block(mark: &str, text: &str, most: usize) -> Vec<String> {
    let text = text::printable(text);
    let count = text.lines().count();
    let mut lines: Vec<String> = text.lines().take(most).map(|line| format!("{mark}{line}")).collect();
    if count > most {
        lines.push(format!("{mark}… {} more lines", count - most));
    }
    lines
}

fn no(reason: &str) -> Answer {
    Answer::No { reason: reason.to_owned() }
}

fn nobody(reason: &str) -> Answer {
    Answer::Nobody { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_of_an_input_is_shown() {
        let lines = details(&json!({"command": "make\nmake install", "timeout": 5}));
        assert_eq!(lines, ["command:", "  | make", "  | make install", "timeout: 5"]);
    }

    #[test]
    fn numbers_stand_for_labels_and_other_words_for_themselves() {
        let labels = ["Red".to_owned(), "Blue".to_owned()];
        assert_eq!(chosen("2", &labels, false).as_deref(), Some("Blue"));
        assert_eq!(chosen("1, 2", &labels, true).as_deref(), Some("Red, Blue"));
        assert_eq!(chosen("1,2", &labels, false).as_deref(), Some("1,2"), "one answer was asked for");
        assert_eq!(chosen("3", &labels, false).as_deref(), Some("3"));
        assert_eq!(chosen("green", &labels, true).as_deref(), Some("green"));
        assert_eq!(chosen("", &labels, true), None);
    }

    #[test]
    fn an_edit_is_shown_as_what_goes_and_what_comes() {
        let lines = details(&json!({"file_path": "a", "new_string": "c\nd", "old_string": "b"}));
        assert_eq!(lines, ["file_path: a", "- b", "+ c", "+ d"]);
    }

    #[test]
    fn a_long_text_is_cut_with_its_length_told() {
        let lines = details(&json!({"content": "x\n".repeat(100)}));
        assert_eq!(lines.last().expect("a line"), "  | … 80 more lines");
    }
}
