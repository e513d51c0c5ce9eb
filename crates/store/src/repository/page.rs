//! Lists in pages: a stable order and an opaque place to go on from.

use domain::time::Timestamp;
use uuid::Uuid;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// The last item of a page, by what lists are ordered by. Its text is opaque to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the item was created.
    pub created_at: Timestamp,
    /// The item; decides between two of the same microsecond.
    pub id: Uuid,
}

/// A text that is no cursor of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor; accepted: the next_cursor of an earlier page")]
pub struct InvalidCursor(String);

impl<T> Page<T> {
    /// Cuts a list that was asked for one item more than a page holds.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> Cursor) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

impl Cursor {
    /// Later than every item: where a list begins that has its newest first.
    pub(crate) fn after_all() -> Self {
        Self { created_at: Timestamp::from_micros(i64::MAX), id: Uuid::max() }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at.as_micros(), self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (micros, id) = text.split_once('.')?;
            let created_at = Timestamp::from_micros(micros.parse().ok()?);
            Some(Self { created_at, id: Uuid::try_parse(id).ok()? })
        };
        parse().ok_or_else(|| InvalidCursor(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_whatever_its_time() {
        for micros in [i64::MIN, -1, 0, 1_767_225_600_000_000, i64::MAX] {
            let cursor = Cursor { created_at: Timestamp::from_micros(micros), id: Uuid::from_u128(7) };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}
