//! `provost hook log`.

use std::{process::ExitCode, time::Duration};

use app::session::SessionReference;
use clap::Args;
use domain::{hook::HookEvent, hook_execution::HookExecution, name::Name};
use serde_json::json;
use store::HookExecutionFilter;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{Terminal, text},
};

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// An id, its beginning or end, or `last`.
    #[arg(long, default_value = "last")]
    session: SessionReference,
    /// Only this hook.
    #[arg(long, value_name = "NAME")]
    hook: Option<Name>,
    /// Only at this event.
    #[arg(long)]
    event: Option<HookEvent>,
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only runs after this number of the session's timeline.
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: i64,
}

impl Log {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let filter = HookExecutionFilter {
            hook_name: self.hook.map(|name| name.as_str().to_owned()),
            hook_type: self.event,
            ..HookExecutionFilter::default()
        };
        let runs = app.list_hook_executions(caller, id, filter, self.after, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&json!({ "session_id": id, "data": runs }))?;
            return Ok(ExitCode::SUCCESS);
        }
        if runs.is_empty() {
            terminal.say(&format!("no hook ran in session {}", text::short(id)));
        }
        runs.iter().try_for_each(|run| terminal.data(&line(terminal, run)))?;
        if let Some(last) = runs.last().filter(|_| runs.len() == self.limit as usize) {
            terminal.say(&format!(
                "more: provost hook log --session {id} --limit {} --after {}",
                self.limit, last.sequence
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(terminal: Terminal, run: &HookExecution) -> String {
    let style = terminal.out;
    let outcome = match (run.continue_execution, &run.error_message) {
        (true, None) => style.green("went on"),
        (true, Some(error)) => style.yellow(&format!("failed: {}", text::one_line(error, 120))),
        (false, error) => {
            let why = text::one_line(error.as_deref().or(run.objection()).unwrap_or_default(), 120);
            style.red(&format!("stopped it: {why}"))
        }
    };
    let took = Duration::from_micros(run.duration_us.unsigned_abs()).as_secs_f64() * 1000.0;
    let (name, event) = (text::one_line(&run.hook_name, 24), text::one_line(run.hook_type.as_str(), 20));
    let tool = text::one_line(run.tool_name.as_deref().unwrap_or_default(), 20);
    format!("{:>6}  {name:<24}  {event:<20}  {tool:<12}  {took:>8.1} ms  {outcome}", run.sequence)
}
