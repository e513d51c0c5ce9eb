//! The backlog: epics, features and tasks, and what follows from their changes: history, progress, counters, keys.

mod deletion;
pub(super) mod derived;
pub(crate) mod epic;
pub(crate) mod feature;
mod key_counter;
mod progress;
pub(crate) mod task;
pub(crate) mod task_claim;
pub(crate) mod task_dependency;
pub(crate) mod task_history;
mod task_insert;
pub(crate) mod task_move;
pub(crate) mod task_note;
pub(crate) mod task_ready;
pub(crate) mod workflow;

use domain::{
    backlog_key::{EpicKey, FeatureKey, TaskKey},
    epic::{EpicPriority, WorkStatus},
    priority::Priority,
    task::{AgentType, DependencyKind, TaskChange, TaskNoteKind, TaskSource},
    time::Timestamp,
    workflow::{TaskStatus, WorkflowDefinition},
};
use uuid::Uuid;

use crate::value::{FromValue, ToValue, Value, stored_documents, stored_words};

stored_words! { AgentType, DependencyKind, EpicPriority, TaskChange, TaskNoteKind, TaskSource, TaskStatus, WorkStatus }
stored_documents! { WorkflowDefinition }

/// Who makes a change and when, and where the ids of the rows come from that it writes besides.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// Who, as `user:ID`, `session:ID` or `system:PART`.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
    /// Gives a new id with each call.
    pub next_id: &'a dyn Fn() -> Uuid,
}

impl std::fmt::Debug for Occasion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Occasion").field("actor", &self.actor).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Makes keys storable, as the text that people know.
macro_rules! stored_keys {
    ($($key:ident),+) => {$(
        impl ToValue for $key {
            fn to_value(&self) -> Value<'_> {
                Value::Text(self.to_string().into())
            }
        }

        impl FromValue for $key {
            fn from_value(value: Value<'_>) -> Option<Self> {
                if let Value::Text(text) = value { text.parse().ok() } else { None }
            }
        }
    )+};
}

stored_keys! { EpicKey, FeatureKey, TaskKey }

impl ToValue for Priority {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.get().into())
    }
}

impl FromValue for Priority {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}
