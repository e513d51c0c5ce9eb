//! Statements that are put together from pieces, with their values numbered in the order of their use.

use std::fmt::Write as _;

use crate::{
    conn::Conn,
    error::StoreError,
    record::{Dated, Record},
    repository::page::{Cursor, Page},
    value::{Row, ToValue, Value},
};

/// A statement and its values. In the pieces a `?` stands for the next value.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'v> {
    text: String,
    values: Vec<Value<'v>>,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
}

impl<'v> Statement<'v> {
    /// A statement that begins like this.
    pub(crate) fn new(piece: &str, values: impl IntoIterator<Item = Value<'v>>) -> Self {
        let mut statement = Self { text: String::with_capacity(512), values: Vec::new() };
        statement.push(piece, values);
        statement
    }

    /// A statement that adds a row; what to do when another is in its way may follow.
    pub(crate) fn insert<T: Record>(row: &'v T) -> Self {
        Self::add("VALUES (", row, ")")
    }

    /// A statement that adds a row as the answer to a query: what is asked and conditions follow.
    pub(crate) fn insert_from<T: Record>(row: &'v T) -> Self {
        Self::add("SELECT ", row, "")
    }

    fn add<T: Record>(before: &str, row: &'v T, after: &str) -> Self {
        let values = row.values();
        let places = vec!["?"; values.len()].join(", ");
        Self::new(&format!("INSERT INTO {} ({}) {before}{places}{after}", T::TABLE, T::COLUMNS), values)
    }

    /// Goes on with a piece that has a `?` for each value.
    pub(crate) fn push(&mut self, piece: &str, values: impl IntoIterator<Item = Value<'v>>) {
        let mut values = values.into_iter();
        let mut rest = piece;
        while let Some((before, after)) = rest.split_once('?') {
            self.text.push_str(before);
            self.values.extend(values.next());
            // Writing to a string cannot fail.
            let _ = write!(self.text, "${}", self.values.len());
            rest = after;
        }
        self.text.push_str(rest);
        debug_assert!(values.next().is_none(), "more values than places: {piece}");
    }

    /// A further condition.
    pub(crate) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value<'v>>) {
        self.text.push_str(" AND ");
        self.push(condition, values);
    }

    /// The condition that a column holds this, if it is given.
    pub(crate) fn and_equal(&mut self, column: &str, value: Option<&'v impl ToValue>) {
        if let Some(value) = value {
            self.and(&format!("{column} = ?"), [value.to_value()]);
        }
    }

    /// Goes on with a list of these in parentheses.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = &'v (impl ToValue + 'v)>) {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "(?" } else { ", ?" }, [value.to_value()]);
        }
        self.push(")", []);
    }

    /// The text as it stands.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The values as they stand.
    pub(crate) fn values(&self) -> &[Value<'v>] {
        &self.values
    }

    /// All rows, mapped.
    pub(crate) fn query<T>(
        &self,
        conn: &Conn,
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        conn.query(&self.text, &self.values, map)
    }

    /// All rows of a statement that gives all columns of a type.
    pub(crate) fn rows<T: Record>(&self, conn: &Conn) -> Result<Vec<T>, StoreError> {
        self.query(conn, |row| T::from_columns(&mut row.columns()))
    }

    /// One page of rows of all columns of a type, in the order of time and id.
    pub(crate) fn page<T: Dated>(
        mut self,
        conn: &Conn,
        order: Order,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<T>, StoreError> {
        let time = T::TIME;
        let (comparison, direction) = match order {
            Order::NewestFirst => ("<", "DESC"),
            Order::OldestFirst => (">", "ASC"),
        };
        if let Some(Cursor { created_at, id }) = after {
            self.and(&format!("({time}, id) {comparison} (?, ?)"), [Value::Time(created_at), Value::Id(id)]);
        }
        self.push(&format!(" ORDER BY {time} {direction}, id {direction}"), []);
        // One more tells whether there is a further page.
        self.limit(conn, i64::from(limit) + 1);
        Ok(Page::cut(self.rows(conn)?, limit as usize, T::cursor))
    }

    /// Gives at least so many rows, if there are.
    ///
    /// PostgreSQL keeps a plan only when it knows how many rows are wanted; otherwise it makes a new one each time, which
    /// takes longer than such a statement runs. So it is told, in few sizes, because each is a statement of its own.
    fn limit(&mut self, conn: &Conn, rows: i64) {
        const SIZES: [i64; 8] = [2, 11, 21, 51, 101, 201, 501, 1001];
        let size = SIZES.into_iter().find(|size| *size >= rows);
        match size.filter(|_| conn.postgres().is_some()) {
            Some(size) => self.push(&format!(" LIMIT {size}"), []),
            None => self.push(" LIMIT ?", [Value::Int(rows)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_in_the_order_of_their_use() {
        let mut statement = Statement::new("SELECT 1 FROM t WHERE team_id = ?", [Value::Int(1)]);
        statement.and_equal("status", Some(&"todo"));
        statement.and_equal("priority", None::<&i64>);
        statement.and("(a, b) < (?, ?)", [Value::Int(3), Value::Int(4)]);
        assert_eq!(
            statement.text(),
            "SELECT 1 FROM t WHERE team_id = $1 AND status = $2 AND (a, b) < ($3, $4)"
        );
        assert_eq!(statement.values().len(), 4);
    }
}
