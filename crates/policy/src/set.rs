//! A set of policies: what they say together about a call.

use std::{cell::OnceCell, collections::HashSet};

use domain::{
    permission::Decision,
    policy::{Policy, PolicyKind},
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    call::{Call, effects_of},
    effect::{Effect, Effects, Written},
    kind::{ConfigError, Context, Finding, Kind, strictness},
    surroundings::{Links, Surroundings},
};

/// Policies in the order of evaluation, read for one session's surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySet {
    pub(crate) members: Vec<Member>,
    surroundings: Surroundings,
    default: Option<Decision>,
}

/// A policy of a set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A policy as it is written: its name, its kind, and its details.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// For people; unique in a set.
    pub name: String,
    /// What it is about.
    pub kind: PolicyKind,
    /// Lower is evaluated and explained first.
    #[serde(default = "default_priority")]
    pub priority: i64,
    /// Details by kind.
    pub config: Value,
}

pub(crate) const fn default_priority() -> i64 {
    100
}

/// A policy that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {name:?}: {error}")]
pub struct PolicyError {
    /// The policy.
    pub name: String,
    /// What is wrong with it.
    #[source]
    pub error: ConfigError,
}

/// What a call would do, before anything was looked up on the disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    effects: Effects,
    tool_name: String,
    input: Value,
}

/// What the policies say about a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// What becomes of it; `None` when no policy decides it, and the mode does.
    pub decision: Option<Decision>,
    /// The policy that decided; `None` when none did.
    pub policy: Option<String>,
    /// Its rule.
    pub rule: Option<String>,
    /// One sentence for the person and the agent.
    pub reason: String,
    /// What each policy said, in the order of evaluation.
    pub trace: Vec<PolicyVerdict>,
    /// What holds where neither policy nor mode decides.
    pub default: Option<Decision>,
}

/// What one policy said about a call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PolicyVerdict {
    /// The policy.
    pub policy: String,
    /// The strictest of what it said; `None` when it is not about this call.
    pub decision: Option<Decision>,
    /// Its rule.
    pub rule: Option<String>,
    /// Why, one sentence.
    pub reason: String,
}

/// What the evaluator itself says, in the place of a policy's name.
const EVALUATOR: &str = "evaluator";

impl From<&Policy> for PolicyText {
    fn from(policy: &Policy) -> Self {
        Self {
            name: policy.name.to_string(),
            kind: policy.kind,
            priority: policy.priority,
            config: policy.config.clone(),
        }
    }
}

impl PolicySet {
    /// Reads policies. They are evaluated by priority, then in the order given.
    ///
    /// # Errors
    /// At the first that cannot be read. A set with one that cannot be read decides nothing, so whoever has no set denies.
    pub fn read(policies: &[PolicyText], surroundings: Surroundings) -> Result<Self, PolicyError> {
        let mut ordered: Vec<&PolicyText> = policies.iter().collect();
        ordered.sort_by_key(|policy| policy.priority);
        let mut members = Vec::new();
        for policy in ordered {
            let kind = Kind::read(policy.kind, &policy.config, &surroundings);
            let kind = kind.map_err(|error| PolicyError { name: policy.name.clone(), error })?;
            members.push(Member { name: policy.name.clone(), kind });
        }
        let default = members
            .iter()
            .filter_map(|member| match &member.kind {
                Kind::Rules(rules) => rules.default,
                _ => None,
            })
            .max_by_key(|decision| strictness(*decision));
        Ok(Self { members, surroundings, default })
    }

    /// What holds where neither policy nor mode decides: the strictest that a policy names.
    #[must_use]
    pub const fn default_decision(&self) -> Option<Decision> {
        self.default
    }

    /// Whether what it says about a call may be something else later.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.members.iter().any(|member| matches!(member.kind, Kind::Schedule(_)))
    }

    /// The surroundings it was read for.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// What the call would do. Looks at nothing but the call.
    #[must_use]
    pub fn plan(&self, call: &Call<'_>) -> Plan {
        let effects = effects_of(call, &self.surroundings);
        Plan { effects, tool_name: call.tool_name.to_owned(), input: call.input.clone() }
    }

    /// What the policies say about a planned call, with the links that were found on the way of its paths.
    #[must_use]
    pub fn judge(&self, plan: &Plan, links: &Links, now: Timestamp) -> Verdict {
        let (forms, line) = (OnceCell::new(), OnceCell::new());
        let context = Context {
            place: None,
            forms: &forms,
            line: &line,
            surroundings: &self.surroundings,
            links,
            tool_name: &plan.tool_name,
            input: &plan.input,
            now: jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default(),
        };
        let mut judging = Judging::new(&self.members);
        judging.effects(&plan.effects, &context);
        judging.verdict(self.default)
    }
}

impl Plan {
    pub(crate) fn tool_name(&self) -> &str {
        &self.tool_name
    }

    pub(crate) fn effects(&self) -> std::slice::Iter<'_, Effect> {
        self.effects.iter()
    }

    /// The paths whose links must be looked up, absolute and without a name for what is unknown.
    #[must_use]
    pub fn paths(&self, surroundings: &Surroundings) -> Vec<String> {
        let mut paths = Vec::new();
        for effect in self.effects.iter() {
            let Some(place) = effect.place() else { continue };
            for form in place.candidates(surroundings, &Links::default()) {
                let known: Vec<&str> = form.components.iter().map_while(|step| step.literal()).collect();
                let path = format!("/{}", known.join("/"));
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths
    }

    /// Whether all it does is reading below a folder, by programs and tools that change nothing.
    #[must_use]
    pub fn only_reads_below(&self, folder: &str, surroundings: &Surroundings, links: &Links) -> bool {
        self.effects.iter().all(|effect| match effect {
            Effect::Tool(name) => name == "Bash" || READING.contains(&name.as_str()),
            Effect::Run(run) => (run.is_pure || run.is_harmless) && run.is_genuine || !run.is_innermost,
            Effect::Read(place) | Effect::List(place) | Effect::ReadBelow(place) => {
                place.stays_below(folder, surroundings, links)
            }
            Effect::Write(place, Written::Redirected) => place.is_sink(),
            _ => false,
        })
    }
}

/// Tools that only read.
const READING: [&str; 5] = ["Read", "Grep", "Glob", "NotebookRead", "LS"];

impl crate::effect::Place {
    fn stays_below(&self, folder: &str, surroundings: &Surroundings, links: &Links) -> bool {
        self.candidates(surroundings, links).iter().all(|form| {
            let known: Vec<&str> = form.components.iter().map_while(|step| step.literal()).collect();
            let path = format!("/{}", known.join("/"));
            !form.is_floating && !form.is_endless && crate::path::is_below(&path, folder)
        })
    }
}

/// The findings on a call as they come together.
struct Judging<'m> {
    members: &'m [Member],
    /// By policy, the strictest it said.
    said: Vec<Option<Finding>>,
    strictest: Option<(String, Finding)>,
    /// Something needs to be allowed and is not.
    lacks: Option<String>,
    allowed: Option<(String, Finding)>,
    /// The tool itself needs to be allowed by its name, or by all it touches.
    tool: Option<bool>,
    touched: Vec<bool>,
}

impl<'m> Judging<'m> {
    fn new(members: &'m [Member]) -> Self {
        Self {
            members,
            said: vec![None; members.len()],
            strictest: None,
            lacks: None,
            allowed: None,
            tool: None,
            touched: Vec::new(),
        }
    }

    /// Judges each once; loops give the same again and again.
    fn effects(&mut self, effects: &Effects, context: &Context<'_>) {
        let mut judged = HashSet::new();
        for effect in effects.iter().filter(|effect| judged.insert(*effect)) {
            let (forms, line) = (OnceCell::new(), OnceCell::new());
            self.effect(effect, &Context { place: effect.place(), forms: &forms, line: &line, ..*context });
        }
    }

    fn effect(&mut self, effect: &Effect, context: &Context<'_>) {
        if let Effect::Unreadable(reason) = effect {
            self.note(EVALUATOR, Finding::new(Decision::Ask, "unreadable", reason.as_str()));
            return;
        }
        if let Effect::Perhaps(inner) = effect {
            self.perhaps(inner, context);
            return;
        }
        let mut weak = None;
        let mut allowed = false;
        let members = self.members;
        for (at, member) in members.iter().enumerate() {
            let Some(finding) = member.kind.judge(effect, context) else { continue };
            let is_stricter = self.said[at]
                .as_ref()
                .is_none_or(|said| strictness(finding.decision) > strictness(said.decision));
            if is_stricter {
                self.said[at] = Some(finding.clone());
            }
            match finding.decision {
                Decision::Allow => {
                    allowed = true;
                    self.allowed.get_or_insert_with(|| (member.name.clone(), finding));
                }
                _ if finding.is_default => weak = weak.or(Some((member.name.as_str(), finding))),
                _ => self.note(&member.name, finding),
            }
        }
        if let Some((name, finding)) = weak.filter(|_| !allowed) {
            self.note(name, finding);
        }
        self.needs(effect, allowed);
    }

    /// Remembers whether what has to be allowed is.
    fn needs(&mut self, effect: &Effect, allowed: bool) {
        match effect {
            Effect::Tool(name) if name != "Bash" => self.tool = Some(allowed),
            Effect::Tool(_) => {}
            Effect::Run(run) if run.is_innermost && !run.is_harmless && !allowed => {
                self.lack(&format!("{}", Shown(&run.words)));
            }
            Effect::Write(place, Written::Redirected) if !allowed && !place.is_sink() => {
                self.lack(&format!("writing {}", place.path));
            }
            Effect::Read(_) | Effect::List(_) | Effect::Connect(_) | Effect::Write(_, Written::Changed) => {
                self.touched.push(allowed);
            }
            _ => {}
        }
    }

    fn lack(&mut self, what: &str) {
        self.lacks.get_or_insert_with(|| what.to_owned());
    }

    /// Words that may be a command: asked where they would be denied.
    fn perhaps(&mut self, inner: &Effects, context: &Context<'_>) {
        let mut judging = Judging::new(self.members);
        judging.effects(inner, context);
        if let Some((policy, finding)) = judging.strictest
            && finding.decision == Decision::Deny
        {
            let reason = format!("it may do what is denied: {}", finding.reason);
            self.note(&policy, Finding::new(Decision::Ask, finding.rule, reason));
        }
    }

    fn note(&mut self, policy: &str, finding: Finding) {
        let is_stricter = self
            .strictest
            .as_ref()
            .is_none_or(|(_, strictest)| strictness(finding.decision) > strictness(strictest.decision));
        if let Some(at) = self.members.iter().position(|member| member.name == policy) {
            let known = self.said[at]
                .as_ref()
                .is_some_and(|said| strictness(said.decision) >= strictness(finding.decision));
            if !known {
                self.said[at] = Some(finding.clone());
            }
        }
        if is_stricter {
            self.strictest = Some((policy.to_owned(), finding));
        }
    }

    fn verdict(self, default: Option<Decision>) -> Verdict {
        let is_tool_allowed = self.tool.is_none_or(|by_name| {
            by_name || (!self.touched.is_empty() && self.touched.iter().all(|allowed| *allowed))
        });
        let trace = self.trace();
        if let Some((policy, finding)) = self.strictest {
            return Verdict {
                decision: Some(finding.decision),
                policy: Some(policy),
                rule: Some(finding.rule),
                reason: finding.reason,
                trace,
                default,
            };
        }
        let undecided = |reason: String, trace| Verdict {
            decision: None,
            policy: None,
            rule: None,
            reason,
            trace,
            default,
        };
        match (self.lacks, self.allowed) {
            (Some(what), _) => undecided(format!("no policy decides about {what}"), trace),
            (None, Some((policy, finding))) if is_tool_allowed => Verdict {
                decision: Some(Decision::Allow),
                policy: Some(policy),
                rule: Some(finding.rule),
                reason: finding.reason,
                trace,
                default,
            },
            _ => undecided("no policy decides it".to_owned(), trace),
        }
    }

    fn trace(&self) -> Vec<PolicyVerdict> {
        let mut trace: Vec<PolicyVerdict> = self
            .members
            .iter()
            .zip(&self.said)
            .map(|(member, said)| match said {
                Some(finding) => PolicyVerdict {
                    policy: member.name.clone(),
                    decision: Some(finding.decision),
                    rule: Some(finding.rule.clone()),
                    reason: finding.reason.clone(),
                },
                None => PolicyVerdict {
                    policy: member.name.clone(),
                    decision: None,
                    rule: None,
                    reason: "it says nothing about this call".to_owned(),
                },
            })
            .collect();
        if let Some((policy, finding)) = self.strictest.as_ref().filter(|(policy, _)| policy == EVALUATOR) {
            trace.push(PolicyVerdict {
                policy: policy.clone(),
                decision: Some(finding.decision),
                rule: Some(finding.rule.clone()),
                reason: finding.reason.clone(),
            });
        }
        trace
    }
}

/// Words of a command as a line, not too long.
struct Shown<'w>(&'w [crate::text::Text]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let end = line.floor_char_boundary(120);
        f.write_str(&line[..end])?;
        if end < line.len() { f.write_str("…") } else { Ok(()) }
    }
}
