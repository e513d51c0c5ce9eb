//! Workflows: which statuses tasks can have, and how they move between them. Workflows are data; one is built in.

use std::sync::LazyLock;

use crate::{
    id::{TeamId, WorkflowId},
    name::Name,
    time::Timestamp,
};

/// The name of a status: `a-z`, `0-9` and `_`, beginning with a letter, at most 40 characters. What it means, the workflow
/// says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct TaskStatus(String);

/// A text that is no name of a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a status; accepted: 1 to 40 of a-z, 0-9 and _, beginning with a letter")]
pub struct InvalidTaskStatus(String);

text_enum! {
    /// What a status means to Provost.
    pub enum StatusKind: "kind of status" {
        /// Waits for somebody to begin; can be claimed.
        Ready = "ready",
        /// Somebody works on it.
        Active = "active",
        /// Waits for somebody's judgement.
        Review = "review",
        /// Cannot go on, for a reason.
        Blocked = "blocked",
        /// Finished; what depends on it may go on.
        Done = "done",
        /// Given up; does not count, and what depends on it may go on.
        Archived = "archived",
    }
}

/// A status of a workflow.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
    /// Its name.
    pub name: TaskStatus,
    /// What it means.
    pub kind: StatusKind,
    /// How much of a task in it counts as done, 0 to 1.
    pub weight: f64,
    /// New tasks begin in it. One status of a workflow is, and it is ready.
    #[serde(default)]
    pub is_initial: bool,
}

/// A way from one status to another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusMove {
    /// Status before.
    pub from: TaskStatus,
    /// Status after.
    pub to: TaskStatus,
    /// Whoever takes it must say why.
    #[serde(default)]
    pub needs_reason: bool,
}

/// The statuses and moves of a workflow. What exists is valid: see [`InvalidWorkflow`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct WorkflowDefinition {
    statuses: Vec<StatusRule>,
    moves: Vec<StatusMove>,
}

/// Why statuses and moves make no workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWorkflow {
    /// The text is no JSON of a workflow.
    #[error(
        "not a workflow: {0}; accepted: {{\"statuses\": [{{\"name\", \"kind\", \"weight\", \"is_initial\"}}], \"moves\": [{{\"from\", \"to\", \"needs_reason\"}}]}}"
    )]
    Unreadable(String),
    /// More than [`WorkflowDefinition::MOST_STATUSES`].
    #[error("{0} statuses are too many; accepted: at most {most}", most = WorkflowDefinition::MOST_STATUSES)]
    TooManyStatuses(usize),
    /// A status stands there twice.
    #[error("status {0} stands there twice")]
    DuplicateStatus(TaskStatus),
    /// A weight is not between 0 and 1.
    #[error("the weight {weight} of status {status} is refused; accepted: 0 to 1")]
    Weight {
        /// The status.
        status: TaskStatus,
        /// Its weight.
        weight: String,
    },
    /// Not exactly one status is initial, or that one is not of kind ready.
    #[error("{0} initial statuses of kind ready; accepted: exactly one")]
    Initial(usize),
    /// No status of a kind that work needs.
    #[error("no status is of kind {0}; accepted: at least one")]
    NoStatusOfKind(StatusKind),
    /// A move begins or ends at a status that is not there.
    #[error("a move names the status {status}; accepted: {accepted}")]
    UnknownStatus {
        /// The status.
        status: TaskStatus,
        /// Those that are there.
        accepted: String,
    },
    /// A move stands there twice, or goes nowhere.
    #[error("the move from {from} to {to} stands there twice or goes nowhere")]
    UselessMove {
        /// Status before.
        from: TaskStatus,
        /// Status after.
        to: TaskStatus,
    },
    /// Claims need it: to begin, or to give back what nobody works on any longer.
    #[error("a move from {from} to {to} is missing; claims need it")]
    MissingMove {
        /// Status before.
        from: TaskStatus,
        /// Status after.
        to: TaskStatus,
    },
}

/// Why a task does not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedMove {
    /// The workflow has no such status.
    #[error("the workflow has no status {status}; accepted: {accepted}")]
    UnknownStatus {
        /// As asked for.
        status: TaskStatus,
        /// Those it has.
        accepted: String,
    },
    /// The workflow has no such move.
    #[error("a task cannot go from {from} to {to}; from {from} it can go to: {legal}")]
    Illegal {
        /// Status before.
        from: TaskStatus,
        /// Status asked for.
        to: TaskStatus,
        /// Where it can go instead, separated by commas.
        legal: String,
    },
    /// The move needs a reason.
    #[error("a task goes from {from} to {to} only with a reason")]
    ReasonNeeded {
        /// Status before.
        from: TaskStatus,
        /// Status asked for.
        to: TaskStatus,
    },
}

/// A team's workflow as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Workflow {
    /// Identity.
    pub id: WorkflowId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique among the team's workflows.
    pub name: Name,
    /// Its statuses and moves.
    pub definition: WorkflowDefinition,
    /// The team's tasks follow it. At most one does; without one they follow [`WorkflowDefinition::built_in`].
    pub is_active: bool,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    statuses: Vec<StatusRule>,
    moves: Vec<StatusMove>,
}

impl TaskStatus {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TaskStatus {
    type Err = InvalidTaskStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let well_formed = (1..=40).contains(&text.len())
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidTaskStatus(text.to_owned())) }
    }
}

impl std::fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for TaskStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl StatusKind {
    /// What depends on a task in such a status may go on.
    #[must_use]
    pub const fn satisfies_dependents(self) -> bool {
        matches!(self, Self::Done | Self::Archived)
    }
}

impl WorkflowDefinition {
    /// The most statuses.
    pub const MOST_STATUSES: usize = 30;

    /// Checks statuses and moves.
    ///
    /// # Errors
    /// See [`InvalidWorkflow`].
    pub fn new(statuses: Vec<StatusRule>, moves: Vec<StatusMove>) -> Result<Self, InvalidWorkflow> {
        check_statuses(&statuses)?;
        let definition = Self { statuses, moves };
        definition.check_moves()?;
        Ok(definition)
    }

    /// Reads the JSON that serialising gives.
    ///
    /// # Errors
    /// See [`InvalidWorkflow`].
    pub fn from_json(text: &str) -> Result<Self, InvalidWorkflow> {
        let unchecked: Unchecked =
            serde_json::from_str(text).map_err(|error| InvalidWorkflow::Unreadable(error.to_string()))?;
        unchecked.try_into()
    }

    /// The workflow of teams that have none of their own.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<WorkflowDefinition> = LazyLock::new(built_in);
        &BUILT_IN
    }

    /// Its statuses, in the order in which they were given.
    #[must_use]
    pub fn statuses(&self) -> &[StatusRule] {
        &self.statuses
    }

    /// Its moves, in the order in which they were given.
    #[must_use]
    pub fn moves(&self) -> &[StatusMove] {
        &self.moves
    }

    /// Where new tasks begin, and where abandoned ones return to.
    #[must_use]
    pub fn initial(&self) -> &TaskStatus {
        // Checked when it was made: there is one.
        let initial = self.statuses.iter().find(|rule| rule.is_initial);
        &initial.unwrap_or(&self.statuses[0]).name
    }

    /// Where a claim takes a task: the first active status.
    #[must_use]
    pub fn start(&self) -> &TaskStatus {
        self.first(StatusKind::Active).unwrap_or_else(|| self.initial())
    }

    /// The statuses in which a task can be claimed: ready ones with a move to [`WorkflowDefinition::start`].
    pub fn claimable(&self) -> impl Iterator<Item = &TaskStatus> {
        let start = self.start();
        self.all_of(StatusKind::Ready).filter(move |status| self.successors(status).any(|to| to == start))
    }

    /// The first status of a kind.
    #[must_use]
    pub fn first(&self, kind: StatusKind) -> Option<&TaskStatus> {
        self.all_of(kind).next()
    }

    /// All statuses of a kind.
    pub fn all_of(&self, kind: StatusKind) -> impl Iterator<Item = &TaskStatus> {
        self.statuses.iter().filter(move |rule| rule.kind == kind).map(|rule| &rule.name)
    }

    /// What a status means; `None` when the workflow does not have it.
    #[must_use]
    pub fn kind(&self, status: &TaskStatus) -> Option<StatusKind> {
        self.rule(status).map(|rule| rule.kind)
    }

    /// How much of a task in this status counts as done.
    #[must_use]
    pub fn weight(&self, status: &TaskStatus) -> f64 {
        self.rule(status).map_or(0.0, |rule| rule.weight)
    }

    /// What depends on a task in this status may go on.
    #[must_use]
    pub fn satisfies_dependents(&self, status: &TaskStatus) -> bool {
        self.kind(status).is_some_and(StatusKind::satisfies_dependents)
    }

    /// Where a task in this status can go.
    pub fn successors(&self, from: &TaskStatus) -> impl Iterator<Item = &TaskStatus> {
        self.moves.iter().filter(move |step| step.from == *from).map(|step| &step.to)
    }

    /// The move, if a task can take it.
    ///
    /// # Errors
    /// When the workflow does not have it, or it needs a reason and none is given. Staying is not a move.
    pub fn permit(
        &self,
        from: &TaskStatus,
        to: &TaskStatus,
        reason: Option<&str>,
    ) -> Result<&StatusMove, RefusedMove> {
        self.require(to)?;
        let step = self.moves.iter().find(|step| step.from == *from && step.to == *to);
        let Some(step) = step else {
            return Err(self.illegal(from, to));
        };
        if step.needs_reason && reason.is_none_or(|reason| reason.trim().is_empty()) {
            return Err(RefusedMove::ReasonNeeded { from: from.clone(), to: to.clone() });
        }
        Ok(step)
    }

    /// As [`WorkflowDefinition::permit`], for a person who insists: any status of the workflow but the present one.
    ///
    /// # Errors
    /// When the workflow does not have the status, or it is the present one.
    pub fn permit_forced(&self, from: &TaskStatus, to: &TaskStatus) -> Result<(), RefusedMove> {
        self.require(to)?;
        if from == to { Err(self.illegal(from, to)) } else { Ok(()) }
    }

    fn rule(&self, status: &TaskStatus) -> Option<&StatusRule> {
        self.statuses.iter().find(|rule| rule.name == *status)
    }

    fn require(&self, status: &TaskStatus) -> Result<(), RefusedMove> {
        match self.rule(status) {
            Some(_) => Ok(()),
            None => Err(RefusedMove::UnknownStatus { status: status.clone(), accepted: self.names() }),
        }
    }

    fn illegal(&self, from: &TaskStatus, to: &TaskStatus) -> RefusedMove {
        let legal = join(self.successors(from));
        RefusedMove::Illegal { from: from.clone(), to: to.clone(), legal }
    }

    fn names(&self) -> String {
        join(self.statuses.iter().map(|rule| &rule.name))
    }

    fn check_moves(&self) -> Result<(), InvalidWorkflow> {
        for (index, step) in self.moves.iter().enumerate() {
            let StatusMove { from, to, .. } = step;
            if let Some(status) = [from, to].into_iter().find(|status| self.rule(status).is_none()) {
                return Err(InvalidWorkflow::UnknownStatus {
                    status: status.clone(),
                    accepted: self.names(),
                });
            }
            let is_again =
                self.moves[..index].iter().any(|earlier| earlier.from == *from && earlier.to == *to);
            if from == to || is_again {
                return Err(InvalidWorkflow::UselessMove { from: from.clone(), to: to.clone() });
            }
        }
        let (initial, start) = (self.initial(), self.start());
        for (from, to) in [(initial, start), (start, initial)] {
            if !self.successors(from).any(|successor| successor == to) {
                return Err(InvalidWorkflow::MissingMove { from: from.clone(), to: to.clone() });
            }
        }
        Ok(())
    }
}

impl TryFrom<Unchecked> for WorkflowDefinition {
    type Error = InvalidWorkflow;

    fn try_from(unchecked: Unchecked) -> Result<Self, Self::Error> {
        Self::new(unchecked.statuses, unchecked.moves)
    }
}

impl From<WorkflowDefinition> for Unchecked {
    fn from(definition: WorkflowDefinition) -> Self {
        Self { statuses: definition.statuses, moves: definition.moves }
    }
}

fn check_statuses(statuses: &[StatusRule]) -> Result<(), InvalidWorkflow> {
    if statuses.len() > WorkflowDefinition::MOST_STATUSES {
        return Err(InvalidWorkflow::TooManyStatuses(statuses.len()));
    }
    for (index, rule) in statuses.iter().enumerate() {
        let status = rule.name.clone();
        if statuses[..index].iter().any(|earlier| earlier.name == status) {
            return Err(InvalidWorkflow::DuplicateStatus(status));
        }
        if !(0.0..=1.0).contains(&rule.weight) {
            return Err(InvalidWorkflow::Weight { status, weight: rule.weight.to_string() });
        }
    }
    let initial = statuses.iter().filter(|rule| rule.is_initial).count();
    let ready = statuses.iter().filter(|rule| rule.is_initial && rule.kind == StatusKind::Ready).count();
    if (initial, ready) != (1, 1) {
        return Err(InvalidWorkflow::Initial(ready));
    }
    let is_there = |kind| statuses.iter().any(|rule| rule.kind == kind);
    match [StatusKind::Active, StatusKind::Done].into_iter().find(|kind| !is_there(*kind)) {
        Some(kind) => Err(InvalidWorkflow::NoStatusOfKind(kind)),
        None => Ok(()),
    }
}

fn built_in() -> WorkflowDefinition {
    const STATUSES: [(&str, StatusKind, f64); 6] = [
        ("todo", StatusKind::Ready, 0.0),
        ("in_progress", StatusKind::Active, 0.5),
        ("ready_for_review", StatusKind::Review, 0.75),
        ("blocked", StatusKind::Blocked, 0.0),
        ("completed", StatusKind::Done, 1.0),
        ("archived", StatusKind::Archived, 0.0),
    ];
    const MOVES: [(&str, &str, bool); 15] = [
        ("todo", "in_progress", false),
        ("todo", "blocked", false),
        ("todo", "archived", false),
        ("in_progress", "ready_for_review", false),
        ("in_progress", "blocked", false),
        ("in_progress", "todo", false),
        ("in_progress", "archived", false),
        ("ready_for_review", "completed", false),
        ("ready_for_review", "in_progress", true),
        ("ready_for_review", "archived", false),
        ("blocked", "todo", false),
        ("blocked", "archived", false),
        ("completed", "in_progress", true),
        ("completed", "archived", false),
        ("archived", "todo", false),
    ];
    let name = |text: &str| TaskStatus(text.to_owned());
    let status =
        |(text, kind, weight)| StatusRule { name: name(text), kind, weight, is_initial: text == "todo" };
    let step = |(from, to, needs_reason)| StatusMove { from: name(from), to: name(to), needs_reason };
    WorkflowDefinition {
        statuses: STATUSES.into_iter().map(status).collect(),
        moves: MOVES.into_iter().map(step).collect(),
    }
}

fn join<'s>(statuses: impl Iterator<Item = &'s TaskStatus>) -> String {
    let names: Vec<_> = statuses.map(TaskStatus::as_str).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
