//! Out of a database.

use std::io::Write;

use domain::time::Timestamp;

use super::{Footer, Header, PROGRESS_ROWS, Progress, Summary, TransferError, line, order};
use crate::{conn::Conn, migration};

/// Writes the whole database as it is at this moment, whatever is written meanwhile. The rows that are in memory at a time
/// are few.
///
/// # Errors
/// [`TransferError`]: the database or `out` failed, or something stored cannot be written.
pub fn export(
    conn: &Conn,
    out: &mut dyn Write,
    exported_at: Timestamp,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, TransferError> {
    let header = Header::new(conn.pick("sqlite", "postgres"), exported_at);
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
            let table = line::each(conn, &ordered.table, |line| {
                out.write_all(line)?;
                rows += 1;
                if rows % PROGRESS_ROWS == 0 {
                    progress(Progress { table: &ordered.table.name, rows });
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
