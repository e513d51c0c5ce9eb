//! Processes that run sessions; they belong to no team.

use domain::{id::NodeId, node::Node, time::Timestamp};

use super::{Reads, session::row::lease_owner};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record,
    value::{Columns, ToValue as _, Value, params},
};

/// Processes that run sessions.
#[derive(Debug, Clone, Copy)]
pub struct Nodes<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Nodes<'_, C> {
    /// The process of this id, stopped or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: NodeId) -> Result<Option<Node>, StoreError> {
        let sql = format!("SELECT {} FROM nodes WHERE id = $1", Node::COLUMNS);
        self.conn.conn().find(&sql, params![id], |row| Node::from_columns(&mut row.columns()))
    }

    /// The processes that did not stop and were not heard of since `before`, the longest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_stale(&self, before: Timestamp, limit: u32) -> Result<Vec<Node>, StoreError> {
        let sql = format!(
            "SELECT {} FROM nodes WHERE stopped_at IS NULL AND heartbeat_at < $1 ORDER BY heartbeat_at LIMIT $2",
            Node::COLUMNS
        );
        self.conn.conn().query(&sql, params![before, limit], |row| Node::from_columns(&mut row.columns()))
    }
}

impl Nodes<'_, Tx<'_>> {
    /// Makes a process known.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is known.
    pub fn register(&self, node: &Node) -> Result<(), StoreError> {
        self.conn.insert(node)
    }

    /// Notes that a process lives.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not known, or was declared to have stopped.
    pub fn heartbeat(&self, id: NodeId, at: Timestamp) -> Result<(), StoreError> {
        self.update("UPDATE nodes SET heartbeat_at = $1 WHERE id = $2 AND stopped_at IS NULL", id, at)
    }

    /// Notes that a process ends, by itself or found dead.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not known, or has stopped already.
    pub fn stop(&self, id: NodeId, at: Timestamp) -> Result<(), StoreError> {
        self.update("UPDATE nodes SET stopped_at = $1 WHERE id = $2 AND stopped_at IS NULL", id, at)
    }

    fn update(&self, sql: &str, id: NodeId, at: Timestamp) -> Result<(), StoreError> {
        match self.conn.execute(sql, params![at, id])? {
            0 => Err(StoreError::Missing { what: format!("running node {id}") }),
            _ => Ok(()),
        }
    }
}

impl Record for Node {
    const TABLE: &'static str = "nodes";
    const COLUMNS: &'static str = "id, owner, version, started_at, heartbeat_at, stopped_at";

    fn values(&self) -> Vec<Value<'_>> {
        let Self { id, owner, version, started_at, heartbeat_at, stopped_at } = self;
        let owner = Value::Text(owner.to_string().into());
        vec![
            id.to_value(),
            owner,
            version.to_value(),
            started_at.to_value(),
            heartbeat_at.to_value(),
            stopped_at.to_value(),
        ]
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            owner: lease_owner(&columns.next::<String>()?)?,
            version: columns.next()?,
            started_at: columns.next()?,
            heartbeat_at: columns.next()?,
            stopped_at: columns.next()?,
        })
    }
}
