//! Persistence: one [`Store`] over SQLite and PostgreSQL, its schema's history, and one repository per noun.
//!
//! A unit of work is a closure: [`Store::read`], [`Store::scan`], [`Store::write`]. Inside it, repository code is plain
//! synchronous Rust, written once for both databases. No SQL and no driver type leaves this crate.

mod conn;
mod error;
mod job;
mod maintenance;
pub mod migration;
mod postgres;
mod record;
mod repository;
pub mod schema;
mod scope;
mod sqlite;
mod statement;
mod store;
pub mod transfer;
mod value;

pub use conn::{Conn, Tx};
pub use error::{OpenError, StoreError};
pub use maintenance::Maintenance;
pub use migration::Migrate;
pub use postgres::PostgresServer;
pub use repository::{
    agent::{AgentFilter, AgentRef, AgentStatusError, Agents, NewAgentVersion},
    agent_instance::{AgentInstanceFilter, AgentInstances, MoveInstanceError},
    api_key::{ApiKeyFilter, ApiKeyGrant, ApiKeys, Credentials},
    approval::{ApprovalFilter, Approvals, DueApprovals},
    archive::{ArchiveFilter, Archives, PackedArchive},
    audit::{AuditFilter, AuditLog},
    audit_seal::{AuditSeals, Signer, UnsealedAudit},
    backlog::{
        Occasion,
        epic::{EpicFilter, Epics},
        feature::{FeatureFilter, Features},
        task::{TaskFilter, Tasks},
        task_claim::{ClaimError, ExpiredClaim, NewClaim, TaskClaims},
        task_dependency::{DependencyError, Direction, ReachedTask, RelatedTask, TaskDependencies},
        task_history::TaskHistory,
        task_move::{StatusChange, TaskMoveError},
        task_note::TaskNotes,
        task_ready::{ReadyFilter, ReadyTask},
        workflow::Workflows,
    },
    budget::{BudgetFilter, BudgetTargets, Budgets},
    check::{Finding, Repaired, check, repair},
    checkpoint::Checkpoints,
    cost::{CostFilter, CostGroup, CostKey, CostSum, Costs},
    decision::Decisions,
    document::{ChunkFilter, Documents},
    embedding_model::EmbeddingModels,
    hook::{HookFilter, Hooks},
    hook_execution::{HookExecutionFilter, HookExecutions},
    idempotency::{BegunRequest, ExpiredKeys, IdempotencyKeys},
    lease::Leases,
    login_session::{Login, LoginSessions},
    maintenance_run::MaintenanceRuns,
    mcp_server::{McpServerFilter, McpServers},
    member::{Member, MemberError, Members},
    memory::{Expected, Memories, MemoryChange, MemoryFilter, Put, PutError},
    message::Messages,
    message_search::{FoundRow, FoundText, MessageSearch},
    metric::{MetricFilter, Metrics},
    metrics_snapshot::{MetricsSnapshots, SnapshotFilter},
    model_price::ModelPrices,
    node::Nodes,
    page::{Cursor, InvalidCursor, Page},
    policy::{Policies, PolicyChange},
    reservation::{Reservations, ReserveError},
    search::Scored,
    session::{Guard, SessionChange, SessionEdit, SessionFilter, SessionQueue, SessionUpdate, Sessions},
    session_state::SessionState,
    session_template::SessionTemplates,
    team::Teams,
    timeline::Timeline,
    tool_call::{ToolCallFilter, ToolCalls},
    transcript::Transcripts,
    user::Users,
    webhook_delivery::{DeliveryFilter, DueDeliveries, WebhookDeliveries},
    webhook_subscription::WebhookSubscriptions,
};
pub use scope::Scope;
pub use sqlite::{BackupError, CopyProgress, SqliteFile, WhenMissing};
pub use store::{Database, OpenOptions, Store};
