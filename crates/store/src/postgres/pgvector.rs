//! Which pgvector the server has. Before 0.8 a filtered search of its index gives up after the first few neighbours, and the
//! setting that makes it go on is unknown.

use crate::{conn::Conn, error::OpenError};

/// The oldest version that will do.
const NEEDED: (u32, u32) = (0, 8);

/// Refuses a server whose pgvector is too old; the one in the database counts, or else the one it would get. A server without
/// any is refused by the migration that needs it.
pub(crate) fn require(conn: &Conn) -> Result<(), OpenError> {
    if conn.postgres().is_none() {
        return Ok(());
    }
    let sql = "/* what the server has */ SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'vector'),
         (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'))";
    let found: Option<String> = conn.scalar(sql, &[])?;
    match found {
        Some(found) if version(&found) < NEEDED => Err(OpenError::PgvectorOlder { found, needed: "0.8" }),
        _ => Ok(()),
    }
}

/// Major and minor number of a version such as `0.8.5`.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for old in ["0.7.4", "0.5", "0", "", "unknown"] {
            assert!(version(old) < NEEDED, "{old}");
        }
        for new in ["0.8", "0.8.5", "0.10.0", "1.0"] {
            assert!(version(new) >= NEEDED, "{new}");
        }
    }
}
