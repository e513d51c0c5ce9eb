//! The same statements on the backlog by hand, on one connection: what the repositories are compared with.

use domain::{
    task::{AgentType, Task},
    time::Timestamp,
};
use rusqlite::types::Value;
use tokio_postgres::types::{FromSql, ToSql, Type};

use super::{backlog_fill::Size, raw::columns, sample};

/// A connection to the measured database.
pub(super) enum RawBacklog {
    Sqlite(rusqlite::Connection),
    Postgres(Box<PostgresBacklog>),
}

const FIND: &str = "SELECT * FROM tasks WHERE team_id = $1 AND key = $2 AND deleted_at IS NULL";
const LIST: &str =
    "SELECT * FROM tasks WHERE team_id = $1 AND status = $2 AND agent_type = $3 AND deleted_at IS NULL
     ORDER BY created_at DESC, id DESC LIMIT 51";
const MOVABLE: &str = "SELECT id, key, status, epic_id, feature_id, fence, claim_owner, claim_expires_at, open_dependencies,
     (SELECT definition FROM workflows WHERE team_id = $1 AND is_active) FROM tasks WHERE team_id = $1 AND id = $2";
const COUNT: &str = "SELECT feature_id, status, count(*) FROM tasks WHERE epic_id = $1 AND deleted_at IS NULL
     GROUP BY feature_id, status";
const MOVE: &str = "UPDATE tasks SET status = $1, started_at = coalesce(started_at, $2), completed_at = NULL, blocked_at = NULL,
     blocked_reason = NULL, version = version + 1, updated_at = $2 WHERE id = $3 AND status = $4 AND team_id = $5
     RETURNING dependents";
const HISTORY: &str = "INSERT INTO task_history
     (id, team_id, task_id, task_key, old_status, new_status, actor, notes, rejection_reason, forced, at)
     VALUES ($1, $2, $3, $4, $5, $6, 'user:ada', 'measured', NULL, $7, $8)";
const FEATURE: &str = "UPDATE features SET progress_pct = $1, status = 'active' WHERE id = $2";
const EPIC: &str = "UPDATE epics SET progress_pct = $1, status = 'active' WHERE id = $2";
const INSERT: &str = "INSERT INTO tasks (id, team_id, epic_id, feature_id, key, title, description, status, agent_type, priority,
     source, max_retries, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'todo', $8, $9, 'agent', 3, $10, $10)";

impl RawBacklog {
    pub(super) async fn find(&self, key: &str) -> anyhow::Result<()> {
        let team = sample::TEAM;
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(FIND)?;
                statement.query_row((team.to_string(), key), columns)?;
            }
            Self::Postgres(raw) => {
                let row = raw.client.query_one(&raw.find, &[&team.as_uuid(), &key]).await?;
                read(&row)?;
            }
        }
        Ok(())
    }

    pub(super) async fn list_50(&self) -> anyhow::Result<()> {
        let team = sample::TEAM;
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(LIST)?;
                let rows = statement.query_map([&team.to_string(), "todo", "coder"], columns)?;
                let rows: Vec<Vec<Value>> = rows.collect::<rusqlite::Result<_>>()?;
                anyhow::ensure!(rows.len() == 51, "{} rows", rows.len());
            }
            Self::Postgres(raw) => {
                let rows = raw.client.query(&raw.list, &[&team.as_uuid(), &"todo", &"coder"]).await?;
                rows.iter().try_for_each(|row| read(row).map(drop))?;
            }
        }
        Ok(())
    }

    /// Moves a task and writes what goes with it, in a transaction of its own.
    pub(super) async fn change_status(&self, task: u32, from: &str, to: &str) -> anyhow::Result<()> {
        let (task_id, key) = (Size::id(task)?, Size::key(task));
        let (feature, epic) = (Size::feature_of(task), Size::epic_of(task));
        let (team, history, at) = (sample::TEAM, sample::uuid(), sample::noon());
        match self {
            Self::Sqlite(connection) => {
                let (team, task_id, at) = (team.to_string(), task_id.to_string(), at.as_micros());
                connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                connection.prepare_cached(MOVABLE)?.query_row((&team, &task_id), columns)?;
                connection.prepare_cached(MOVE)?.query_row((to, at, &task_id, from, &team), columns)?;
                let history = (history.to_string(), &team, &task_id, key, from, to, false, at);
                connection.prepare_cached(HISTORY)?.execute(history)?;
                let mut count = connection.prepare_cached(COUNT)?;
                let counts: Vec<_> = count.query_map([&epic], columns)?.collect::<rusqlite::Result<_>>()?;
                anyhow::ensure!(!counts.is_empty(), "no tasks");
                connection.prepare_cached(FEATURE)?.execute((25.0, feature))?;
                connection.prepare_cached(EPIC)?.execute((25.0, epic))?;
                connection.prepare_cached("COMMIT")?.execute([])?;
            }
            Self::Postgres(raw) => {
                raw.change_status(&Move { task_id, key, feature, epic, history, from, to }).await?;
            }
        }
        Ok(())
    }

    /// Adds tasks like these, under new ids and keys, with their history, in a transaction of their own.
    pub(super) async fn insert(&self, tasks: &[Task]) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection) => {
                connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                for task in tasks {
                    let id = sample::uuid();
                    let (team, at) = (task.team_id.to_string(), task.created_at.as_micros());
                    let (epic, feature) =
                        (task.epic_id.map(|id| id.to_string()), task.feature_id.map(|id| id.to_string()));
                    let key = format!("raw-{id}");
                    let priority = i64::from(task.priority);
                    let values = rusqlite::params![
                        id.to_string(),
                        team,
                        epic,
                        feature,
                        key,
                        task.title.as_str(),
                        task.description,
                        task.agent_type.as_ref().map(AgentType::as_str),
                        priority,
                        at
                    ];
                    connection.prepare_cached(INSERT)?.execute(values)?;
                    let history = (
                        sample::uuid().to_string(),
                        team,
                        id.to_string(),
                        key,
                        None::<String>,
                        "todo",
                        false,
                        at,
                    );
                    connection.prepare_cached(HISTORY)?.execute(history)?;
                }
                connection.prepare_cached("COMMIT")?.execute([])?;
            }
            Self::Postgres(raw) => raw.insert(tasks).await?,
        }
        Ok(())
    }
}

/// One connection whose statements are prepared.
pub(super) struct PostgresBacklog {
    client: tokio_postgres::Client,
    find: tokio_postgres::Statement,
    list: tokio_postgres::Statement,
    movable: tokio_postgres::Statement,
    count: tokio_postgres::Statement,
    set: tokio_postgres::Statement,
    history: tokio_postgres::Statement,
    feature: tokio_postgres::Statement,
    epic: tokio_postgres::Statement,
    insert: tokio_postgres::Statement,
}

/// What a move of a task writes.
struct Move<'m> {
    task_id: domain::id::TaskId,
    key: String,
    feature: String,
    epic: String,
    history: uuid::Uuid,
    from: &'m str,
    to: &'m str,
}

impl PostgresBacklog {
    /// On a database that has the schema. The connection is driven by the runtime this is called in.
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            find: client.prepare(FIND).await?,
            list: client.prepare(LIST).await?,
            movable: client.prepare(MOVABLE).await?,
            count: client.prepare(COUNT).await?,
            set: client.prepare(MOVE).await?,
            history: client.prepare(HISTORY).await?,
            feature: client.prepare(FEATURE).await?,
            epic: client.prepare(EPIC).await?,
            insert: client.prepare(INSERT).await?,
            client,
        })
    }

    /// Runs statements that give no rows.
    pub(super) async fn run(&self, statements: &str) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(statements).await?)
    }

    async fn change_status(&self, change: &Move<'_>) -> anyhow::Result<()> {
        let Move { task_id, key, feature, epic, history, from, to } = change;
        let (client, team, task_id) = (&self.client, sample::TEAM, task_id.as_uuid());
        let (feature, epic): (uuid::Uuid, uuid::Uuid) = (feature.parse()?, epic.parse()?);
        let at = time(sample::noon());
        client.batch_execute("BEGIN").await?;
        client.query(&self.movable, &[&team.as_uuid(), &task_id]).await?;
        client.query(&self.set, &[to, &at, &task_id, from, &team.as_uuid()]).await?;
        let values: [&(dyn ToSql + Sync); 8] =
            [history, &team.as_uuid(), &task_id, key, from, to, &false, &at];
        client.execute(&self.history, &values).await?;
        client.query(&self.count, &[&epic]).await?;
        client.execute(&self.feature, &[&25.0_f64, &feature]).await?;
        client.execute(&self.epic, &[&25.0_f64, &epic]).await?;
        Ok(client.batch_execute("COMMIT").await?)
    }

    async fn insert(&self, tasks: &[Task]) -> anyhow::Result<()> {
        let client = &self.client;
        client.batch_execute("BEGIN").await?;
        for task in tasks {
            let (id, history, at) = (sample::uuid(), sample::uuid(), time(task.created_at));
            let (epic, feature) =
                (task.epic_id.map(|id| *id.as_uuid()), task.feature_id.map(|id| *id.as_uuid()));
            let (key, priority) = (format!("raw-{id}"), i64::from(task.priority));
            let title = task.title.as_str();
            let values: [&(dyn ToSql + Sync); 10] = [
                &id,
                &task.team_id.as_uuid(),
                &epic,
                &feature,
                &key,
                &title,
                &task.description,
                &task.agent_type.as_ref().map(AgentType::as_str),
                &priority,
                &at,
            ];
            client.execute(&self.insert, &values).await?;
            let values: [&(dyn ToSql + Sync); 8] =
                [&history, &task.team_id.as_uuid(), &id, &key, &None::<String>, &"todo", &false, &at];
            client.execute(&self.history, &values).await?;
        }
        Ok(client.batch_execute("COMMIT").await?)
    }
}

/// A time as the driver takes it.
fn time(at: Timestamp) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_micros(at.as_micros().unsigned_abs())
}

/// A column as it came, in memory of its own, as SQLite's rows are read.
struct Column(Option<Vec<u8>>);

impl<'r> FromSql<'r> for Column {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn read(row: &tokio_postgres::Row) -> anyhow::Result<Vec<Option<Vec<u8>>>> {
    (0..row.len()).map(|index| Ok(row.try_get::<_, Column>(index)?.0)).collect()
}
