//! Identifiers: one newtype over `UUIDv7` per noun, declared in one alphabetical registry.
//!
//! The domain never draws an id; the application's id source does and wraps it by `from_uuid`.

use uuid::Uuid;

macro_rules! id_types {
    ($($(#[$meta:meta])* $name:ident,)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id drawn by the application's id source or read from a row.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID, as it stands on the wire and in the database.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

id_types! {
    /// A versioned definition of an agent.
    AgentId,
    /// A running agent or subagent.
    AgentInstanceId,
    /// A key to the API.
    ApiKeyId,
    /// A question to a person.
    ApprovalId,
    /// A packed working directory.
    ArchiveId,
    /// A line of the audit log.
    AuditEntryId,
    /// A limit in money.
    BudgetId,
    /// A named, restorable state.
    CheckpointId,
    /// A durable input to a session.
    CommandId,
    /// What something cost.
    CostEntryId,
    /// A decision on a tool call.
    DecisionId,
    /// A piece of an indexed file.
    DocumentChunkId,
    /// An indexed file.
    DocumentId,
    /// A large piece of work.
    EpicId,
    /// A part of an epic.
    FeatureId,
    /// One run of a hook.
    HookExecutionId,
    /// Code that runs at an agent event.
    HookId,
    /// A browser that is logged in.
    LoginSessionId,
    /// One opening of append-only tables.
    MaintenanceRunId,
    /// A server of tools for agents.
    McpServerId,
    /// One remembered fact.
    MemoryId,
    /// A line of the log of memory.
    MemoryLogId,
    /// One giving of a memory to an agent.
    MemoryUseId,
    /// Something said in a session.
    MessageId,
    /// One measured value.
    MetricId,
    /// A session's counters at one time.
    MetricsSnapshotId,
    /// A process that runs sessions.
    NodeId,
    /// A rule that decides tool calls.
    PolicyId,
    /// Money held for work under way.
    ReservationId,
    /// A conversation with an agent process.
    SessionId,
    /// Options to start sessions from.
    SessionTemplateId,
    /// One change of a task's status.
    TaskHistoryId,
    /// A piece of work for one agent.
    TaskId,
    /// Something noted on a task.
    TaskNoteId,
    /// The tenant every row belongs to.
    TeamId,
    /// One use of a tool.
    ToolCallId,
    /// One change of a session's status.
    TransitionId,
    /// A person.
    UserId,
    /// One notice to a webhook.
    WebhookDeliveryId,
    /// Who is told of what by webhook.
    WebhookSubscriptionId,
    /// The statuses and moves of tasks.
    WorkflowId,
}
