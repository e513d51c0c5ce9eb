//! Runs of hooks; written only through the timeline.

use domain::{
    hook::HookEvent,
    hook_execution::HookExecution,
    id::{SessionId, ToolCallId},
    session::Session,
};

use super::Reads;
use crate::{error::StoreError, record::record, scope::Scope, value::Value};

record! {
    HookExecution in "hook_executions" {
        id, session_id, sequence, hook_name, hook_type, tool_call_id, tool_use_id, tool_name, input_data, output_data,
        context_data, continue_execution, duration_us, error_message, executed_at,
    }
}

/// Runs of hooks in a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct HookExecutions<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which runs a list holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct HookExecutionFilter {
    /// Of this hook.
    pub hook_name: Option<String>,
    /// At this event.
    pub hook_type: Option<HookEvent>,
    /// About this tool call.
    pub tool_call_id: Option<ToolCallId>,
}

impl<C: Reads> HookExecutions<'_, C> {
    /// The runs of a session after a number of its timeline, at most `limit`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        session: SessionId,
        filter: &HookExecutionFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HookExecution>, StoreError> {
        let mut statement = self.scope.select_below::<Session, HookExecution>("session_id", &session);
        statement.and_equal("hook_name", filter.hook_name.as_ref());
        statement.and_equal("hook_type", filter.hook_type.as_ref());
        statement.and_equal("tool_call_id", filter.tool_call_id.as_ref());
        statement.and("sequence > ?", [Value::Int(after)]);
        statement.push(" ORDER BY sequence LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }
}
