//! The events of agent programs, and what a hook can do at each.

use serde_json::Value;

/// The field of an event that names its tool.
const TOOL_NAME: &str = "tool_name";

parsed_text! {
    /// The name of an agent event, such as `PreToolUse`. Names that this version does not know are kept as they come.
    pub struct HookEvent: "hook event",
        "1 to 100 characters without spaces and control characters, such as PreToolUse",
        is_event;
}

fn is_event(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

impl HookEvent {
    /// The names of Claude Code CLI 2.1.329.
    pub const KNOWN: [&str; 33] = [
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "Notification",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "SessionStart",
        "SessionEnd",
        "Stop",
        "StopFailure",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "PostCompact",
        "PreModelSwitch",
        "PostModelSwitch",
        "PermissionRequest",
        "PermissionDenied",
        "Setup",
        "TeammateIdle",
        "TaskCreated",
        "TaskCompleted",
        "Elicitation",
        "ElicitationResult",
        "ConfigChange",
        "WorktreeCreate",
        "WorktreeRemove",
        "InstructionsLoaded",
        "CwdChanged",
        "FileChanged",
        "DirectoryAdded",
        "MessageDisplay",
    ];

    /// Before a tool runs: the only event whose input can be rewritten.
    #[must_use]
    pub fn pre_tool_use() -> Self {
        Self("PreToolUse".to_owned())
    }

    /// Whether this version knows the name.
    #[must_use]
    pub fn is_known(&self) -> bool {
        Self::KNOWN.contains(&self.as_str())
    }

    /// Whether a hook may put another input in the place of the tool's.
    #[must_use]
    pub fn takes_rewrites(&self) -> bool {
        self.as_str() == "PreToolUse"
    }

    /// Whether the model can be told something at it.
    #[must_use]
    pub fn takes_context(&self) -> bool {
        matches!(
            self.as_str(),
            "PreToolUse"
                | "PostToolUse"
                | "PostToolUseFailure"
                | "UserPromptSubmit"
                | "Stop"
                | "SubagentStart"
                | "SubagentStop"
                | "Notification"
                | "SessionStart"
        )
    }

    /// What a matcher is compared with: the tool, where there is one, or what else tells events of this name apart. `None`
    /// when nothing does.
    #[must_use]
    pub fn subject<'i>(&self, input: &'i Value) -> Option<&'i str> {
        input.get(self.subject_field())?.as_str()
    }

    /// Whether a matcher of it is about tools.
    #[must_use]
    pub fn is_about_tools(&self) -> bool {
        self.subject_field() == TOOL_NAME
    }

    fn subject_field(&self) -> &'static str {
        match self.as_str() {
            "Notification" => "notification_type",
            "PreCompact" | "PostCompact" => "trigger",
            "SubagentStart" | "SubagentStop" => "agent_type",
            "SessionStart" => "source",
            "SessionEnd" => "reason",
            _ => TOOL_NAME,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_of_a_later_agent_program_is_an_event() {
        for good in ["PreToolUse", "SomethingNew", "x:y-z", &"ä".repeat(100)] {
            assert!(good.parse::<HookEvent>().is_ok(), "{good}");
        }
        for bad in ["", "Pre Tool", "a\n", "\0", &"a".repeat(101)] {
            assert!(bad.parse::<HookEvent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_matcher_is_compared_with_what_tells_events_of_a_name_apart() {
        let subject = |event: &str, input: Value| {
            event.parse::<HookEvent>().expect("an event").subject(&input).map(str::to_owned)
        };
        assert_eq!(subject("PostToolUse", json!({ "tool_name": "Bash" })).as_deref(), Some("Bash"));
        assert_eq!(subject("PreCompact", json!({ "trigger": "auto" })).as_deref(), Some("auto"));
        assert_eq!(subject("Stop", json!({ "stop_hook_active": false })), None);
        let is_about_tools = |event: &str| event.parse::<HookEvent>().expect("an event").is_about_tools();
        assert!(is_about_tools("PermissionRequest") && !is_about_tools("SubagentStart"));
    }
}
