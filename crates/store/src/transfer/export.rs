//! Out of a database.

use std::{io::Write, ops::ControlFlow};

use domain::time::Timestamp;

use super::{Footer, Header, PROGRESS_ROWS, Progress, Summary, TransferError, line, order};
use crate::{conn::Conn, migration};

/// Writes the whole database as it is at this moment, whatever is written meanwhile, unless `progress` breaks. The rows that
/// are in memory at a time are few.
///
/// # Errors
/// [`TransferError`]: the database or `out` failed, or something stored cannot be written.
pub fn export(
    conn: &Conn,
    out: &mut dyn Write,
    exported_at: Timestamp,
    progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Result<Summary, TransferError> {
    let header = Header::new(conn.pick("sqlite", "postgres"), exported_at, None);
    let summary = conn.in_snapshot(|| {
        let schema = migration::version(conn)?;
        if schema != migration::LATEST {
            return Err(TransferError::OtherSchema { found: schema, known: migration::LATEST });
        }
        serde_json::to_writer(&mut *out, &header).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        let mut summary = Summary::default();
        for ordered in order::of(conn)? {
            let mut rows = summary.rows;
            let table = line::each(conn, &ordered.table, None, |line| {
                out.write_all(line)?;
                rows += 1;
                let is_told = rows % PROGRESS_ROWS == 0;
                if is_told && progress(Progress { table: &ordered.table.name, rows }).is_break() {
                    return Err(TransferError::Stopped);
                }
                Ok(())
            })?;
            if table.rows > 0 {
                summary.rows += table.rows;
                summary.tables.insert(ordered.table.name, table);
            }
        }
        Ok::<_, TransferError>(summary)
    })?;
    let footer = Footer { end: summary };
    serde_json::to_writer(&mut *out, &footer).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(footer.end)
}
