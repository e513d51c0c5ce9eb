//! An event of an agent program as hooks are given it.

use domain::{
    agent_event::{HookCall, ToolRequest},
    hook::HookEvent,
};
use serde_json::{Value, json};

/// An event on its way along the chain. A rewrite changes what later hooks see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HookedEvent {
    pub(super) event: HookEvent,
    pub(super) tool_use_id: Option<String>,
    /// What the agent program gives its own hooks: an object with `hook_event_name`, `session_id`, `cwd` and more.
    pub(super) input: Value,
}

impl HookedEvent {
    /// A tool is about to run.
    pub(crate) fn of_gate(request: &ToolRequest) -> Self {
        let event = HookEvent::pre_tool_use();
        let mut fields = request.extra.clone();
        fields.insert("hook_event_name".to_owned(), json!(event));
        fields.insert("tool_name".to_owned(), json!(request.tool_name));
        fields.insert("tool_input".to_owned(), request.input.clone());
        fields.insert("tool_use_id".to_owned(), json!(request.tool_use_id));
        Self { event, tool_use_id: Some(request.tool_use_id.clone()), input: Value::Object(fields) }
    }

    /// Something else happened.
    pub(crate) fn of_call(call: &HookCall) -> Self {
        Self::new(call.event.clone(), call.input.clone())
    }

    pub(super) fn new(event: HookEvent, input: Value) -> Self {
        let tool_use_id = input["tool_use_id"].as_str().map(str::to_owned);
        Self { event, tool_use_id, input }
    }

    pub(super) fn tool_name(&self) -> Option<&str> {
        self.input.get("tool_name")?.as_str()
    }

    pub(super) fn rewrite(&mut self, tool_input: Value) {
        self.input["tool_input"] = tool_input;
    }
}
