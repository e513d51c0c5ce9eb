//! MCP servers: programs that give agents more tools.

use serde_json::Value;

use crate::{
    id::{McpServerId, TeamId},
    time::Timestamp,
};

text_enum! {
    /// How a server is talked to.
    pub enum McpTransport: "MCP transport" {
        /// A child process, on its input and output.
        Stdio = "stdio",
        /// HTTP with server-sent events.
        Sse = "sse",
        /// Streamable HTTP.
        Http = "http",
        /// Inside this process.
        Sdk = "sdk",
    }
}

text_enum! {
    /// How a server was when it was last looked at.
    pub enum McpHealth: "MCP server health" {
        /// It answers.
        Healthy = "healthy",
        /// It answers late or in part.
        Degraded = "degraded",
        /// It does not answer.
        Unhealthy = "unhealthy",
        /// Nobody has looked.
        Unknown = "unknown",
    }
}

parsed_text! {
    /// The name of a server, part of the names of its tools: `mcp__NAME__TOOL`.
    pub struct McpServerName: "MCP server name", "1 to 64 of a-z, A-Z, 0-9, _ and -", is_server_name;
}

fn is_server_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A server as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct McpServer {
    /// Identity.
    pub id: McpServerId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique among the team's servers.
    pub name: McpServerName,
    /// How it is talked to.
    pub transport: McpTransport,
    /// Details by transport.
    pub config: Value,
    /// Whether agents get its tools.
    pub is_enabled: bool,
    /// How it was when it was last looked at.
    pub health: McpHealth,
    /// When that was.
    pub checked_at: Option<Timestamp>,
    /// Grows with each update; looking at it is none.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_names_of_tools() {
        for good in ["git", "Git_Hub-2", &"a".repeat(64)] {
            assert!(good.parse::<McpServerName>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a.b", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<McpServerName>().is_err(), "{bad}");
        }
    }
}
