//! Holding a session while what belongs to it is written.

use domain::id::SessionId;

use super::{Guard, Sessions};
use crate::{
    conn::Tx,
    error::StoreError,
    value::{Value, params},
};

impl Sessions<'_, Tx<'_>> {
    /// Holds a session until the transaction ends: nobody changes, takes over or deletes it meanwhile. What writes beside the
    /// timeline of a session calls this first, so that an owner who was declared dead writes nothing any more.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the guard does not hold; [`StoreError::Missing`] when anybody may and it is not there.
    pub fn hold(&self, id: SessionId, guard: Guard) -> Result<(), StoreError> {
        let mut sql = String::from(
            "SELECT 1 FROM sessions WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2",
        );
        let mut values = params![id].to_vec();
        if let Guard::Fence(fence) = guard {
            sql.push_str(" AND fence = $3");
            values.push(Value::Int(fence));
        }
        sql.push_str(self.scope.pick("", " FOR NO KEY UPDATE"));
        match self.scope.query(&sql, &values, |_| Ok(()))?.is_empty() {
            true => Err(guard.refusal(id)),
            false => Ok(()),
        }
    }

    /// As [`Sessions::hold`], for a row that may belong to no session; such a row has no owner to be guarded against.
    pub(in crate::repository) fn hold_any(
        &self,
        id: Option<SessionId>,
        guard: Guard,
    ) -> Result<(), StoreError> {
        id.map_or(Ok(()), |id| self.hold(id, guard))
    }
}
