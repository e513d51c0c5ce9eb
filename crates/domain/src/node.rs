//! Processes that run sessions.

use crate::{id::NodeId, session::LeaseOwner, time::Timestamp};

/// A process as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Identity.
    pub id: NodeId,
    /// The process, as it owns leases; a process is one node.
    pub owner: LeaseOwner,
    /// The program's version.
    pub version: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last said that it lives.
    pub heartbeat_at: Timestamp,
    /// When it said that it ends.
    pub stopped_at: Option<Timestamp>,
}
