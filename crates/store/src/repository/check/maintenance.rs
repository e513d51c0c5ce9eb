//! The door into append-only tables, which must be closed.

use super::{Finding, facts};
use crate::{conn::Conn, error::StoreError};

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let sql = "
        SELECT 'maintenance run ' || id || ' by ' || actor || ' is still open, so append-only tables can be changed' AS what
        FROM maintenance_runs WHERE closed_at IS NULL";
    facts(conn, "maintenance", sql)
}
