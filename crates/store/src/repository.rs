//! One repository per noun. Reading methods work on any connection, writing ones only inside a transaction.

pub(crate) mod agent;
pub(crate) mod agent_instance;
pub(crate) mod api_key;
pub(crate) mod approval;
pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod audit_export;
pub(crate) mod audit_key;
pub(crate) mod audit_seal;
mod audit_verify;
mod audit_walk;
pub(crate) mod backlog;
pub(crate) mod budget;
pub(crate) mod check;
pub(crate) mod checkpoint;
mod command;
pub(crate) mod cost;
pub(crate) mod decision;
pub(crate) mod document;
pub(crate) mod embedding_model;
pub(crate) mod hook;
pub(crate) mod hook_execution;
pub(crate) mod idempotency;
pub(crate) mod lease;
pub(crate) mod login_session;
pub(crate) mod maintenance_run;
pub(crate) mod mcp_server;
pub(crate) mod member;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod message_search;
pub(crate) mod metric;
pub(crate) mod metrics_snapshot;
pub(crate) mod model_price;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod policy;
mod reference;
pub(crate) mod reservation;
pub(crate) mod search;
pub(crate) mod search_backlog;
pub(crate) mod session;
pub(crate) mod session_state;
pub(crate) mod session_template;
pub(crate) mod team;
pub(crate) mod timeline;
pub(crate) mod tool_call;
pub(crate) mod transcript;
mod transition;
pub(crate) mod user;
pub(crate) mod webhook_delivery;
pub(crate) mod webhook_subscription;

use crate::{
    conn::{Conn, Tx},
    scope::Scope,
};

/// A connection of either kind, for the reading half of a repository.
pub trait Reads {
    /// The connection.
    fn conn(&self) -> &Conn;
}

impl Reads for Conn {
    fn conn(&self) -> &Conn {
        self
    }
}

impl Reads for Tx<'_> {
    fn conn(&self) -> &Conn {
        self
    }
}

/// Opens repositories of what belongs to no team, or to all of them.
macro_rules! openers {
    ($($method:ident: $name:ident),+ $(,)?) => {
        impl Conn {
            $(
                /// The repository of this noun, for reading.
                #[must_use]
                pub const fn $method(&self) -> $name<'_, Self> {
                    $name { conn: self }
                }
            )+
        }

        impl<'t> Tx<'t> {
            $(
                /// The repository of this noun, for reading and writing.
                #[must_use]
                pub const fn $method(&self) -> $name<'_, Tx<'t>> {
                    $name { conn: self }
                }
            )+
        }
    };
}

/// Opens repositories of what belongs to a team.
macro_rules! team_openers {
    ($($method:ident: $name:ident),+ $(,)?) => {
        impl<'c, C> Scope<'c, C> {
            $(
                /// The repository of this noun, for this team.
                #[must_use]
                pub const fn $method(self) -> $name<'c, C> {
                    $name { scope: self }
                }
            )+
        }
    };
}

use agent::Agents;
use agent_instance::AgentInstances;
use api_key::{ApiKeys, Credentials};
use approval::{Approvals, DueApprovals};
use archive::Archives;
use audit::AuditLog;
use audit_key::AuditKeys;
use audit_seal::{AuditSeals, UnsealedAudit};
use backlog::{
    epic::Epics, feature::Features, task::Tasks, task_claim::TaskClaims, task_dependency::TaskDependencies,
    task_history::TaskHistory, task_note::TaskNotes, workflow::Workflows,
};
use budget::Budgets;
use checkpoint::Checkpoints;
use cost::Costs;
use decision::Decisions;
use document::Documents;
use embedding_model::EmbeddingModels;
use hook::Hooks;
use hook_execution::HookExecutions;
use idempotency::{ExpiredKeys, IdempotencyKeys};
use lease::Leases;
use login_session::LoginSessions;
use maintenance_run::MaintenanceRuns;
use mcp_server::McpServers;
use member::Members;
use memory::Memories;
use message::Messages;
use message_search::MessageSearch;
use metric::Metrics;
use metrics_snapshot::MetricsSnapshots;
use model_price::ModelPrices;
use node::Nodes;
use policy::Policies;
use reservation::Reservations;
use search_backlog::SearchBacklog;
use session::{SessionQueue, Sessions};
use session_state::SessionState;
use session_template::SessionTemplates;
use team::Teams;
use timeline::Timeline;
use tool_call::ToolCalls;
use transcript::Transcripts;
use user::Users;
use webhook_delivery::{DueDeliveries, WebhookDeliveries};
use webhook_subscription::WebhookSubscriptions;

openers! {
    audit_keys: AuditKeys,
    search_backlog: SearchBacklog,
    credentials: Credentials,
    due_approvals: DueApprovals,
    due_deliveries: DueDeliveries,
    embedding_models: EmbeddingModels,
    expired_keys: ExpiredKeys,
    leases: Leases,
    login_sessions: LoginSessions,
    maintenance_runs: MaintenanceRuns,
    model_prices: ModelPrices,
    nodes: Nodes,
    session_queue: SessionQueue,
    task_claims: TaskClaims,
    teams: Teams,
    unsealed_audit: UnsealedAudit,
    users: Users,
}

team_openers! {
    agent_instances: AgentInstances,
    agents: Agents,
    api_keys: ApiKeys,
    approvals: Approvals,
    archives: Archives,
    audit_log: AuditLog,
    audit_seals: AuditSeals,
    budgets: Budgets,
    checkpoints: Checkpoints,
    costs: Costs,
    decisions: Decisions,
    documents: Documents,
    epics: Epics,
    features: Features,
    hook_executions: HookExecutions,
    hooks: Hooks,
    idempotency_keys: IdempotencyKeys,
    mcp_servers: McpServers,
    members: Members,
    memories: Memories,
    message_search: MessageSearch,
    messages: Messages,
    metrics: Metrics,
    metrics_snapshots: MetricsSnapshots,
    policies: Policies,
    reservations: Reservations,
    session_state: SessionState,
    session_templates: SessionTemplates,
    sessions: Sessions,
    task_dependencies: TaskDependencies,
    task_history: TaskHistory,
    task_notes: TaskNotes,
    tasks: Tasks,
    timeline: Timeline,
    tool_calls: ToolCalls,
    transcripts: Transcripts,
    webhook_deliveries: WebhookDeliveries,
    webhook_subscriptions: WebhookSubscriptions,
    workflows: Workflows,
}
