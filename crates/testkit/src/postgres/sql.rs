//! One statement on a connection of its own.

use std::thread;

use tokio_postgres::{Error, NoTls};

/// Connects, runs the statements and disconnects. On a thread of its own, because the caller may be inside an
/// async runtime, where another one cannot be started.
pub(super) fn execute(url: &str, statements: &str) -> Result<(), Error> {
    thread::scope(|scope| scope.spawn(|| execute_here(url, statements)).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn execute_here(url: &str, statements: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime for PostgreSQL").block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let connection = tokio::spawn(connection);
        let outcome = client.batch_execute(statements).await;
        drop(client);
        // Wait for the goodbye, so that the server has no session of ours when this returns.
        let _ = connection.await;
        outcome
    })
}
