//! Connections of the tests' own, beside the store's.

use std::path::Path;

use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Rows as text; a column that is NULL is `None`.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// Runs statements on the file.
pub(crate) fn sqlite(path: &Path, sql: &str) -> Result<Rows, String> {
    let connection = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(|error| error.to_string())?;
    sqlite_on(&connection, sql)
}

/// Runs one statement, or several that give no rows, on an open connection.
pub(crate) fn sqlite_on(connection: &rusqlite::Connection, sql: &str) -> Result<Rows, String> {
    let run = || -> rusqlite::Result<Rows> {
        let mut statement = match connection.prepare(sql) {
            Err(rusqlite::Error::MultipleStatement) => {
                connection.execute_batch(sql)?;
                return Ok(Rows::new());
            }
            statement => statement?,
        };
        let width = statement.column_count();
        // Without values for parameters: a plan needs none.
        let mut rows = statement.raw_query();
        let mut read = Rows::new();
        while let Some(row) = rows.next()? {
            read.push((0..width).map(|index| text(row, index)).collect::<rusqlite::Result<_>>()?);
        }
        Ok(read)
    };
    run().map_err(|error| error.to_string())
}

fn text(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Option<String>> {
    use rusqlite::types::Value;
    Ok(match row.get(index)? {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => Some(format!("{bytes:?}")),
    })
}

/// Runs statements on the server, on a thread of its own, because the caller may be inside a runtime.
pub(crate) fn postgres(url: &str, sql: &str) -> Result<Rows, String> {
    std::thread::scope(|scope| scope.spawn(|| postgres_here(url, sql)).join()).unwrap()
}

fn postgres_here(url: &str, sql: &str) -> Result<Rows, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(sql).await;
        drop(client);
        drop(connection.await);
        answer
    });
    let messages = answer.map_err(|error: tokio_postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
    })?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}
