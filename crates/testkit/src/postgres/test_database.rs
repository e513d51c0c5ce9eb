//! A fresh database on the server that `./test` started.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::{setting_or_skip, sql, url};
use crate::environment;

/// An empty database of the test's own; dropping it removes it, cutting what is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    server_url: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Creates a database, or gives `None` after printing `SKIPPED (…)` when `PROVOST_TEST_SKIP_POSTGRES=1`.
    ///
    /// # Panics
    /// When `PROVOST_TEST_POSTGRES` names no server, or the server refuses.
    pub fn create() -> Option<Self> {
        let server_url = setting_or_skip(environment::POSTGRES)?;
        let server_url = server_url.into_string().expect("the URL in PROVOST_TEST_POSTGRES is UTF-8");
        let name = unique_name();
        if let Err(error) = sql::execute(&server_url, &format!("CREATE DATABASE {name}")) {
            panic!("no test database on the server of PROVOST_TEST_POSTGRES: {error:?}");
        }
        let url = url::with_database(&server_url, &name);
        Some(Self { server_url, name, url })
    }

    /// Where the database is, as a superuser reaches it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's own name, which is unique on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in the database, to bring it into a state that a test needs.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn execute(&self, statements: &str) {
        if let Err(error) = sql::execute(&self.url, statements) {
            panic!("the test's statements failed in {}: {error:?}", self.name);
        }
    }

    /// Ends every connection to the database, as a failing network would.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub fn cut_connections(&self) {
        let name = &self.name;
        let statement =
            format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
        if let Err(error) = sql::execute(&self.server_url, &statement) {
            panic!("the connections to {name} could not be cut: {error:?}");
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let outcome = sql::execute(&self.server_url, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        if let Err(error) = outcome {
            report_leftover(&self.name, &error);
        }
    }
}

#[expect(clippy::print_stderr, reason = "a panic while dropping would hide why the test failed")]
fn report_leftover(name: &str, error: &tokio_postgres::Error) {
    eprintln!("the test database {name} is left behind: {error:?}");
}

/// Unique on a server that outlives this run and that several runs may share.
fn unique_name() -> String {
    // Each `RandomState` has its own keys, so hashing the same value gives another number each time.
    let random = RandomState::new().hash_one(std::process::id());
    format!("provost_test_{}_{random:016x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        assert_ne!(unique_name(), unique_name());
    }

    #[test]
    fn a_database_has_pgvector_and_is_gone_after_use() {
        let Some(database) = TestDatabase::create() else { return };
        database.execute(
            "CREATE EXTENSION vector; CREATE TABLE point (at vector(3)); INSERT INTO point VALUES ('[1,2,3]')",
        );
        let url = database.url().to_owned();
        drop(database);
        let error = sql::execute(&url, "SELECT 1").unwrap_err();
        assert_eq!(error.code().unwrap().code(), "3D000", "{error:?}");
    }

    #[tokio::test]
    async fn connections_can_be_cut_and_do_not_hinder_the_removal() {
        let Some(database) = TestDatabase::create() else { return };
        let (client, connection) =
            tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        database.cut_connections();
        assert!(client.simple_query("SELECT 1").await.is_err());
        let (_client, connection) =
            tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
    }
}
