//! Rows that have a type of the domain: one place says which field stands in which column.

use crate::{
    error::StoreError,
    repository::page::Cursor,
    value::{Columns, ToValue, Value},
};
use domain::id::TeamId;

/// A type of the domain that is a row of a table. Made by [`record!`].
pub(crate) trait Record: Sized {
    /// The table.
    const TABLE: &'static str;
    /// The columns, in the order of [`Record::values`] and [`Record::from_columns`], separated by `, `.
    const COLUMNS: &'static str;

    /// What each column holds.
    fn values(&self) -> Vec<Value<'_>>;

    /// Reads a row of all columns.
    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError>;

    /// The columns under the name of a joined table: `t.id, t.key`.
    fn columns_of(alias: &str) -> String {
        let columns: Vec<_> = Self::COLUMNS.split(", ").map(|column| format!("{alias}.{column}")).collect();
        columns.join(", ")
    }
}

/// A row that belongs to a team and has an id.
pub(crate) trait Owned: Record {
    /// Its id.
    type Id: ToValue + Copy + std::fmt::Display;
    /// What people call it.
    const NOUN: &'static str;
    /// The condition that it was not deleted; `TRUE` where rows are never softly deleted.
    const LIVE: &'static str;

    fn id(&self) -> Self::Id;
    fn team_id(&self) -> TeamId;
}

/// A row with a version that grows with each update, so that nobody overwrites what they have not seen.
pub(crate) trait Versioned: Owned {
    fn version(&self) -> i64;
}

/// A row that lists order by time and id.
pub(crate) trait Dated: Record {
    /// The column of the time.
    const TIME: &'static str;

    fn cursor(&self) -> Cursor;
}

/// Says which fields of a type stand in which table, each in the column of its name, and what else is true of its rows:
///
/// ```text
/// record! {
///     Hook in "hooks" { id, team_id, name, …, version, created_at, updated_at }
///     owned by HookId as "hook" while "deleted_at IS NULL";
///     versioned;
///     dated by created_at;
/// }
/// ```
macro_rules! record {
    ($type:ident in $table:literal { $first:ident $(, $field:ident)* $(,)? } $($rest:tt)*) => {
        impl $crate::record::Record for $type {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static str = concat!(stringify!($first) $(, ", ", stringify!($field))*);

            fn values(&self) -> Vec<$crate::value::Value<'_>> {
                vec![
                    $crate::value::ToValue::to_value(&self.$first)
                    $(, $crate::value::ToValue::to_value(&self.$field))*
                ]
            }

            fn from_columns(
                columns: &mut $crate::value::Columns<'_>,
            ) -> Result<Self, $crate::error::StoreError> {
                Ok(Self { $first: columns.next()? $(, $field: columns.next()?)* })
            }
        }
        $crate::record::record!(@more $type, $($rest)*);
    };
    (@more $type:ident, owned by $id:ident as $noun:literal while $live:literal; $($rest:tt)*) => {
        impl $crate::record::Owned for $type {
            type Id = $id;
            const NOUN: &'static str = $noun;
            const LIVE: &'static str = $live;

            fn id(&self) -> $id {
                self.id
            }

            fn team_id(&self) -> domain::id::TeamId {
                self.team_id
            }
        }
        $crate::record::record!(@more $type, $($rest)*);
    };
    (@more $type:ident, versioned; $($rest:tt)*) => {
        impl $crate::record::Versioned for $type {
            fn version(&self) -> i64 {
                self.version
            }
        }
        $crate::record::record!(@more $type, $($rest)*);
    };
    (@more $type:ident, dated by $time:ident; $($rest:tt)*) => {
        impl $crate::record::Dated for $type {
            const TIME: &'static str = stringify!($time);

            fn cursor(&self) -> $crate::repository::page::Cursor {
                $crate::repository::page::Cursor { created_at: self.$time, id: *self.id.as_uuid() }
            }
        }
        $crate::record::record!(@more $type, $($rest)*);
    };
    (@more $type:ident,) => {};
}
pub(crate) use record;

/// The columns of a type whose mapping is written by hand, said once: `NAMES` as [`Record::COLUMNS`] wants them, and `COLUMNS`
/// under the name `t`, as joins want them.
macro_rules! columns {
    ($first:ident $(, $column:ident)* $(,)?) => {
        const NAMES: &str = concat!(stringify!($first) $(, ", ", stringify!($column))*);
        pub(super) const COLUMNS: &str = concat!("t.", stringify!($first) $(, ", t.", stringify!($column))*);
    };
}
pub(crate) use columns;
