//! Recorded tool calls judged once more, by two sets of policies.

use domain::{
    id::{SessionId, ToolCallId},
    permission::Decision,
    time::Timestamp,
};
use policy::{Call, Links, PolicySet, PolicyText, Surroundings, Verdict};
use store::{AskedFilter, AskedToolCall, Conn};

use super::PolicyError;
use crate::{App, Caller};

/// How many calls are in memory at once; each may be large.
const PAGE: u32 = 25;

domain::text_enum! {
    /// What policies make of a call.
    pub enum Outcome: "outcome" {
        /// It would run.
        Allow = "allow",
        /// A person would be asked.
        Ask = "ask",
        /// It would not run.
        Deny = "deny",
        /// No policy decides it, so the session's mode does.
        Mode = "mode",
    }
}

/// What is judged once more, and by what.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Only what was asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Only calls of this session.
    pub session_id: Option<SessionId>,
    /// At most so many calls, the newest.
    pub limit: u64,
    /// The policies that are compared with.
    pub old: Vec<PolicyText>,
    /// The policies that are tried.
    pub new: Vec<PolicyText>,
    /// The machine. The project is each session's folder.
    pub surroundings: Surroundings,
}

/// How many calls a set allows, asks about, denies, and leaves to the mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReplayCounts {
    /// Allowed.
    pub allow: u64,
    /// Asked about.
    pub ask: u64,
    /// Denied.
    pub deny: u64,
    /// Left to the mode.
    pub mode: u64,
}

/// How many calls were judged, and what each set makes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReplayReport {
    /// Judged calls.
    pub calls: u64,
    /// Those that the sets judge differently.
    pub differences: u64,
    /// By the set that is compared with.
    pub old: ReplayCounts,
    /// By the set that is tried.
    pub new: ReplayCounts,
}

/// A call that the sets judge differently.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The call.
    pub tool_call_id: ToolCallId,
    /// Its session.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// When it was asked for.
    pub at: Timestamp,
    /// The tool.
    pub tool_name: String,
    /// What the tool was given.
    pub tool_input: serde_json::Value,
    /// What was decided then; `None` when it never came to that.
    pub recorded: Option<Decision>,
    /// By the set that is compared with.
    pub old: Outcome,
    /// By the set that is tried.
    pub new: Outcome,
    /// The policy of the tried set that decides; `None` when it is left to the mode.
    pub policy: Option<String>,
    /// Its rule.
    pub rule: Option<String>,
    /// Why, one sentence.
    pub reason: String,
}

impl App {
    /// Judges recorded calls, newest first, a few at a time, and tells of each difference as it is found. Where links led when a
    /// call was made is not known any more, so paths are taken as they are written; hours are those of the call.
    ///
    /// # Errors
    /// See [`PolicyError`]; and what `tell` gives.
    pub async fn replay_policies<E: From<PolicyError>>(
        &self,
        caller: Caller,
        replay: Replay,
        mut tell: impl FnMut(Difference) -> Result<(), E>,
    ) -> Result<ReplayReport, E> {
        let Replay { since, session_id, limit, old, new, surroundings } = replay;
        let mut sets = Sets::read(old, new, surroundings).map_err(PolicyError::from)?;
        let mut report = ReplayReport::default();
        let mut filter = AskedFilter { session_id, since, before: None };
        while report.calls < limit {
            let wanted = u32::try_from(limit - report.calls).unwrap_or(PAGE).min(PAGE);
            let list = move |conn: &Conn| conn.team(caller.team_id).tool_calls().list_asked(filter, wanted);
            let page = self.store().read(list).await.map_err(PolicyError::from)?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.id);
            for call in page {
                let (old, new) = sets.judge(&call).map_err(PolicyError::from)?;
                report.calls += 1;
                report.old.count(outcome(&old));
                report.new.count(outcome(&new));
                if outcome(&old) != outcome(&new) {
                    report.differences += 1;
                    tell(difference(call, &old, new))?;
                }
            }
        }
        Ok(report)
    }
}

/// Two sets, read for the folder of the session whose calls are judged.
struct Sets {
    texts: (Vec<PolicyText>, Vec<PolicyText>),
    old: PolicySet,
    new: PolicySet,
    surroundings: Surroundings,
}

impl Sets {
    fn read(
        old: Vec<PolicyText>,
        new: Vec<PolicyText>,
        surroundings: Surroundings,
    ) -> Result<Self, policy::PolicyError> {
        Ok(Self {
            old: PolicySet::read(&old, surroundings.clone())?,
            new: PolicySet::read(&new, surroundings.clone())?,
            texts: (old, new),
            surroundings,
        })
    }

    fn judge(&mut self, call: &AskedToolCall) -> Result<(Verdict, Verdict), policy::PolicyError> {
        let cwd = &call.working_directory;
        // Calls of one session mostly follow each other.
        if self.surroundings.project_root != *cwd {
            self.surroundings.project_root.clone_from(cwd);
            self.old = PolicySet::read(&self.texts.0, self.surroundings.clone())?;
            self.new = PolicySet::read(&self.texts.1, self.surroundings.clone())?;
        }
        let asked = Call { tool_name: &call.tool_name, input: &call.tool_input, cwd };
        let plan = self.new.plan(&asked);
        let judge = |set: &PolicySet| set.judge(&plan, &Links::default(), call.created_at);
        Ok((judge(&self.old), judge(&self.new)))
    }
}

const fn outcome(verdict: &Verdict) -> Outcome {
    match verdict.decision {
        Some(Decision::Allow) => Outcome::Allow,
        Some(Decision::Ask) => Outcome::Ask,
        Some(Decision::Deny) => Outcome::Deny,
        None => Outcome::Mode,
    }
}

impl ReplayCounts {
    const fn count(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Allow => &mut self.allow,
            Outcome::Ask => &mut self.ask,
            Outcome::Deny => &mut self.deny,
            Outcome::Mode => &mut self.mode,
        };
        *count += 1;
    }
}

fn difference(call: AskedToolCall, old: &Verdict, new: Verdict) -> Difference {
    let outcomes = (outcome(old), outcome(&new));
    let AskedToolCall {
        id,
        session_id,
        sequence,
        tool_name,
        tool_input,
        permission_decision,
        created_at,
        ..
    } = call;
    Difference {
        tool_call_id: id,
        session_id,
        sequence,
        at: created_at,
        tool_name,
        tool_input,
        recorded: permission_decision,
        old: outcomes.0,
        new: outcomes.1,
        policy: new.policy,
        rule: new.rule,
        reason: new.reason,
    }
}
