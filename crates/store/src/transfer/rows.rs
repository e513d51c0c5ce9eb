//! Rows on their way into their tables, many at once.

use std::fmt::Write as _;

use super::{
    TransferError,
    line::{self, RowLine},
    order::Ordered,
};
use crate::{conn::Tx, error::StoreError, schema::Kind, value::Value};

/// How many rows a statement adds, so that there are few texts; the last must be one.
const INSERTED_AT_ONCE: [usize; 3] = [100, 10, 1];
/// What is gathered before rows are stored, in bytes of their lines.
const GATHERED_BYTES: usize = 1 << 20;

/// Rows of one table that are stored together.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, Vec<Value<'static>>)>,
    late: Vec<(usize, Value<'static>, Value<'static>)>,
    bytes: usize,
}

/// Stores the rows of tables, in the order of these.
pub(super) struct Rows<'x, 't> {
    tx: &'x Tx<'t>,
    pub(super) tables: Vec<Ordered>,
    at: usize,
    count: u64,
    batch: Batch,
}

impl<'x, 't> Rows<'x, 't> {
    pub(super) fn begin(tx: &'x Tx<'t>, tables: Vec<Ordered>) -> Result<Self, TransferError> {
        create_late(tx, &tables)?;
        Ok(Self { tx, tables, at: 0, count: 0, batch: Batch::default() })
    }

    /// Stores what is left, and sets what waited until all rows are there.
    pub(super) fn end(mut self) -> Result<Vec<Ordered>, TransferError> {
        self.flush()?;
        set_late(self.tx, &self.tables)?;
        Ok(self.tables)
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, row: RowLine, line: u64, size: usize) -> Result<(), TransferError> {
        let wrong = |field, what: String| {
            let table = Some(row.t.clone());
            TransferError::Line { line, table, field, what }
        };
        let Some(at) = self.tables.iter().position(|ordered| ordered.table.name == row.t) else {
            return Err(wrong(None, "there is no such table".into()));
        };
        if at < self.at {
            return Err(wrong(None, format!("rows of it stand before those of {}", self.here().table.name)));
        }
        if at > self.at {
            self.flush()?;
            self.at = at;
        }
        let ordered = &self.tables[at];
        let mut values = line::read_row(&ordered.table, row.r)
            .map_err(|(field, what)| TransferError::Line { line, table: Some(row.t), field, what })?;
        for (index, column) in ordered.late.iter().enumerate() {
            let place = |name: &str| ordered.table.columns.iter().position(|column| column.name == name);
            let key = ordered.table.key.first().and_then(|key| place(key));
            if let (Some(place), Some(key)) = (place(column), key)
                && values[place] != Value::Null
            {
                let value = std::mem::replace(&mut values[place], Value::Null);
                self.batch.late.push((index, values[key].clone(), value));
            }
        }
        self.batch.rows.push((line, values));
        self.batch.bytes += size;
        self.count += 1;
        let is_full = self.batch.rows.len() >= INSERTED_AT_ONCE[0] || self.batch.bytes >= GATHERED_BYTES;
        if is_full { self.flush() } else { Ok(()) }
    }

    pub(super) fn here(&self) -> &Ordered {
        &self.tables[self.at]
    }

    /// Stores what was gathered. When the database refuses it, row by row, to find out which.
    fn flush(&mut self) -> Result<(), TransferError> {
        let Batch { rows, late, .. } = std::mem::take(&mut self.batch);
        let table = &self.here().table;
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let names = names.join(", ");
        let store = |rows: &[(u64, Vec<Value<'static>>)]| {
            let rows: Vec<_> = rows.iter().map(|(_, values)| &values[..]).collect();
            insert(self.tx, &table.name, &names, &rows)
        };
        let mut rest = &rows[..];
        for size in INSERTED_AT_ONCE {
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                if let Err(error) = self.tx.attempt(|| store(now)) {
                    let refused = now.iter().find_map(|row| {
                        let outcome = store(std::slice::from_ref(row));
                        outcome.err().map(|error| (row.0, error))
                    });
                    return Err(refused.map_or(TransferError::Store(error), |(line, error)| {
                        refusal(line, &table.name, error)
                    }));
                }
                rest = later;
            }
        }
        for (index, key, value) in late {
            let name = late_name(&table.name, &self.here().late[index]);
            insert(self.tx, &name, "row_key, value", &[&[key, value]])?;
        }
        Ok(())
    }
}

/// Adds rows in one statement.
fn insert(tx: &Tx<'_>, table: &str, columns: &str, rows: &[&[Value<'_>]]) -> Result<(), StoreError> {
    let (mut text, mut number) = (format!("INSERT INTO {table} ({columns}) VALUES "), 0);
    for (index, row) in rows.iter().enumerate() {
        text.push_str(if index == 0 { "(" } else { ", (" });
        for place in 0..row.len() {
            number += 1;
            let comma = if place == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}${number}");
        }
        text.push(')');
    }
    tx.execute(&text, &rows.concat()).map(drop)
}

/// What the database says of a row is the row's fault only when it speaks of its content.
fn refusal(line: u64, table: &str, error: StoreError) -> TransferError {
    match error {
        StoreError::Conflict { what } | StoreError::Other { what } => {
            TransferError::Line { line, table: Some(table.to_owned()), field: None, what }
        }
        error => TransferError::Store(error),
    }
}

fn late_name(table: &str, column: &str) -> String {
    format!("late_{table}_{column}")
}

/// Each late column with its table.
fn late(tables: &[Ordered]) -> impl Iterator<Item = (&Ordered, &String)> {
    tables.iter().flat_map(|ordered| ordered.late.iter().map(move |column| (ordered, column)))
}

/// What is set at the end waits in tables that only this connection sees.
fn create_late(tx: &Tx<'_>, tables: &[Ordered]) -> Result<(), TransferError> {
    for (Ordered { table, .. }, column) in late(tables) {
        let kind = |name: Option<&String>| {
            let kind = name.and_then(|name| table.column(name)).map(|column| column.kind);
            match kind.map(Kind::portable) {
                Some(Kind::Whole) => "bigint",
                _ if kind == Some(Kind::Id) => "uuid",
                _ => "text",
            }
        };
        let (key, value) = (kind(table.key.first()), kind(Some(column)));
        let name = late_name(&table.name, column);
        tx.run_script(&format!("CREATE TEMPORARY TABLE {name} (row_key {key} PRIMARY KEY, value {value})"))?;
    }
    Ok(())
}

fn set_late(tx: &Tx<'_>, tables: &[Ordered]) -> Result<(), TransferError> {
    for (Ordered { table, .. }, column) in late(tables) {
        let (name, key, late) = (&table.name, &table.key[0], late_name(&table.name, column));
        let sql = format!(
            "/* references that waited */ UPDATE {name} SET {column} = (SELECT value FROM {late} WHERE row_key = {name}.{key})
             WHERE {key} IN (SELECT row_key FROM {late})"
        );
        let refused = |error| match error {
            StoreError::Conflict { what } => TransferError::Differs {
                table: name.clone(),
                what: format!("{column} refers to a row that is not there ({what})"),
            },
            error => TransferError::Store(error),
        };
        tx.execute(&sql, &[]).map_err(refused)?;
        tx.run_script(&format!("DROP TABLE {late}"))?;
    }
    Ok(())
}
