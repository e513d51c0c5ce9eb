//! The hooks that are part of Provost. What they write is written together with the record of their run.

use std::collections::BTreeMap;

use domain::{
    audit::ActorKind,
    audit_action::AuditAction,
    hook::Builtin,
    id::{HookExecutionId, MetricId},
    metric::{Metric, MetricLabels, MetricName, MetricValue},
};

use super::{HookedEvent, Place, notify::notify, ready::Done, shorten::shortened};
use crate::audit::{Deed, Doer};

/// Does what the hook is for.
pub(super) async fn act(
    builtin: &Builtin,
    id: HookExecutionId,
    place: &Place,
    event: &HookedEvent,
) -> Result<Done, String> {
    match builtin {
        Builtin::Audit {} => Ok(Done { deed: Some(audit(place, event)), ..Done::default() }),
        Builtin::Metrics {} => measure(place, event).map(|metrics| Done { metrics, ..Done::default() }),
        Builtin::Persistence {} => Ok(Done { keeps_input: true, ..Done::default() }),
        Builtin::Notification(notification) => {
            notify(notification, id, place, event).await.map(|()| Done::default())
        }
        Builtin::Validation { tools } => {
            let tool_input = &event.input["tool_input"];
            let problem = event.tool_name().and_then(|tool_name| tools.problem(tool_name, tool_input));
            Ok(problem.map(Done::block).unwrap_or_default())
        }
    }
}

/// A line of the audit log: what the agent is about to do, or did.
fn audit(place: &Place, event: &HookedEvent) -> Deed {
    let agent = place.session_id.map(|id| id.to_string()).unwrap_or_default();
    let doer = Doer::new(place.team_id, ActorKind::Agent, agent);
    let mut deed = place.app.deed(doer, AuditAction::HookEventRecord).on(&event.event);
    if let Some(session_id) = place.session_id {
        deed = deed.in_session(session_id);
    }
    let input = event.input.get("tool_input").map(shortened);
    deed = deed.with("tool_name", event.tool_name()).with("tool_use_id", event.tool_use_id.as_deref());
    deed = deed.with("tool_input", input.unwrap_or_default());
    let is_failure = event.event.as_str().ends_with("Failure");
    if is_failure { deed.failed("the tool failed") } else { deed }
}

/// Of a tool that ran: that it did, and how long it took.
fn measure(place: &Place, event: &HookedEvent) -> Result<Vec<Metric>, String> {
    const LONGEST_LABEL: usize = 200;
    let Some(tool) = event.tool_name() else { return Ok(Vec::new()) };
    let outcome = match event.event.as_str() {
        "PostToolUse" => "success",
        "PostToolUseFailure" => "error",
        _ => return Ok(Vec::new()),
    };
    let tool: String = tool.chars().take(LONGEST_LABEL).collect();
    let labels = BTreeMap::from([("tool".to_owned(), tool), ("outcome".to_owned(), outcome.to_owned())]);
    let labels = MetricLabels::try_from(labels).map_err(|error| error.to_string())?;
    let metric = |name: &str, value: f64| {
        Ok(Metric {
            id: MetricId::from_uuid(place.app.next_id()),
            team_id: place.team_id,
            name: name.parse::<MetricName>().map_err(|error| error.to_string())?,
            value: MetricValue::try_from(value).map_err(|error| error.to_string())?,
            labels: labels.clone(),
            session_id: place.session_id,
            at: place.app.now(),
        })
    };
    let took = event.input["duration_ms"].as_f64();
    let took = took.map(|took| metric("tool.duration_ms", took));
    [metric("tool.calls", 1.0)].into_iter().chain(took).collect()
}
