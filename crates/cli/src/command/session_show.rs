//! `provost session show`.

use std::{process::ExitCode, time::Duration};

use app::session::SessionReference;
use clap::Args;
use domain::{money::MicroUsd, session::Session};
use serde::Serialize;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct SessionShow {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
}

impl SessionShow {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let session = app.get_session(caller, id).await?;
        let unknown_costs = app.sum_costs(caller, id).await?.unknown_costs;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&Shown { session, unknown_costs })?;
            return Ok(ExitCode::SUCCESS);
        }
        for (name, value) in facts(&session, unknown_costs) {
            terminal.data(&format!(
                "{} {}",
                terminal.out.dim(&format!("{name:<18}")),
                text::printable(&value)
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A session, and what it does not say of itself.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    session: Session,
    /// How many of its costs are not known: the program did not say them, and the model has no price.
    unknown_costs: i64,
}

/// What a person wants to know, in the order they want it; what is not set is left out.
fn facts(session: &Session, unknown_costs: i64) -> Vec<(&'static str, String)> {
    let totals = &session.totals;
    let cost = match (unknown_costs, totals.cost) {
        (0, cost) => cost.to_string(),
        (_, MicroUsd::ZERO) => "unknown; the model has no price".to_owned(),
        (_, cost) => format!("{cost} and an unknown part; a model has no price"),
    };
    let usage = totals.usage;
    let known = [
        ("name", Some(session.name.clone())),
        ("id", Some(session.id.to_string())),
        ("status", Some(session.status.to_string())),
        ("error", session.error_message.clone()),
        ("result", session.result.as_ref().and_then(|result| result.as_str()).map(str::to_owned)),
        ("mode", Some(session.mode.to_string())),
        ("runtime", Some(session.runtime.to_string())),
        ("its own id", session.external_id.clone()),
        ("model", session.options.model.clone()),
        ("working directory", Some(session.working_directory.clone())),
        ("permission mode", Some(session.options.permission_mode.to_string())),
        ("max turns", session.options.max_turns.map(|turns| turns.to_string())),
        ("budget", session.options.budget.map(|budget| budget.to_string())),
        ("timeout", Some(text::took(session.options.timeout))),
        ("cost", Some(cost)),
        (
            "tokens",
            Some(format!(
                "{} in, {} out, {} cache written, {} cache read",
                usage.input_tokens, usage.output_tokens, usage.cache_creation_tokens, usage.cache_read_tokens
            )),
        ),
        ("messages", Some(totals.total_messages.to_string())),
        ("tool calls", Some(totals.total_tool_calls.to_string())),
        ("decisions", Some(totals.total_permission_checks.to_string())),
        ("errors", Some(totals.total_errors.to_string())),
        ("retries", Some(totals.total_retries.to_string())),
        ("time in turns", Some(text::took(Duration::from_millis(totals.duration_ms.unsigned_abs())))),
        ("created", Some(session.created_at.to_string())),
        ("started", session.started_at.map(|at| at.to_string())),
        ("completed", session.completed_at.map(|at| at.to_string())),
        ("last activity", Some(session.last_activity_at.to_string())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
