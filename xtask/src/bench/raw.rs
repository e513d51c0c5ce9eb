//! The same work by hand on one connection: what the store is compared with.

use std::path::Path;

use domain::{
    id::{SessionId, TeamId},
    user::User,
};
use rusqlite::{Connection, Row, types::Value};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// One thread, one connection, set up as the store's.
pub(super) struct RawSqlite(Connection);

impl RawSqlite {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA mmap_size = 268435456;",
        )?;
        Ok(Self(connection))
    }

    /// Inserts a row in a transaction of its own.
    pub(super) fn insert(&self, user: &User) -> rusqlite::Result<()> {
        let sql = "INSERT INTO users (id, email, display_name, is_active, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING";
        let (id, email) = (user.id.to_string(), user.email.as_str());
        let (created_at, updated_at) = (user.created_at.as_micros(), user.updated_at.as_micros());
        let values = (id, email, user.display_name.as_str(), user.is_active, created_at, updated_at);
        self.0.prepare_cached(sql)?.execute(values).map(drop)
    }

    /// Reads every column of one session.
    pub(super) fn find(&self, team: TeamId, id: SessionId) -> rusqlite::Result<Vec<Value>> {
        let sql = "SELECT * FROM sessions WHERE id = ?1 AND team_id = ?2 AND deleted_at IS NULL";
        self.0.prepare_cached(sql)?.query_row((id.to_string(), team.to_string()), columns)
    }

    /// Reads every column of the newest fifty sessions.
    pub(super) fn list_50(&self, team: TeamId) -> rusqlite::Result<Vec<Vec<Value>>> {
        let sql =
            "SELECT * FROM sessions WHERE team_id = ?1 AND deleted_at IS NULL AND (created_at, id) < (?2, ?3)
             ORDER BY created_at DESC, id DESC LIMIT 51";
        let end = Uuid::max().to_string();
        self.0.prepare_cached(sql)?.query_map((team.to_string(), i64::MAX, end), columns)?.collect()
    }
}

pub(super) fn columns(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count()).map(|index| row.get(index)).collect()
}

/// One connection whose statements are prepared.
pub(super) struct RawPostgres {
    client: tokio_postgres::Client,
    insert: tokio_postgres::Statement,
    find: tokio_postgres::Statement,
    list: tokio_postgres::Statement,
}

impl RawPostgres {
    /// On a database that has the schema. The connection is driven by the runtime this is called in.
    pub(super) async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let insert = client.prepare(
            "INSERT INTO users (id, email, display_name, is_active, created_at, updated_at)
             VALUES ($1::text::uuid, $2, $3, $4, now(), now()) ON CONFLICT (email) DO NOTHING",
        );
        let find = client.prepare(
            "SELECT * FROM sessions WHERE id = $1::text::uuid AND team_id = $2::text::uuid AND deleted_at IS NULL",
        );
        let list = client.prepare(
            "SELECT * FROM sessions WHERE team_id = $1::text::uuid AND deleted_at IS NULL
             ORDER BY created_at DESC, id DESC LIMIT 51",
        );
        let (insert, find, list) = (insert.await?, find.await?, list.await?);
        Ok(Self { client, insert, find, list })
    }

    pub(super) async fn insert(&self, user: &User) -> Result<(), tokio_postgres::Error> {
        let (id, email, name) = (user.id.to_string(), user.email.as_str(), user.display_name.as_str());
        let values: [&(dyn ToSql + Sync); 4] = [&id, &email, &name, &user.is_active];
        self.client.execute(&self.insert, &values).await.map(drop)
    }

    pub(super) async fn find(&self, team: TeamId, id: SessionId) -> Result<(), tokio_postgres::Error> {
        self.client.query(&self.find, &[&id.to_string(), &team.to_string()]).await.map(drop)
    }

    pub(super) async fn list_50(&self, team: TeamId) -> Result<(), tokio_postgres::Error> {
        self.client.query(&self.list, &[&team.to_string()]).await.map(drop)
    }
}
