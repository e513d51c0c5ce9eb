//! `provost policy replay`.

use std::{path::PathBuf, process::ExitCode};

use app::{
    policies::{Difference, Replay as Request, ReplayCounts, ReplayReport},
    session::SessionReference,
};
use clap::Args;
use domain::permission::Decision;
use serde_json::json;

use super::source;
use crate::{
    composition::{Context, Opened},
    failure::Failure,
    moment::Moment,
    terminal::{Terminal, text},
};

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The policies that are tried: a policy file, or an agent CLI's settings.json.
    #[arg(long, value_name = "FILE")]
    policies: PathBuf,
    /// Those that they are compared with; otherwise the team's policies that are enabled.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Only calls from this time on: such as 2026-11-01T00:00:00Z, or how long ago, such as 12h or 7d.
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,
    /// Only calls of this session: an id, its beginning or end, or `last`.
    #[arg(long)]
    session: Option<SessionReference>,
    /// How many calls at most, the newest.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    limit: u64,
}

impl Replay {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let new = source::read_file(&self.policies, &context)?;
        let against = self.against.as_deref().map(|path| source::read_file(path, &context)).transpose()?;
        let Opened { app, caller } = context.open().await?;
        let old = match against {
            Some(file) => file.policies,
            None => app.list_enabled_policies(caller).await?,
        };
        let session_id = match self.session {
            Some(session) => Some(app.resolve_session(caller, session).await?),
            None => None,
        };
        let request = Request {
            since: self.since.map(|since| since.from(super::now())),
            session_id,
            limit: self.limit,
            old,
            new: new.policies,
            surroundings: new.surroundings.unwrap_or_default(),
        };
        let terminal = context.terminal;
        if terminal.is_json {
            // A line for each difference, so that many take no memory, and the counts on the last one.
            let tell = |difference: Difference| terminal.json(&json!({ "difference": difference }));
            let report = app.replay_policies(caller, request, tell).await?;
            terminal.json(&json!({ "report": report }))?;
            return Ok(ExitCode::SUCCESS);
        }
        terminal.say("links are not known any more: paths are taken as they are written");
        let tell =
            |difference: Difference| line(&difference).into_iter().try_for_each(|line| terminal.data(&line));
        let report = app.replay_policies(caller, request, tell).await?;
        summarise(terminal, &report)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn line(difference: &Difference) -> [String; 2] {
    let Difference {
        session_id, sequence, tool_name, tool_input, recorded, old, new, policy, reason, ..
    } = difference;
    let recorded = recorded.map_or("nothing", Decision::as_str);
    let about = text::about(tool_name, tool_input, 100);
    let by = policy.as_deref().map(|policy| format!("{}: ", text::one_line(policy, 60))).unwrap_or_default();
    [
        format!(
            "{} #{sequence}  {old} -> {new}  (recorded: {recorded})  {} {about}",
            text::short(*session_id),
            text::one_line(tool_name, 40)
        ),
        format!("    {}", text::one_line(&format!("{by}{reason}"), 300)),
    ]
}

fn summarise(terminal: Terminal, report: &ReplayReport) -> Result<(), Failure> {
    let ReplayReport { calls, differences, old, new } = report;
    let counts = |name: &str, counts: &ReplayCounts| {
        let ReplayCounts { allow, ask, deny, mode } = counts;
        format!("{name}  {allow} allow, {ask} ask, {deny} deny, {mode} left to the mode")
    };
    terminal.data(&format!("{calls} calls, {differences} judged differently"))?;
    terminal.data(&counts("old:", old))?;
    terminal.data(&counts("new:", new))
}
