//! One PostgreSQL connection, used from one thread that drives it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
    time::Duration,
};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, Error, Statement, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    error::StoreError,
    value::{Row, RowSource, Value},
};

/// Statements kept prepared; when there are more, all are prepared anew.
const MOST_STATEMENTS: usize = 256;

/// A client whose calls block: the thread that owns it has nothing else to do, and repository code stays synchronous.
#[derive(Debug)]
pub(crate) struct PostgresConnection {
    runtime: Arc<Runtime>,
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    failed: Cell<bool>,
    /// What begins a transaction, on its way with the first statement of it.
    begin: Cell<Option<&'static str>>,
    is_unusable: Cell<bool>,
}

impl PostgresConnection {
    /// Connects, and lets `runtime` drive the connection whenever this thread waits in it.
    fn connect(runtime: &Arc<Runtime>, connector: &Connector) -> Result<Self, StoreError> {
        let (client, connection) = runtime.block_on(connector.reach())?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = %error, "a database connection was lost");
            }
        });
        let connection = Self {
            runtime: Arc::clone(runtime),
            client,
            statements: RefCell::default(),
            failed: Cell::default(),
            begin: Cell::default(),
            is_unusable: Cell::default(),
        };
        // How pgvector's index is searched: with more candidates than by default, and on until enough pass a filter.
        let setup = "SET client_min_messages = warning; SET timezone = 'UTC';
             SET hnsw.ef_search = 200; SET hnsw.iterative_scan = strict_order";
        connection.run_script(setup)?;
        Ok(connection)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.client.is_closed() || self.is_unusable.get()
    }

    pub(crate) fn query<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let statement = self.prepare(sql)?;
        let rows = self.ask(self.client.query(&statement, &as_sql(params)))?;
        rows.iter().map(|row| map(&Row { source: RowSource::Postgres(row) })).collect()
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        let statement = self.prepare(sql)?;
        self.ask(self.client.execute(&statement, &as_sql(params)))
    }

    pub(crate) fn run_script(&self, sql: &str) -> Result<(), StoreError> {
        self.ask(self.client.batch_execute(sql))
    }

    /// Begins a transaction with whatever is asked first: one round trip less.
    pub(crate) fn begin(&self, sql: &'static str) {
        self.begin.set(Some(sql));
    }

    /// Whether a transaction was to begin and nothing was asked in it. Then there is none.
    pub(crate) fn never_began(&self) -> bool {
        self.begin.take().is_some()
    }

    /// Waits for an answer. What begins the transaction goes before the question, without waiting for its own answer.
    fn ask<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let outcome = self.runtime.block_on(async {
            let Some(begin) = self.begin.take() else { return answer.await };
            let (begun, answered) = tokio::join!(self.client.batch_execute(begin), answer);
            if begun.is_err() && answered.is_ok() {
                // What was asked was not asked in a transaction; nobody goes on from there.
                self.is_unusable.set(true);
            }
            begun.and(answered)
        });
        self.noting_failure(outcome)
    }

    /// Whether a statement failed since the last call. PostgreSQL answers COMMIT after a failed statement with a silent
    /// rollback, so a unit of work that swallowed the error must not be acknowledged.
    pub(crate) fn take_failed(&self) -> bool {
        self.failed.take()
    }

    fn noting_failure<T>(&self, outcome: Result<T, Error>) -> Result<T, StoreError> {
        self.failed.set(self.failed.get() || outcome.is_err());
        Ok(outcome?)
    }

    fn prepare(&self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(self.client.prepare(sql))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= MOST_STATEMENTS {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn as_sql<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// What a connection thread needs to connect, again and again.
pub(super) struct Connector {
    pub(super) config: Config,
    /// Until the server has answered; zero is without end.
    pub(super) connect_timeout: Duration,
    pub(super) tls: MakeRustlsConnect,
}

impl Connector {
    pub(super) fn connect(&self, runtime: &Arc<Runtime>) -> Result<PostgresConnection, StoreError> {
        PostgresConnection::connect(runtime, self)
    }

    /// The driver's own limit ends with the connection of the socket; a server may also be silent after it.
    async fn reach(&self) -> Result<(Client, impl Future<Output = Result<(), Error>> + use<>), StoreError> {
        let connecting = self.config.connect(self.tls.clone());
        if self.connect_timeout.is_zero() {
            return Ok(connecting.await?);
        }
        let connected = tokio::time::timeout(self.connect_timeout, connecting).await;
        connected
            .map_err(|_| StoreError::Unavailable {
                what: format!("the server did not answer within {:?}", self.connect_timeout),
            })?
            .map_err(StoreError::from)
    }
}
