//! Into a database.

use std::{
    fmt::Write as _,
    io::{BufRead, Read},
    ops::ControlFlow,
};

use serde::de::DeserializeOwned;

use super::{
    FORMAT, FORMAT_VERSION, Footer, Header, PROGRESS_ROWS, Progress, Summary, TransferError,
    line::{self, RowLine},
    order::{self, Ordered},
};
use crate::{
    conn::Tx,
    error::StoreError,
    migration,
    repository::{check, embedding_model},
    schema::Kind,
    value::Value,
};

/// The longest line that is read, in bytes: SQLite keeps no value of more than a thousand million.
const LONGEST_LINE: u64 = 1 << 30;
/// How many rows a statement adds, so that there are few texts; the last must be one.
const INSERTED_AT_ONCE: [usize; 3] = [100, 10, 1];
/// What is gathered before rows are stored, in bytes of their lines.
const GATHERED_BYTES: usize = 1 << 20;

/// Reads a whole database into an empty one, whose schema is current, and compares what it then holds with what was exported.
/// It belongs into one unit of work: then an error leaves nothing behind. What can be found by its words is then left to
/// [`Store::index_waiting`](crate::Store::index_waiting).
///
/// # Errors
/// [`TransferError`]: not empty, another version, a wrong line, or the database or `input` failed.
pub fn import(
    tx: &Tx<'_>,
    input: &mut dyn BufRead,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Summary, TransferError> {
    let tables = order::of(tx)?;
    refuse_rows(tx, &tables)?;
    let mut lines = Lines { input, number: 0, text: Vec::new() };
    read_header(&mut lines)?;
    create_late(tx, &tables)?;
    let mut import = Import { tx, tables: &tables, at: 0, rows: 0, batch: Batch::default() };
    let footer = loop {
        let Some(text) = lines.next()? else {
            return Err(lines.wrong("the export ends here, without its last line"));
        };
        if text.starts_with(b"{\"end\"") {
            break lines.parse::<Footer>()?.end;
        }
        let row = lines.parse::<RowLine>()?;
        import.add(row, lines.number, lines.text.len())?;
        let is_told = import.rows.is_multiple_of(PROGRESS_ROWS);
        let now = Progress { table: &tables[import.at].table.name, rows: import.rows };
        if is_told && progress(now).is_break() {
            return Err(TransferError::Stopped);
        }
    };
    import.flush()?;
    if lines.next()?.is_some() {
        return Err(lines.wrong("something stands after the last line of the export"));
    }
    set_late(tx, &tables)?;
    advance_numbers(tx, &tables)?;
    check::search::enqueue_missing(tx)?;
    embedding_model::rebuild(tx)?;
    compare(tx, &tables, &footer)?;
    Ok(footer)
}

fn refuse_rows(tx: &Tx<'_>, tables: &[Ordered]) -> Result<(), TransferError> {
    for Ordered { table, .. } in tables {
        if tx.has_rows(&table.name)? {
            return Err(TransferError::NotEmpty { table: table.name.clone() });
        }
    }
    Ok(())
}

fn read_header(lines: &mut Lines<'_>) -> Result<(), TransferError> {
    if lines.next()?.is_none() {
        return Err(lines.wrong("nothing to read"));
    }
    let no_export = |lines: &Lines<'_>| lines.wrong("this is no export of Provost");
    let header: Header = lines.parse().map_err(|_| no_export(lines))?;
    if header.format != FORMAT {
        return Err(no_export(lines));
    }
    let other = |what, found, known| Err(TransferError::OtherVersion { what, found, known });
    match (header.version, header.schema) {
        (FORMAT_VERSION, migration::LATEST) => Ok(()),
        (FORMAT_VERSION, schema) => other("schema version", schema, migration::LATEST),
        (version, _) => other("format version", version, FORMAT_VERSION),
    }
}

/// Lines with their numbers.
struct Lines<'i> {
    input: &'i mut dyn BufRead,
    number: u64,
    text: Vec<u8>,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, TransferError> {
        self.text.clear();
        self.number += 1;
        let mut limited = (&mut *self.input).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut self.text)?;
        if self.text.last() != Some(&b'\n') && self.text.len() as u64 == LONGEST_LINE {
            return Err(self.wrong("the line is longer than anything that can be stored"));
        }
        Ok((!self.text.is_empty()).then_some(&self.text))
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, TransferError> {
        serde_json::from_slice(&self.text).map_err(|error| self.wrong(&error.to_string()))
    }

    fn wrong(&self, what: &str) -> TransferError {
        TransferError::Line { line: self.number, table: None, field: None, what: what.to_owned() }
    }
}

/// Rows of one table that are stored together.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, Vec<Value<'static>>)>,
    late: Vec<(usize, Value<'static>, Value<'static>)>,
    bytes: usize,
}

struct Import<'x, 't> {
    tx: &'x Tx<'t>,
    tables: &'x [Ordered],
    at: usize,
    rows: u64,
    batch: Batch,
}

impl Import<'_, '_> {
    fn add(&mut self, row: RowLine, line: u64, size: usize) -> Result<(), TransferError> {
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
        self.rows += 1;
        let is_full = self.batch.rows.len() >= INSERTED_AT_ONCE[0] || self.batch.bytes >= GATHERED_BYTES;
        if is_full { self.flush() } else { Ok(()) }
    }

    fn here(&self) -> &Ordered {
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

/// PostgreSQL gives the numbers after the largest from here on; SQLite does by itself.
fn advance_numbers(tx: &Tx<'_>, tables: &[Ordered]) -> Result<(), TransferError> {
    if tx.postgres().is_none() {
        return Ok(());
    }
    for Ordered { table, .. } in tables {
        for column in table.columns.iter().filter(|column| column.is_numbered) {
            let (table, column) = (&table.name, &column.name);
            tx.run_script(&format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table} HAVING count(*) > 0"
            ))?;
        }
    }
    Ok(())
}

/// Reads back what is stored now.
fn compare(tx: &Tx<'_>, tables: &[Ordered], expected: &Summary) -> Result<(), TransferError> {
    let unknown = |name: &&String| tables.iter().all(|ordered| ordered.table.name != **name);
    if let Some(name) = expected.tables.keys().find(unknown) {
        return Err(TransferError::Differs { table: name.clone(), what: "there is no such table".into() });
    }
    let mut rows = 0;
    for Ordered { table, .. } in tables {
        let found = line::each(tx, table, |_| Ok(()))?;
        rows += found.rows;
        let differs = |what: String| Err(TransferError::Differs { table: table.name.clone(), what });
        match expected.tables.get(&table.name) {
            None if found.rows == 0 => {}
            None => return differs(format!("{} rows, none expected", found.rows)),
            Some(expected) if expected.rows != found.rows => {
                return differs(format!("{} rows, {} expected", found.rows, expected.rows));
            }
            Some(expected) if expected.sha256 != found.sha256 => {
                return differs("their digest is another".into());
            }
            Some(_) => {}
        }
    }
    if rows != expected.rows {
        let what = format!("{rows} rows in all, {} expected", expected.rows);
        return Err(TransferError::Differs { table: "all tables".into(), what });
    }
    Ok(())
}
