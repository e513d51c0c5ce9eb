//! Tasks: pieces of work for one agent or person, with what they depend on and what happened to them.

use serde_json::Value;

use crate::{
    backlog_key::TaskKey,
    id::{AgentId, EpicId, FeatureId, SessionId, TaskHistoryId, TaskId, TaskNoteId, TeamId},
    idempotency::RequestKey,
    name::Name,
    parsed_text::is_line,
    priority::Priority,
    time::Timestamp,
    workflow::TaskStatus,
};

parsed_text! {
    /// A kind of agent, such as `backend`: 1 to 100 bytes on one line. Any word will do; tasks and agents that use the same
    /// find each other.
    pub struct AgentType: "type of agent", "1 to 100 bytes on one line, without blanks around", |text: &str| is_line(text, 100);
}

text_enum! {
    /// Who came up with a task.
    pub enum TaskSource: "source of a task" {
        /// A person.
        Human = "human",
        /// An agent.
        Agent = "agent",
        /// Another system.
        Import = "import",
    }
}

text_enum! {
    /// How a task relates to another.
    pub enum DependencyKind: "kind of dependency" {
        /// It waits until the other is done.
        DependsOn = "depends_on",
        /// The other is worth knowing.
        RelatedTo = "related_to",
        /// It asks for the same as the other.
        Duplicates = "duplicates",
        /// It replaces the other.
        Supersedes = "supersedes",
        /// The other brought it up.
        SpawnedFrom = "spawned_from",
    }
}

text_enum! {
    /// What happened to a task.
    pub enum TaskChange: "change of a task" {
        /// It was created, or its status changed.
        Status = "status",
        /// Something else about it changed.
        Edited = "edited",
        /// It depends on another one more.
        Linked = "linked",
        /// It depends on another one less.
        Unlinked = "unlinked",
        /// It was deleted.
        Deleted = "deleted",
    }
}

text_enum! {
    /// What a note on a task is.
    pub enum TaskNoteKind: "kind of note" {
        /// Anything.
        Comment = "comment",
        /// What was decided.
        Decision = "decision",
        /// What stands in the way.
        Blocker = "blocker",
        /// What solved it.
        Solution = "solution",
        /// Where to look.
        Reference = "reference",
        /// What somebody must answer.
        Question = "question",
    }
}

/// A task as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Task {
    /// Identity.
    pub id: TaskId,
    /// The tenant.
    pub team_id: TeamId,
    /// The epic of its feature.
    pub epic_id: Option<EpicId>,
    /// The feature it belongs to; those of the queue only belong to none.
    pub feature_id: Option<FeatureId>,
    /// What people call it.
    pub key: TaskKey,
    /// Its name.
    pub title: Name,
    /// What it is about, Markdown.
    pub description: String,
    /// What an agent is told; `None` is the description.
    pub prompt: Option<String>,
    /// What the prompt's variables stand for.
    pub input: Option<Value>,
    /// Where it is in its workflow.
    pub status: TaskStatus,
    /// Which agents are meant for it; `None` is any.
    pub agent_type: Option<AgentType>,
    /// How pressing it is.
    pub priority: Priority,
    /// Who is to do it.
    pub assigned_agent_id: Option<AgentId>,
    /// Why it is blocked, while it is.
    pub blocked_reason: Option<String>,
    /// Who came up with it.
    pub source: TaskSource,
    /// The task it is a part of.
    pub parent_task_id: Option<TaskId>,
    /// The session that works on it, or did last.
    pub session_id: Option<SessionId>,
    /// Who works on it.
    pub claim_owner: Option<String>,
    /// When that claim ends unless its owner extends it; given exactly when there is an owner.
    pub claim_expires_at: Option<Timestamp>,
    /// Grows with each claim, so that an earlier owner is told from the present one.
    pub fence: i64,
    /// When it must be done.
    pub deadline: Option<Timestamp>,
    /// How long it is thought to take.
    pub estimated_seconds: Option<i64>,
    /// How often it was tried again.
    pub retry_count: i64,
    /// How often it may be.
    pub max_retries: i64,
    /// What came out of it.
    pub result: Option<Value>,
    /// What went wrong last.
    pub error_message: Option<String>,
    /// What its creator called the request, so that asking twice makes one task.
    pub idempotency_key: Option<RequestKey>,
    /// When it was first active.
    pub started_at: Option<Timestamp>,
    /// When it was done, while it is.
    pub completed_at: Option<Timestamp>,
    /// When it was blocked, while it is.
    pub blocked_at: Option<Timestamp>,
    /// Its place among the feature's tasks.
    pub execution_order: Option<i64>,
    /// Where its Markdown file is.
    pub file_path: Option<String>,
    /// How many tasks it waits for.
    pub open_dependencies: i64,
    /// How many tasks wait, or waited, for it.
    pub dependents: i64,
    /// Grows with each update and each change of status.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
}

impl Task {
    /// How often a task that says nothing about it may be tried again.
    pub const DEFAULT_MAX_RETRIES: i64 = 3;
    /// How often a task may be tried again at most.
    pub const MOST_RETRIES: i64 = 1000;
    /// The longest that a task may be thought to take, in seconds: ten years.
    pub const LONGEST: i64 = 10 * 366 * 24 * 60 * 60;
}

/// A task that is to be: what its creator decides.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Identity.
    pub id: TaskId,
    /// What people are to call it; `None` takes the next key.
    pub key: Option<TaskKey>,
    /// See [`Task::title`].
    pub title: Name,
    /// See [`Task::description`].
    pub description: String,
    /// See [`Task::prompt`].
    pub prompt: Option<String>,
    /// See [`Task::input`].
    pub input: Option<Value>,
    /// See [`Task::agent_type`].
    pub agent_type: Option<AgentType>,
    /// See [`Task::priority`].
    pub priority: Priority,
    /// See [`Task::assigned_agent_id`].
    pub assigned_agent_id: Option<AgentId>,
    /// See [`Task::source`].
    pub source: TaskSource,
    /// See [`Task::parent_task_id`].
    pub parent_task_id: Option<TaskId>,
    /// See [`Task::deadline`].
    pub deadline: Option<Timestamp>,
    /// See [`Task::estimated_seconds`].
    pub estimated_seconds: Option<i64>,
    /// See [`Task::max_retries`].
    pub max_retries: i64,
    /// See [`Task::idempotency_key`].
    pub idempotency_key: Option<RequestKey>,
    /// See [`Task::execution_order`].
    pub execution_order: Option<i64>,
    /// See [`Task::file_path`].
    pub file_path: Option<String>,
}

impl NewTask {
    /// A task of which only the name is known, from a person.
    #[must_use]
    pub const fn new(id: TaskId, title: Name) -> Self {
        Self {
            id,
            key: None,
            title,
            description: String::new(),
            prompt: None,
            input: None,
            agent_type: None,
            priority: Priority::DEFAULT,
            assigned_agent_id: None,
            source: TaskSource::Human,
            parent_task_id: None,
            deadline: None,
            estimated_seconds: None,
            max_retries: Task::DEFAULT_MAX_RETRIES,
            idempotency_key: None,
            execution_order: None,
            file_path: None,
        }
    }
}

/// One change of a task, from its creation on. Outlives its task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TaskHistoryEntry {
    /// Identity.
    pub id: TaskHistoryId,
    /// The tenant.
    pub team_id: TeamId,
    /// The task.
    pub task_id: TaskId,
    /// What people called it.
    pub task_key: TaskKey,
    /// What happened.
    pub change: TaskChange,
    /// Status before; `None` at its creation.
    pub old_status: Option<TaskStatus>,
    /// Status after; the same when something else changed.
    pub new_status: TaskStatus,
    /// Who, as `user:ID`, `session:ID` or `system:PART`.
    pub actor: String,
    /// What changed, or why, where no reason was needed.
    pub notes: Option<String>,
    /// Why, where the move needed a reason.
    pub rejection_reason: Option<String>,
    /// Whoever did it insisted: the workflow does not have this move.
    pub forced: bool,
    /// When.
    pub at: Timestamp,
}

/// A relation of one task to another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TaskDependency {
    /// The task that depends.
    pub task_id: TaskId,
    /// What it depends on.
    pub depends_on_id: TaskId,
    /// How.
    pub kind: DependencyKind,
    /// Who said so.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

impl TaskDependency {
    /// The most tasks in a row of which each waits for the next, not counting the first.
    pub const MOST_DEPTH: u32 = 10;
    /// The most tasks that one may wait for.
    pub const MOST_PER_TASK: u32 = 50;
}

/// Something noted on a task.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TaskNote {
    /// Identity.
    pub id: TaskNoteId,
    /// The task.
    pub task_id: TaskId,
    /// What it is.
    pub kind: TaskNoteKind,
    /// The note, Markdown.
    pub content: String,
    /// Who noted it.
    pub author: String,
    /// Grows with each update.
    pub version: i64,
    /// When.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
