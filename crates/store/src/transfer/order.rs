//! The order in which tables are written and read, so that what a row refers to is there before it.

use crate::{
    conn::Conn,
    error::StoreError,
    schema::{self, Table},
};

/// A table in its place.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) table: Table,
    /// The columns that are set only when all tables are there: references to the same table, and those that close a circle.
    pub(super) late: Vec<String>,
}

/// Every table that is exported, in order. Tables refer to one another in circles (a task names its session, a session its
/// task); a circle is opened where a reference may be absent.
pub(super) fn of(conn: &Conn) -> Result<Vec<Ordered>, StoreError> {
    let mut waiting: Vec<Table> = schema::tables(conn)?
        .into_iter()
        .filter(|table| table.name != schema::HISTORY && !table.is_derived())
        .collect();
    for table in &mut waiting {
        let columns = std::mem::take(&mut table.columns);
        table.columns = columns.into_iter().filter(|column| !table.derives(column)).collect();
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|table| needed(table, &waiting, false).next().is_none());
        let opened = || {
            waiting.iter().position(|table| {
                needed(table, &waiting, true).next().is_none() && is_in_circle(table, &waiting)
            })
        };
        let Some(next) = ready.or_else(opened) else {
            return Err(StoreError::corrupt("tables refer to one another in a circle that nothing opens"));
        };
        let late = needed(&waiting[next], &waiting, false).map(str::to_owned);
        let own = waiting[next].references.iter().filter(|reference| reference.table == waiting[next].name);
        let late = late.chain(own.map(|reference| reference.column.clone())).collect();
        ordered.push(Ordered { table: waiting.remove(next), late });
    }
    Ok(ordered)
}

/// The columns that refer to another table that waits; with `only_required`, those that may not be empty.
fn needed<'t>(table: &'t Table, waiting: &'t [Table], only_required: bool) -> impl Iterator<Item = &'t str> {
    let is_waiting = move |name: &str| name != table.name && waiting.iter().any(|other| other.name == name);
    table
        .references
        .iter()
        .filter(move |reference| is_waiting(&reference.table))
        .filter(move |reference| {
            !only_required || table.column(&reference.column).is_none_or(|column| column.is_required)
        })
        .map(|reference| reference.column.as_str())
}

/// Whether a way of references leads from the table back to it.
fn is_in_circle(table: &Table, waiting: &[Table]) -> bool {
    let (mut reached, mut next) = (Vec::new(), vec![table]);
    while let Some(from) = next.pop() {
        for reference in from.references.iter().filter(|reference| reference.table != from.name) {
            if reference.table == table.name {
                return true;
            }
            let further = waiting.iter().find(|other| other.name == reference.table);
            if let Some(further) = further.filter(|further| !reached.contains(&further.name.as_str())) {
                reached.push(&further.name);
                next.push(further);
            }
        }
    }
    false
}
