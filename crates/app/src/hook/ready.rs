//! One hook, ready to run, and what came of a run.

use std::time::Duration;

use domain::{
    hook::{Hook, HookAction, HookEvent, HookMatcher},
    id::HookExecutionId,
    metric::Metric,
    time::Timestamp,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    HookedEvent, Place,
    answer::{Said, Verdict},
    builtin, script,
    shorten::shortened,
    webhook,
};
use crate::audit::Deed;

/// A hook whose matcher and details were read. What is wrong with one that somebody put into the store by hand is its error
/// each time it runs.
#[derive(Debug)]
pub(crate) struct ReadyHook {
    pub(super) hook: Hook,
    matcher: Result<HookMatcher, String>,
    action: Result<HookAction, String>,
}

/// What a hook did: what it says, and rows that belong to the run.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) said: Said,
    /// Its answer as it came.
    pub(super) output: Option<Value>,
    pub(super) deed: Option<Deed>,
    pub(super) metrics: Vec<Metric>,
    /// Its input is kept whole.
    pub(super) keeps_input: bool,
}

impl Done {
    /// The event is to stop for this reason, which stands in the record as an answer does.
    pub(super) fn block(reason: String) -> Self {
        let output = Some(json!({ "decision": "block", "reason": reason }));
        Self { said: Said::block(reason), output, ..Self::default() }
    }
}

/// A run of a hook, for the record.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: HookExecutionId,
    pub(crate) hook_name: String,
    pub(crate) event: HookEvent,
    pub(crate) tool_use_id: Option<String>,
    pub(crate) tool_name: Option<String>,
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
    /// What the hook was at the time.
    pub(crate) context: Value,
    pub(crate) goes_on: bool,
    pub(crate) duration: Duration,
    pub(crate) error: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) deed: Option<Deed>,
    pub(crate) metrics: Vec<Metric>,
}

impl ReadyHook {
    pub(super) fn new(hook: Hook) -> Self {
        let matcher = hook.matcher.as_deref().unwrap_or_default().parse().map_err(|error| format!("{error}"));
        let action = hook.action().map_err(|error| error.to_string());
        Self { hook, matcher, action }
    }

    /// Whether it is for an event with this subject. One whose matcher makes no sense is, so that a gate stays shut.
    pub(super) fn is_for(&self, subject: Option<&str>) -> bool {
        self.matcher.as_ref().map_or(true, |matcher| matcher.matches(subject))
    }

    /// Runs it. A gate that fails blocks; another hook that fails says nothing.
    pub(super) async fn run(&self, place: &Place, event: &HookedEvent) -> (Said, Run) {
        let (id, at, began) =
            (HookExecutionId::from_uuid(place.app.next_id()), place.app.now(), Instant::now());
        let limit = Duration::from_millis(self.hook.timeout_ms.unsigned_abs());
        let outcome = match timeout(limit, self.act(id, place, event)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("it did not answer within {} s", limit.as_secs_f64())),
        };
        self.conclude(id, at, began.elapsed(), event, outcome)
    }

    /// The record of a run that was given up because nobody waits for it any more.
    pub(super) fn withdrawn(&self, place: &Place, event: &HookedEvent, duration: Duration) -> (Said, Run) {
        let id = HookExecutionId::from_uuid(place.app.next_id());
        let error = Err("the agent program did not wait for it".to_owned());
        self.conclude(id, place.app.now(), duration, event, error)
    }

    async fn act(&self, id: HookExecutionId, place: &Place, event: &HookedEvent) -> Result<Done, String> {
        self.matcher.as_ref().map_err(Clone::clone)?;
        match self.action.as_ref().map_err(Clone::clone)? {
            HookAction::Script(script) => script::run(script, place, event).await,
            HookAction::Webhook(webhook) => webhook::ask(webhook, id, place, event).await,
            HookAction::Builtin(builtin) => builtin::act(builtin, id, place, event).await,
        }
    }

    fn conclude(
        &self,
        id: HookExecutionId,
        at: Timestamp,
        duration: Duration,
        event: &HookedEvent,
        outcome: Result<Done, String>,
    ) -> (Said, Run) {
        let Hook { name, kind, is_gate, .. } = &self.hook;
        let (done, error) = match outcome {
            Ok(done) => (done, None),
            Err(error) if *is_gate => {
                let said = Said::block(format!("the hook {name} failed: {error}"));
                (Done { said, ..Done::default() }, Some(error))
            }
            Err(error) => (Done::default(), Some(error)),
        };
        let Done { said, output, deed, metrics, keeps_input } = done;
        let run = Run {
            id,
            hook_name: name.clone(),
            event: event.event.clone(),
            tool_use_id: event.tool_use_id.clone(),
            tool_name: event.tool_name().map(str::to_owned),
            input: if keeps_input { event.input.clone() } else { shortened(&event.input) },
            output: output.as_ref().map(shortened),
            context: json!({ "kind": kind, "gate": is_gate }),
            goes_on: !matches!(said.verdict, Verdict::Block(_)),
            duration,
            error,
            at,
            deed,
            metrics,
        };
        (said, run)
    }
}
