//! What the audit log has lines about.

use crate::audit::ActionName;

text_enum! {
    /// Something an actor does that is audited. The first word is the noun it is done to.
    pub enum AuditAction: "audited action" {
        /// The database was made ready for its first team and person.
        InstallationCreate = "installation.create",
        /// A session was started, with its agent.
        SessionStart = "session.start",
        /// A session was put into the queue.
        SessionQueue = "session.queue",
        /// A session at rest was started again, or given to a worker.
        SessionResume = "session.resume",
        /// A session was begun with another one's history.
        SessionFork = "session.fork",
        /// A session was given a prompt.
        SessionPrompt = "session.prompt",
        /// What a session works on was stopped.
        SessionInterrupt = "session.interrupt",
        /// A session's process was ended.
        SessionPause = "session.pause",
        /// A session was ended.
        SessionTerminate = "session.terminate",
        /// A session was given another permission mode.
        SessionSetMode = "session.set_mode",
        /// A session was given another model.
        SessionSetModel = "session.set_model",
        /// A session was written out with everything that belongs to it.
        SessionExport = "session.export",
        /// A session was read in.
        SessionImport = "session.import",
        /// A place in a session was noted.
        CheckpointCreate = "checkpoint.create",
        /// A session was begun where another one was at a checkpoint.
        CheckpointRestore = "checkpoint.restore",
        /// A value of a session's state was set.
        StateSet = "session_state.set",
        /// A value of a session's state was removed.
        StateDelete = "session_state.delete",
        /// An agent was created.
        AgentCreate = "agent.create",
        /// An agent was given another name or version.
        AgentUpdate = "agent.update",
        /// Sessions may start with an agent.
        AgentActivate = "agent.activate",
        /// Sessions may not start with an agent any more.
        AgentArchive = "agent.archive",
        /// A session template was created.
        TemplateCreate = "template.create",
        /// A session template was replaced.
        TemplateUpdate = "template.update",
        /// A session template was deleted.
        TemplateDelete = "template.delete",
        /// A model's prices were set.
        PriceSet = "price.set",
        /// Transcripts of other programs were read in.
        TranscriptImport = "transcript.import",
        /// The details of an audit line were blanked.
        AuditRedact = "audit.redact",
        /// The audit log was written out.
        AuditExport = "audit.export",
        /// It was decided whether a tool call runs.
        ToolCallDecide = "tool_call.decide",
        /// A person let a tool call run.
        ApprovalApprove = "approval.approve",
        /// A person refused a tool call.
        ApprovalDeny = "approval.deny",
        /// Nobody said in time whether a tool call runs.
        ApprovalExpire = "approval.expire",
        /// A question about a tool call was withdrawn.
        ApprovalCancel = "approval.cancel",
        /// A hook was created.
        HookCreate = "hook.create",
        /// A hook was enabled.
        HookEnable = "hook.enable",
        /// A hook was disabled.
        HookDisable = "hook.disable",
        /// A hook was deleted.
        HookDelete = "hook.delete",
        /// A policy was added.
        PolicyCreate = "policy.create",
        /// A policy was given other details or another priority.
        PolicyUpdate = "policy.update",
        /// A policy was enabled.
        PolicyEnable = "policy.enable",
        /// A policy was disabled.
        PolicyDisable = "policy.disable",
        /// A policy was deleted.
        PolicyDelete = "policy.delete",
        /// An agent program told of an event, and the built-in hook `audit` is for it.
        HookEventRecord = "hook_event.record",
    }
}

impl AuditAction {
    /// The noun it is done to: the first word.
    #[must_use]
    pub fn target_kind(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

impl From<AuditAction> for ActionName {
    #[expect(clippy::expect_used, reason = "a test parses every one")]
    fn from(action: AuditAction) -> Self {
        action.as_str().parse().expect("a name of an action")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_name_and_a_noun() {
        for action in AuditAction::ALL {
            assert_eq!(ActionName::from(*action).as_str(), action.as_str());
            assert!(!action.target_kind().is_empty());
        }
    }
}
