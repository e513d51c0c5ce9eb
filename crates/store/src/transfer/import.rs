//! Into a database.

use std::{io::BufRead, ops::ControlFlow};

use super::{
    END, FORMAT, Footer, PROGRESS_ROWS, Progress, Summary, TransferError, line,
    lines::Lines,
    order::{self, Ordered},
    rows::Rows,
};
use crate::{
    conn::Tx,
    migration,
    repository::{check, embedding_model},
};

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
    let mut lines = Lines::of(input);
    let found = lines.header(FORMAT)?.schema;
    if found != migration::LATEST {
        return Err(TransferError::OtherVersion { what: "schema version", found, known: migration::LATEST });
    }
    let mut rows = Rows::begin(tx, tables)?;
    let footer = loop {
        if lines.next_of_whole()?.starts_with(END) {
            break lines.parse::<Footer>()?.end;
        }
        rows.add(lines.parse()?, lines.number(), lines.text().len())?;
        let is_told = rows.count().is_multiple_of(PROGRESS_ROWS);
        let now = Progress { table: &rows.here().table.name, rows: rows.count() };
        if is_told && progress(now).is_break() {
            return Err(TransferError::Stopped);
        }
    };
    lines.end()?;
    let tables = rows.end()?;
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
        let found = line::each(tx, table, None, |_| Ok(()))?;
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
