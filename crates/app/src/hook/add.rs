//! Adding a hook.

use std::time::Duration;

use domain::{
    audit_action::AuditAction,
    hook::{Hook, HookAction, HookEvent, HookKind, HookMatcher},
    id::HookId,
    name::Name,
};
use serde_json::Value;
use store::Tx;

use super::HookError;
use crate::{App, Caller};

/// A hook that is to be.
#[derive(Debug, Clone)]
pub struct NewHook {
    /// Its name.
    pub name: Name,
    /// The event it runs at.
    pub event: HookEvent,
    /// Which tools it is for; `None` is all.
    pub matcher: Option<String>,
    /// What it is made of.
    pub kind: HookKind,
    /// The details of its kind; see [`HookAction`].
    pub config: Value,
    /// Lower runs first.
    pub priority: i64,
    /// A failure of it blocks the event. A hook that is a gate by nature is one anyway.
    pub is_gate: bool,
    /// How long it may take: at most [`Hook::LONGEST_TIMEOUT`].
    pub timeout: Duration,
    /// Whether it runs at all.
    pub is_enabled: bool,
}

impl App {
    /// Adds a hook and gives it fit to be shown. Sessions that run take it up within a second.
    ///
    /// # Errors
    /// See [`HookError`].
    pub async fn add_hook(&self, caller: Caller, new: NewHook) -> Result<Hook, HookError> {
        let name = new.name.as_str().to_owned();
        let hook = self.hook_of(caller, new)?;
        let added = hook.clone();
        let deed = self.deed(caller, AuditAction::HookCreate).on(hook.id).with("name", name.as_str());
        let add = move |tx: &Tx<'_>| {
            let hooks = tx.team(caller.team_id).hooks();
            if hooks.find_by_name(&name)?.is_some() {
                return Err(HookError::Taken(name));
            }
            hooks.insert(&added)?;
            Ok(deed.append(tx)?)
        };
        self.store().write(add).await?;
        Ok(hook.shown())
    }

    fn hook_of(&self, caller: Caller, new: NewHook) -> Result<Hook, HookError> {
        let NewHook { name, event, matcher, kind, config, priority, is_gate, timeout, is_enabled } = new;
        refuse_misspelled(&event)?;
        if let Some(matcher) = &matcher {
            refuse_misspelled_tools(&event, &matcher.parse()?)?;
        }
        let action = HookAction::parse(kind, &config)?;
        let longest = Hook::LONGEST_TIMEOUT;
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        if timeout_ms == 0 || timeout > longest {
            return Err(HookError::Timeout { seconds: timeout.as_secs_f64(), longest: longest.as_secs() });
        }
        let now = self.now();
        Ok(Hook {
            id: HookId::from_uuid(self.next_id()),
            team_id: caller.team_id,
            name: name.as_str().to_owned(),
            event,
            matcher,
            kind,
            config,
            priority,
            is_gate: is_gate || action.is_gate_by_nature(),
            timeout_ms,
            is_enabled,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

/// An event of a later agent program is accepted; one that only looks like a known one would be waited for in vain.
fn refuse_misspelled(event: &HookEvent) -> Result<(), HookError> {
    let given = event.as_str();
    let alike = |known: &&str| **known != *given && known.eq_ignore_ascii_case(given);
    match HookEvent::KNOWN.into_iter().find(alike) {
        Some(known) => Err(HookError::Event { given: given.to_owned(), known }),
        None => Ok(()),
    }
}

/// The same of tools.
fn refuse_misspelled_tools(event: &HookEvent, matcher: &HookMatcher) -> Result<(), HookError> {
    let HookMatcher::Names(names) = matcher else { return Ok(()) };
    for given in names.iter().filter(|_| event.is_about_tools()) {
        let alike = |known: &&str| **known != *given && known.eq_ignore_ascii_case(given);
        if let Some(known) = policy::TOOLS.into_iter().find(alike) {
            return Err(HookError::Tool { given: given.clone(), known });
        }
    }
    Ok(())
}
