//! `provost db status`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};
use store::{
    Conn, Migrate, StoreError, migration,
    migration::MigrationStatus,
    schema::{self, Storage},
};

use crate::{
    composition::Context,
    failure::Failure,
    terminal::{Terminal, text},
};

#[derive(Debug, Args)]
pub(crate) struct DbStatus {
    /// Count the rows of each table, which takes a while in a large database.
    #[arg(long)]
    counts: bool,
}

struct Status {
    migrations: Vec<MigrationStatus>,
    storage: Storage,
    rows: Vec<(String, u64)>,
}

impl DbStatus {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Leave)?;
        let terminal = context.terminal;
        let counts = self.counts || terminal.is_json;
        let read = move |conn: &Conn| -> Result<Status, StoreError> {
            let rows = if counts { schema::row_counts(conn)? } else { Vec::new() };
            Ok(Status { migrations: migration::status(conn)?, storage: schema::storage(conn)?, rows })
        };
        let status = store.scan(read).await?;
        if terminal.is_json {
            terminal.json(&document(&context.database_name()?, &status))?;
        } else {
            show(terminal, &context.database_name()?, status)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn document(database: &str, status: &Status) -> Value {
    let migrations: Vec<_> = status
        .migrations
        .iter()
        .map(|status| {
            json!({
                "version": status.version, "name": status.name,
                "applied_at": status.applied_at, "matches": status.matches,
            })
        })
        .collect();
    let rows: Map<String, Value> =
        status.rows.iter().map(|(table, rows)| (table.clone(), (*rows).into())).collect();
    let Storage { version, size_bytes, log_mode, log_bytes } = &status.storage;
    json!({
        "database": database, "version": version, "size_bytes": size_bytes,
        "log_mode": log_mode, "log_bytes": log_bytes, "rows": rows, "data": migrations,
    })
}

fn show(terminal: Terminal, database: &str, status: Status) -> Result<(), Failure> {
    let Storage { version, size_bytes, log_mode, log_bytes } = status.storage;
    let log = log_bytes.map(|bytes| format!(", {}", text::size(bytes))).unwrap_or_default();
    terminal.say(&format!("{database}\n{version}, {}, log: {log_mode}{log}", text::size(size_bytes)));
    for MigrationStatus { version, name, applied_at, matches } in status.migrations {
        let state = match (applied_at, matches) {
            (None, _) => "pending".to_owned(),
            (Some(at), Some(true)) => format!("applied {at}"),
            (Some(at), Some(false)) => format!("applied {at}, but it is not this program's text"),
            (Some(at), None) => format!("applied {at}, unknown to this program"),
        };
        terminal.data(&format!("{version:>4}  {name:<24}  {state}"))?;
    }
    for (table, rows) in status.rows {
        terminal.data(&format!("{rows:>12}  {table}"))?;
    }
    Ok(())
}
