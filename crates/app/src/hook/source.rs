//! Which hooks an event of a session runs: those of its team, and those that the settings switch on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    hook::{Hook, HookEvent, HookKind},
    id::{HookId, TeamId},
    time::Timestamp,
};
use serde_json::{Value, json};
use store::StoreError;
use tokio::time::Instant;
use uuid::Uuid;

use super::ReadyHook;
use crate::{App, patience::patiently};

/// How long what was read is believed. Each chain is read again at the first event after that, so a change takes effect a
/// second later at the latest, for one read of an index a second and kind of event.
const BELIEVED: Duration = Duration::from_secs(1);

/// The built-in hooks that run without being added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DefaultHooks {
    /// A line in the audit log for every event.
    pub audit: bool,
    /// Counts and durations of tools.
    pub metrics: bool,
    /// The whole input of every event.
    pub persistence: bool,
    /// A line in the program's log for every notification.
    pub notification: bool,
}

/// The chains of one session, as they were read last.
#[derive(Debug)]
pub(crate) struct Source {
    app: App,
    team_id: TeamId,
    defaults: DefaultHooks,
    chains: HashMap<HookEvent, Chain>,
}

#[derive(Debug)]
struct Chain {
    read_at: Instant,
    hooks: Vec<Arc<ReadyHook>>,
}

impl Source {
    pub(crate) fn new(app: App, team_id: TeamId, defaults: DefaultHooks) -> Self {
        Self { app, team_id, defaults, chains: HashMap::new() }
    }

    /// The hooks for an event with this subject, in the order in which they run.
    pub(crate) async fn chain(
        &mut self,
        event: &HookEvent,
        subject: Option<&str>,
    ) -> Result<Vec<Arc<ReadyHook>>, StoreError> {
        let is_fresh = |chain: &&Chain| chain.read_at.elapsed() < BELIEVED;
        if self.chains.get(event).filter(is_fresh).is_none() {
            let chain = self.read(event).await?;
            self.chains.insert(event.clone(), chain);
        }
        let hooks = self.chains.get(event).into_iter().flat_map(|chain| &chain.hooks);
        Ok(hooks.filter(|hook| hook.is_for(subject)).cloned().collect())
    }

    async fn read(&self, event: &HookEvent) -> Result<Chain, StoreError> {
        let team_id = self.team_id;
        let read_at = Instant::now();
        let list = || {
            let event = event.clone();
            self.app.store().read(move |conn| conn.team(team_id).hooks().list_chain(&event))
        };
        let mut hooks = patiently(list).await?;
        hooks.extend(self.defaults.hooks(event, team_id));
        hooks.sort_by_key(|hook| (hook.priority, hook.id));
        Ok(Chain { read_at, hooks: hooks.into_iter().map(|hook| Arc::new(ReadyHook::new(hook))).collect() })
    }
}

impl DefaultHooks {
    /// They see what came in, also when a later hook blocks it.
    const PRIORITY: i64 = 0;

    fn hooks(self, event: &HookEvent, team_id: TeamId) -> Vec<Hook> {
        let is_after_tool = matches!(event.as_str(), "PostToolUse" | "PostToolUseFailure");
        let is_notification = event.as_str() == "Notification";
        let all = [
            (self.audit, "audit", json!({ "name": "audit" })),
            (self.metrics && is_after_tool, "metrics", json!({ "name": "metrics" })),
            (self.persistence, "persistence", json!({ "name": "persistence" })),
            (
                self.notification && is_notification,
                "notification",
                json!({ "name": "notification", "to": "log" }),
            ),
        ];
        let numbered = (1..).zip(all).filter(|(_, (is_on, ..))| *is_on);
        numbered
            .map(|(number, (_, name, config))| default_hook(number, name, config, event, team_id))
            .collect()
    }
}

fn default_hook(number: u128, name: &str, config: Value, event: &HookEvent, team_id: TeamId) -> Hook {
    Hook {
        id: HookId::from_uuid(Uuid::from_u128(number)),
        team_id,
        name: format!("default {name}"),
        event: event.clone(),
        matcher: None,
        kind: HookKind::Builtin,
        config,
        priority: DefaultHooks::PRIORITY,
        is_gate: false,
        timeout_ms: i64::try_from(Hook::DEFAULT_TIMEOUT.as_millis()).unwrap_or(i64::MAX),
        is_enabled: true,
        version: 1,
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}
