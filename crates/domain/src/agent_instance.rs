//! Agents at work: the main one of a session and the ones that it calls.

use serde_json::Value;

use crate::{
    id::{AgentId, AgentInstanceId, SessionId, TaskId, TeamId},
    time::Timestamp,
};

text_enum! {
    /// Its place in a session.
    pub enum AgentInstanceKind: "agent instance kind" {
        /// The one that people talk to.
        Main = "main",
        /// Called by another.
        Subagent = "subagent",
    }
}

text_enum! {
    /// What it does.
    pub enum AgentInstanceState: "agent instance state" {
        /// Its process starts.
        Spawning = "spawning",
        /// Ready for work.
        Idle = "idle",
        /// At work.
        Working = "working",
        /// Somebody must answer it first.
        Waiting = "waiting",
        /// Gone for good.
        Terminated = "terminated",
    }
}

/// A move that agent instances do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an agent instance cannot go from {from} to {to}")]
pub struct IllegalInstanceMove {
    /// State before.
    pub from: AgentInstanceState,
    /// State asked for.
    pub to: AgentInstanceState,
}

impl AgentInstanceState {
    /// The states that can follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        use AgentInstanceState::{Idle, Spawning, Terminated, Waiting, Working};
        match self {
            Spawning => &[Idle, Working, Terminated],
            Idle => &[Working, Terminated],
            Working => &[Idle, Waiting, Terminated],
            Waiting => &[Idle, Working, Terminated],
            Terminated => &[],
        }
    }

    /// This state followed by `to`.
    ///
    /// # Errors
    /// When there is no such move; staying is not a move.
    pub fn move_to(self, to: Self) -> Result<Self, IllegalInstanceMove> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalInstanceMove { from: self, to }) }
    }
}

/// An agent at work as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AgentInstance {
    /// Identity.
    pub id: AgentInstanceId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session it works in; `None` when that was removed.
    pub session_id: Option<SessionId>,
    /// The task it works on.
    pub task_id: Option<TaskId>,
    /// What it was made from.
    pub agent_id: Option<AgentId>,
    /// Its place in the session.
    pub kind: AgentInstanceKind,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub specialization: Option<String>,
    /// The agent program's own id of it.
    pub external_id: Option<String>,
    /// The tool use that called it.
    pub parent_tool_use_id: Option<String>,
    /// What it does.
    pub state: AgentInstanceState,
    /// The model that works.
    pub model: Option<String>,
    /// What it took, as its runtime counts.
    pub resource_usage: Option<Value>,
    /// When it was called.
    pub spawned_at: Timestamp,
    /// When it was gone.
    pub terminated_at: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use AgentInstanceState::{Idle, Spawning, Terminated, Waiting, Working};

    #[test]
    fn every_pair_of_states_is_a_move_or_refused() {
        let moves = [
            (Spawning, Idle),
            (Spawning, Working),
            (Idle, Working),
            (Working, Idle),
            (Working, Waiting),
            (Waiting, Idle),
            (Waiting, Working),
        ];
        for &from in AgentInstanceState::ALL {
            for &to in AgentInstanceState::ALL {
                let is_move = moves.contains(&(from, to)) || (to == Terminated && from != Terminated);
                assert_eq!(from.move_to(to).is_ok(), is_move, "{from} to {to}");
            }
        }
    }
}
