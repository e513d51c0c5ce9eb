//! `provost approval`: what agents ask, and the answers.

use std::{
    io::{Read, stdin},
    path::Path,
    process::ExitCode,
};

use app::{
    approvals::{AnswerApproval, ApprovalReference},
    clock::{Clock, SystemClock},
};
use clap::{Args, Subcommand};
use domain::{
    approval::{Approval, ApprovalStatus, ApprovalVerdict},
    decision::PermissionDecision,
    time::Timestamp,
};
use serde_json::Value;
use store::Cursor;

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::{Terminal, asker::details, keyboard::Keyboard, text},
};

/// The largest input that is read.
const LARGEST_INPUT_BYTES: u64 = 16 * 1024 * 1024;
/// How much of what a call is about stands in a list.
const LONGEST: usize = 60;

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    /// List what waits for an answer, newest first.
    List(List),
    /// Show a question with the whole input of its call, why it is asked, and what came of the answer.
    Show(Show),
    /// Let a tool call run.
    Approve(Approve),
    /// Refuse a tool call.
    Deny(Deny),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Also what was answered, expired or withdrawn.
    #[arg(long, conflicts_with = "status")]
    all: bool,
    /// Only those in this status: pending, approved, denied, expired or cancelled.
    #[arg(long)]
    status: Option<ApprovalStatus>,
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// An id, its beginning or end, or `last`.
    approval: ApprovalReference,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// An id, its beginning or end, or `last`.
    approval: ApprovalReference,
    /// What the tool is given instead: a JSON object, `@FILE`, or `-` for standard input. It is judged again. A call of
    /// `AskUserQuestion` needs it, with the answers.
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// Something for the record.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Let such calls pass from now on: the narrowest rule that does so is shown, and kept in the policy `allowed by approvals`.
    #[arg(long, conflicts_with = "input")]
    always: bool,
    /// The rule to keep instead, in the agent CLI's syntax; can be repeated.
    #[arg(long, value_name = "RULE", requires = "always")]
    rule: Vec<String>,
    /// Keep the rule without asking back.
    #[arg(long, requires = "always")]
    yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Deny {
    /// An id, its beginning or end, or `last`.
    approval: ApprovalReference,
    /// Why; the agent is told.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Stop what the session works on as well.
    #[arg(long)]
    interrupt: bool,
}

impl ApprovalCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Approve(command) => command.run(context).await,
            Self::Deny(command) => command.run(context).await,
        }
    }
}

/// The use cases, once nothing is shown as waiting that nobody can answer any more.
async fn open(context: &Context) -> Result<Opened, Failure> {
    let opened = context.open().await?;
    opened.app.expire_approvals().await?;
    Ok(opened)
}

impl List {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = open(&context).await?;
        let status = self.status.or(if self.all { None } else { Some(ApprovalStatus::Pending) });
        let page = app.list_approvals(caller, status, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say(match status {
                Some(ApprovalStatus::Pending) => "nothing waits for an answer",
                _ => "no approvals",
            });
        }
        let now = SystemClock.now();
        page.items.iter().try_for_each(|approval| terminal.data(&line(terminal, approval, now)))?;
        if let Some(next) = page.next {
            let all = if self.all { " --all".to_owned() } else { String::new() };
            let status = self.status.map(|status| format!(" --status {status}")).unwrap_or_default();
            terminal.say(&format!(
                "more: provost approval list --limit {}{all}{status} --cursor {next}",
                self.limit
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = open(&context).await?;
        let approval = app.find_approval(caller, self.approval).await?;
        let decisions = app.list_decisions_about(caller, approval.clone()).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&Shown { approval: &approval, decisions: &decisions })?;
            return Ok(ExitCode::SUCCESS);
        }
        for (name, value) in facts(&approval).into_iter().chain(reasons(&decisions)) {
            let name = terminal.out.dim(&format!("{name:<10}"));
            terminal.data(&format!("{name} {}", text::printable(&value)))?;
        }
        terminal.data("")?;
        details(&approval.input).iter().try_for_each(|line| terminal.data(line))?;
        if let Some(input) = &approval.updated_input {
            terminal.data(&format!("\n{}", terminal.out.dim("given instead")))?;
            details(input).iter().try_for_each(|line| terminal.data(line))?;
        }
        if approval.status == ApprovalStatus::Pending {
            let id = text::short(approval.id);
            if let Some(how) = text::how_to_answer(&approval) {
                terminal.say(&format!("\n{}", text::printable(&how)));
                terminal.say(&format!("or provost approval deny {id}"));
                return Ok(ExitCode::SUCCESS);
            }
            terminal.say(&format!("\nprovost approval approve {id}, or provost approval deny {id}"));
            let place = (&context.default_policies(), &context.basic_environment());
            match app.rules_for_approval(caller, &approval, Vec::new(), place).await {
                Ok(rules) => {
                    terminal.say(&format!("--always would allow {}", text::printable(&rules.join(", "))));
                }
                Err(error) => terminal.say(&format!("--always is not possible: {error}")),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A question with what was decided about its call.
#[derive(Debug, serde::Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    approval: &'a Approval,
    decisions: &'a [PermissionDecision],
}

impl Approve {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let updated_input = self.input.as_deref().map(|text| read_input(text, &context)).transpose()?;
        let opened = open(&context).await?;
        let approval = opened.app.find_approval(opened.caller, self.approval.clone()).await?;
        // One that is answered already is refused as such.
        let is_kept = self.always && approval.status == ApprovalStatus::Pending;
        let always = if is_kept { self.rules(&context, &opened, &approval).await? } else { Vec::new() };
        let verdict = ApprovalVerdict::Approved { updated_input };
        let answer = AnswerApproval { id: approval.id, verdict, note: self.note, interrupt: false, always };
        give(&context, opened, answer).await
    }

    /// What is to be allowed from now on, once the person has seen it.
    async fn rules(
        &self,
        context: &Context,
        Opened { app, caller }: &Opened,
        approval: &Approval,
    ) -> Result<Vec<String>, Failure> {
        let place = (&context.default_policies(), &context.basic_environment());
        let rules = app.rules_for_approval(*caller, approval, self.rule.clone(), place).await?;
        for rule in &rules {
            context.terminal.say(&format!("to be allowed from now on: {}", text::printable(rule)));
        }
        // Who named the rule has seen it.
        if self.yes || !self.rule.is_empty() || is_agreed(context).await? {
            return Ok(rules);
        }
        Err(Failure::new(Code::Refused, "nothing was answered, and no rule was kept"))
    }
}

async fn is_agreed(context: &Context) -> Result<bool, Failure> {
    if !context.surroundings.stdin_is_terminal || context.terminal.is_json {
        return Err(Failure::new(Code::Usage, "--always asks back, and there is no terminal")
            .hint("with --yes it does not, nor with --rule"));
    }
    let typed = Keyboard::open().answer(|| context.terminal.say("keep it in the policy? y or n")).await;
    Ok(typed.is_some_and(|typed| matches!(typed.trim(), "y" | "Y" | "yes")))
}

impl Deny {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let opened = open(&context).await?;
        let id = opened.app.find_approval(opened.caller, self.approval).await?.id;
        let (verdict, interrupt) = (ApprovalVerdict::Denied, self.interrupt);
        let answer = AnswerApproval { id, verdict, note: self.note, interrupt, always: Vec::new() };
        give(&context, opened, answer).await
    }
}

async fn give(
    context: &Context,
    Opened { app, caller }: Opened,
    answer: AnswerApproval,
) -> Result<ExitCode, Failure> {
    let answered = app.answer_approval(caller, answer).await?;
    let approval = answered.approval;
    let terminal = context.terminal;
    if terminal.is_json {
        terminal.json(&approval)?;
        return Ok(ExitCode::SUCCESS);
    }
    let input = approval.updated_input.as_ref().unwrap_or(&approval.input);
    let about = text::about(&approval.tool_name, input, LONGEST);
    let call = format!("{} {about}", text::one_line(&approval.tool_name, LONGEST));
    let then = match (answered.is_heard, approval.status) {
        (true, _) => "its session is told",
        (false, ApprovalStatus::Approved) => {
            "nobody runs its session now; the same call passes once when it comes again"
        }
        (false, _) => "nobody runs its session now",
    };
    terminal.say(&format!("{}: {}; {then}", approval.status, call.trim_end()));
    Ok(ExitCode::SUCCESS)
}

/// What a tool is to be given: JSON, the name of a file with it behind `@`, or `-`.
fn read_input(text: &str, context: &Context) -> Result<Value, Failure> {
    let text = match text.strip_prefix('@') {
        Some(path) => {
            let path = context.surroundings.current_directory.join(Path::new(path));
            let file = std::fs::File::open(&path);
            read_bounded(
                file.map_err(|error| Failure::new(Code::Failed, format!("{}: {error}", path.display())))?,
            )?
        }
        None if text == "-" => read_bounded(stdin().lock())?,
        None => text.to_owned(),
    };
    match serde_json::from_str(&text) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(Failure::new(Code::Usage, "--input: it is JSON, and no object").hint(AN_INPUT)),
        Err(error) => Err(Failure::new(Code::Usage, format!("--input: {error}")).hint(AN_INPUT)),
    }
}

const AN_INPUT: &str = "such as: --input '{\"command\": \"make\"}'";

fn read_bounded(input: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    input.take(LARGEST_INPUT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_INPUT_BYTES {
        let message = format!("--input: it is larger than {LARGEST_INPUT_BYTES} bytes");
        return Err(Failure::new(Code::Usage, message));
    }
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(Code::Usage, format!("--input: not UTF-8: {error}")))
}

/// One question as a line of a list.
fn line(terminal: Terminal, approval: &Approval, now: Timestamp) -> String {
    let style = terminal.out;
    let status = match approval.status {
        ApprovalStatus::Pending => {
            let left = text::took(approval.expires_at.since(now));
            style.cyan(&format!("{:<9}", format!("{left} left")))
        }
        status => style.dim(&format!("{:<9}", status.as_str())),
    };
    let about = text::about(&approval.tool_name, &approval.input, LONGEST);
    let name = style.bold(&text::one_line(&approval.tool_name, LONGEST));
    let session = style.dim(&format!("session {}", text::short(approval.session_id)));
    format!("{}  {status}  {session}  {name}  {about}", text::short(approval.id)).trim_end().to_owned()
}

fn facts(approval: &Approval) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("approval", approval.id.to_string()),
        ("session", approval.session_id.to_string()),
        ("tool", approval.tool_name.clone()),
        ("status", approval.status.to_string()),
        ("asked", approval.requested_at.to_string()),
        ("expires", approval.expires_at.to_string()),
    ];
    let answered = [
        ("answered", approval.decided_at.map(|at| at.to_string())),
        ("by", approval.decided_by.clone()),
        ("note", approval.note.clone()),
    ];
    facts.extend(answered.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts
}

/// Why a person is asked, and what came of the answer.
fn reasons(decisions: &[PermissionDecision]) -> impl Iterator<Item = (&'static str, String)> {
    decisions.iter().map(|made| {
        let policy = made.policy_name.as_deref().map(|policy| format!(" {policy}")).unwrap_or_default();
        let reason = made.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        ("decision", format!("{}, by {}{policy}{reason}", made.decision, made.decided_by))
    })
}
