//! MCP servers.

use domain::{
    id::McpServerId,
    mcp_server::{McpHealth, McpServer, McpServerName, McpTransport},
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    scope::{Scope, missing},
    statement::Order,
    value::{params, stored_words},
};

stored_words! { McpHealth, McpServerName, McpTransport }

record! {
    McpServer in "mcp_servers" {
        id, team_id, name, transport, config, is_enabled, health, checked_at, version, created_at, updated_at,
    }
    owned by McpServerId as "MCP server" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's MCP servers.
#[derive(Debug, Clone, Copy)]
pub struct McpServers<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which servers a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct McpServerFilter {
    /// Enabled or disabled.
    pub is_enabled: Option<bool>,
    /// Last seen like this.
    pub health: Option<McpHealth>,
}

impl<C: Reads> McpServers<'_, C> {
    /// The server of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: McpServerId) -> Result<Option<McpServer>, StoreError> {
        self.scope.find_row(id)
    }

    /// The server of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_name(&self, name: &McpServerName) -> Result<Option<McpServer>, StoreError> {
        self.scope.find_row_by("name", name)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: McpServerFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<McpServer>, StoreError> {
        let mut statement = self.scope.select::<McpServer>();
        statement.and_equal("is_enabled", filter.is_enabled.as_ref());
        statement.and_equal("health", filter.health.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl McpServers<'_, Tx<'_>> {
    /// Adds a server.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of this name.
    pub fn insert(&self, server: &McpServer) -> Result<(), StoreError> {
        self.scope.insert(server)
    }

    /// Replaces a server by this one, whose version is the one that the caller read, and gives its new version. Nobody has
    /// looked at it as it is now, so its health is unknown.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when the team has another of this name.
    pub fn update(&self, server: &McpServer) -> Result<i64, StoreError> {
        self.scope.update(&McpServer { health: McpHealth::Unknown, checked_at: None, ..server.clone() })
    }

    /// Keeps how a server was when somebody looked. Whoever edits it meanwhile does not become stale.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there, or is no longer as it was when somebody looked: of this version.
    pub fn record_health(
        &self,
        id: McpServerId,
        version: i64,
        health: McpHealth,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE mcp_servers SET health = $1, checked_at = $2
             WHERE id = $3 AND (version = $4 AND team_id = $5 AND deleted_at IS NULL) IS TRUE";
        match self.scope.execute(sql, params![health, at, id, version])? {
            0 => Err(missing::<McpServer>(id)),
            _ => Ok(()),
        }
    }

    /// Deletes a server softly; its name is free again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: McpServerId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<McpServer>(id, at)
    }
}
