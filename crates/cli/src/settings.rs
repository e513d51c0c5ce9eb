//! Settings: what can be set, and where each value came from.

mod layers;
mod load;
mod problem;

use std::path::PathBuf;

use domain::{permission::PermissionMode, runtime::RuntimeKind};
use serde::Deserialize;

pub(crate) use layers::{Layers, Origin};
pub(crate) use load::{Flags, KnownSettings, Loaded, Sources};
pub(crate) use problem::SettingsProblem;

/// The defaults, commented; also what `provost init` writes.
pub(crate) const DEFAULTS: &str = include_str!("settings/default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) database: Database,
    pub(crate) data: Data,
    pub(crate) runtime: Runtime,
    pub(crate) session: Session,
    pub(crate) hook: Hook,
    pub(crate) policy: Policy,
    pub(crate) approval: Approval,
    pub(crate) worker: Worker,
    pub(crate) audit: Audit,
    pub(crate) log: Log,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) pool_size: std::num::NonZeroU16,
    pub(crate) connect_timeout_seconds: u32,
    pub(crate) busy_timeout_seconds: u32,
    pub(crate) tls_root_certificate: PathBuf,
    pub(crate) auto_migrate: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Runtime {
    pub(crate) default: RuntimeKind,
    pub(crate) claude: Claude,
    pub(crate) scripted: Scripted,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claude {
    pub(crate) command: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<String>,
    pub(crate) handshake_timeout_seconds: std::num::NonZeroU32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scripted {
    pub(crate) scenario: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) model: String,
    pub(crate) permission_mode: PermissionMode,
    pub(crate) timeout_seconds: std::num::NonZeroU32,
    pub(crate) max_turns: u32,
    pub(crate) budget_usd: f64,
    pub(crate) idle_seconds: std::num::NonZeroU32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    pub(crate) audit: bool,
    pub(crate) metrics: bool,
    pub(crate) persistence: bool,
    pub(crate) notification: bool,
    pub(crate) server_idle_seconds: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) built_in: bool,
    pub(crate) blocked_commands: Vec<String>,
    pub(crate) restricted_paths: Vec<String>,
    pub(crate) restricted_except: Vec<String>,
    pub(crate) removable: Vec<String>,
    pub(crate) custom: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    pub(crate) interactive_seconds: std::num::NonZeroU32,
    pub(crate) background_seconds: std::num::NonZeroU32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    pub(crate) concurrency: std::num::NonZeroUsize,
    pub(crate) grace_seconds: u32,
    pub(crate) own_login: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    pub(crate) seal_interval_seconds: std::num::NonZeroU32,
    pub(crate) key_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
}
