//! The numbers in keys. Each is given once, even after what had it is gone, and however many ask at the same time.

use domain::backlog_key::{EpicKey, FeatureKey, KeyNumber};

use crate::{conn::Tx, error::StoreError, scope::Scope, value::params};

/// What numbers are counted for.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyScope {
    /// The team's epics.
    Epics,
    /// The features of an epic.
    Features(EpicKey),
    /// The tasks of a feature, or those of none.
    Tasks(Option<FeatureKey>),
}

impl std::fmt::Display for KeyScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Epics => f.write_str("epics"),
            Self::Features(epic) => write!(f, "features of {epic}"),
            Self::Tasks(Some(feature)) => write!(f, "tasks of {feature}"),
            Self::Tasks(None) => f.write_str("tasks"),
        }
    }
}

impl KeyScope {
    /// Takes `count` numbers in a row and gives the first. All are beyond `taken`, a number that somebody chose, and none up
    /// to it is given later.
    pub(super) fn take(
        self,
        scope: &Scope<'_, Tx<'_>>,
        taken: Option<KeyNumber>,
        count: usize,
    ) -> Result<i64, StoreError> {
        let least = taken.map_or(1, |number| i64::from(number.get()) + 1);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "INSERT INTO key_counters (scope, next, team_id)
             SELECT $1, CAST($2 AS bigint) + CAST($3 AS bigint), id FROM teams WHERE id = $4
             ON CONFLICT (team_id, scope) DO UPDATE SET next = CAST($3 AS bigint) +
                 CASE WHEN key_counters.next > CAST($2 AS bigint) THEN key_counters.next ELSE CAST($2 AS bigint) END
             RETURNING next";
        let next: Option<i64> =
            scope.change(sql, params![self.to_string(), least, count], |row| row.get(0))?;
        next.map(|next| next - count)
            .ok_or_else(|| StoreError::Missing { what: format!("team {}", scope.team()) })
    }
}

/// A number that was taken, unless there are no more.
pub(super) fn number(number: i64) -> Result<KeyNumber, StoreError> {
    number.try_into().map_err(|_| StoreError::Invalid {
        field: "key",
        value: number.to_string(),
        accepted: format!("numbers up to {}", KeyNumber::MAX.get()),
    })
}
