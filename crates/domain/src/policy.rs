//! Policies: rules of a team that decide tool calls, and the history of the whole set.

use serde_json::Value;

use crate::{
    id::{PolicyId, TeamId},
    parsed_text::is_name,
    time::Timestamp,
};

text_enum! {
    /// What a policy is about.
    pub enum PolicyKind: "policy kind" {
        /// Rules in the agent CLI's own syntax.
        Rules = "rules",
        /// Paths that may be read and written.
        FileAccess = "file_access",
        /// Shell commands.
        Command = "command",
        /// Hosts that may be reached.
        Network = "network",
        /// Names of tools.
        ToolList = "tool_list",
        /// Servers of tools.
        Mcp = "mcp",
        /// Hours of the day.
        Schedule = "schedule",
    }
}

parsed_text! {
    /// The name of a policy, for people; unique among the team's.
    pub struct PolicyName: "policy name",
        "1 to 200 characters without control characters and without spaces at the ends",
        is_name;
}

/// A policy as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Policy {
    /// Identity.
    pub id: PolicyId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique among the team's policies.
    pub name: PolicyName,
    /// What it is about.
    pub kind: PolicyKind,
    /// Details by kind.
    pub config: Value,
    /// Lower is evaluated and explained first; the outcome does not depend on it.
    pub priority: i64,
    /// Whether it counts at all.
    pub is_enabled: bool,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A team's whole policy set as a change left it. Append-only.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PolicyRevision {
    /// The tenant.
    pub team_id: TeamId,
    /// The set's version, from 1 without gaps.
    pub version: i64,
    /// All policies, disabled ones included, in the order of evaluation.
    pub policies: Vec<Policy>,
    /// Who changed it, as `user:ID` or `system:PART`.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub created_at: Timestamp,
}
