//! Whether a memory is to be believed.

text_enum! {
    /// Where a memory is in its life. Deleting is no status: a deleted memory keeps the one it had.
    pub enum MemoryStatus: "memory status" {
        /// Believed.
        Active = "active",
        /// Replaced by a newer one.
        Superseded = "superseded",
        /// Contradicts another; a person decides.
        Disputed = "disputed",
        /// Out of use, such as expired.
        Archived = "archived",
    }
}

/// A move that memories do not make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a memory cannot go from {from} to {to}; from {from} it can go to: {}", join(.from.successors()))]
pub struct IllegalMemoryMove {
    /// Status before.
    pub from: MemoryStatus,
    /// Status asked for.
    pub to: MemoryStatus,
}

impl MemoryStatus {
    /// The statuses that can follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Superseded, Self::Disputed, Self::Archived],
            Self::Superseded => &[Self::Active, Self::Archived],
            Self::Disputed => &[Self::Active, Self::Superseded, Self::Archived],
            Self::Archived => &[Self::Active],
        }
    }

    /// This status followed by `to`.
    ///
    /// # Errors
    /// When memories make no such move; staying is not a move.
    pub fn move_to(self, to: Self) -> Result<Self, IllegalMemoryMove> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalMemoryMove { from: self, to }) }
    }
}

fn join(statuses: &[MemoryStatus]) -> String {
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_statuses_is_a_move_or_is_refused() {
        use MemoryStatus::{Active, Archived, Disputed, Superseded};
        let moves = [
            (Active, Superseded),
            (Active, Disputed),
            (Active, Archived),
            (Superseded, Active),
            (Superseded, Archived),
            (Disputed, Active),
            (Disputed, Superseded),
            (Disputed, Archived),
            (Archived, Active),
        ];
        for &from in MemoryStatus::ALL {
            for &to in MemoryStatus::ALL {
                assert_eq!(from.move_to(to).is_ok(), moves.contains(&(from, to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_refused_move_names_what_is_possible() {
        let error = MemoryStatus::Archived.move_to(MemoryStatus::Disputed).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "a memory cannot go from archived to disputed; from archived it can go to: active"
        );
    }
}
