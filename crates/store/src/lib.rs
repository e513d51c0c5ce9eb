//! Persistence: one [`Store`] over SQLite and PostgreSQL, its schema's history, and one repository per noun.
//!
//! A unit of work is a closure: [`Store::read`], [`Store::scan`], [`Store::write`]. Inside it, repository code is plain
//! synchronous Rust, written once for both databases. No SQL and no driver type leaves this crate.
//!
//! ```
//! use std::time::Duration;
//!
//! use domain::{
//!     id::{TaskId, TeamId},
//!     task::NewTask,
//!     team::{Team, TeamSettings},
//!     time::Timestamp,
//! };
//! use provost_store::{Database, Migrate, Occasion, OpenOptions, ReadyFilter, SqliteFile, Store, WhenMissing};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let folder = tempfile::tempdir()?;
//! let file = SqliteFile {
//!     path: folder.path().join("provost.db"),
//!     when_missing: WhenMissing::Create,
//!     busy_timeout: Duration::from_secs(30),
//! };
//! // Ids and times are the caller's: the store draws none.
//! let now = Timestamp::from_micros(1_767_225_600_000_000);
//! let store = Store::open(OpenOptions::new(Database::Sqlite(file), Migrate::Forward(now)))?;
//!
//! let id = TeamId::from_uuid(uuid::Uuid::from_u128(1));
//! let team = Team {
//!     id,
//!     slug: "red".parse()?,
//!     name: "Red".parse()?,
//!     settings: TeamSettings::default(),
//!     retention_days: None,
//!     version: 1,
//!     created_at: now,
//!     updated_at: now,
//! };
//! // When this returns, the row is on the disk.
//! assert!(store.write(move |tx| tx.teams().insert_if_absent(&team)).await?);
//!
//! // What belongs to a team is reached through it, and through no other way.
//! let task = NewTask::new(TaskId::from_uuid(uuid::Uuid::from_u128(2)), "Mend the loop".parse()?);
//! let task = store
//!     .write(move |tx| {
//!         let next_id = || uuid::Uuid::from_u128(3);
//!         let occasion = Occasion { actor: "user:ada", at: now, next_id: &next_id };
//!         tx.team(id).tasks().insert(None, task, &occasion)
//!     })
//!     .await?;
//! assert_eq!(task.key.to_string(), "T-0001");
//!
//! let ready = store
//!     .read(move |conn| conn.team(id).tasks().list_ready(&ReadyFilter::default(), now, 10))
//!     .await?;
//! assert_eq!(ready[0].task, task);
//!
//! // What was changed has its history, written in the same transaction.
//! let history =
//!     store.read(move |conn| conn.team(id).task_history().list_of_task(task.id, None, 10)).await?;
//! assert_eq!(history.items[0].new_status.as_str(), "todo");
//! # store.close().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

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
    audit_export::AuditExportError,
    audit_key::AuditKeys,
    audit_seal::{AuditSeals, UnsealedAudit},
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
    search_backlog::SearchBacklog,
    session::{Guard, SessionChange, SessionEdit, SessionFilter, SessionQueue, SessionUpdate, Sessions},
    session_state::{NewState, SessionState},
    session_template::SessionTemplates,
    team::Teams,
    timeline::Timeline,
    tool_call::{AskedFilter, AskedToolCall, ToolCallFilter, ToolCalls},
    transcript::Transcripts,
    user::Users,
    webhook_delivery::{DeliveryFilter, DueDeliveries, WebhookDeliveries},
    webhook_subscription::WebhookSubscriptions,
};
pub use scope::Scope;
pub use sqlite::{BackupError, CopyProgress, SqliteFile, WhenMissing};
pub use store::{Database, Migrated, OpenOptions, Store};
