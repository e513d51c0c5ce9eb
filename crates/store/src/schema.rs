//! The schema as data: which tables there are, what a row of each means, and what the database itself says of their columns,
//! keys and references. Whoever handles all tables alike (export, import, counts, documents) starts here.

use std::collections::BTreeMap;

use crate::{
    conn::Conn,
    error::StoreError,
    value::{Row, params},
};

/// What a table belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// People, teams and how they prove who they are.
    Identity,
    /// Agents and what makes them.
    Agents,
    /// Work to be done.
    Backlog,
    /// Conversations with agent programs.
    Sessions,
    /// Rules, decisions and their record.
    Governance,
    /// Costs, budgets and measures.
    Spend,
    /// What is remembered, and documents.
    Memory,
    /// The database's own affairs.
    Operation,
}

impl Group {
    /// Every group, in the order of the documents.
    pub const ALL: &'static [Self] = &[
        Self::Identity,
        Self::Agents,
        Self::Backlog,
        Self::Sessions,
        Self::Governance,
        Self::Spend,
        Self::Memory,
        Self::Operation,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Agents => "Agents",
            Self::Backlog => "Backlog",
            Self::Sessions => "Sessions",
            Self::Governance => "Governance",
            Self::Spend => "Spend",
            Self::Memory => "Memory and documents",
            Self::Operation => "Operation",
        }
    }
}

/// A table of ours, and what a row of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The table.
    pub table: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// What one row is, in a few words.
    pub row: &'static str,
}

const fn row(table: &'static str, group: Group, row: &'static str) -> Meaning {
    Meaning { table, group, row }
}

/// Every table. A test holds the list against the schema that the migrations make.
pub const TABLES: &[Meaning] = &[
    row("users", Group::Identity, "a person"),
    row("teams", Group::Identity, "a tenant; nearly everything belongs to one"),
    row("team_memberships", Group::Identity, "a person's role in a team"),
    row("api_keys", Group::Identity, "a key a program calls with; only the digest of its secret"),
    row("login_sessions", Group::Identity, "a browser that is logged in; only the digest of its token"),
    row("agents", Group::Agents, "an agent: its name, and which version of its DNA is current"),
    row("agent_versions", Group::Agents, "a version of an agent's DNA, as it was"),
    row("agent_instances", Group::Agents, "a running agent or subagent of a session"),
    row("key_counters", Group::Backlog, "the next number of a kind of key in a team"),
    row("workflows", Group::Backlog, "the states of tasks and the ways between them"),
    row("epics", Group::Backlog, "a large goal"),
    row("features", Group::Backlog, "a part of an epic"),
    row("tasks", Group::Backlog, "a piece of work an agent or a person can take"),
    row("task_dependencies", Group::Backlog, "how one task hangs on another"),
    row("task_history", Group::Backlog, "a change of a task: what, from, to, who, why"),
    row("task_notes", Group::Backlog, "something written at a task"),
    row("sessions", Group::Sessions, "a conversation with an agent program: options, status, totals, owner"),
    row("session_templates", Group::Sessions, "options to start sessions with"),
    row("session_transitions", Group::Sessions, "a change of a session's status: from, to, why, who"),
    row("session_commands", Group::Sessions, "a durable input to a session: a prompt, an interruption"),
    row("messages", Group::Sessions, "something said, by a person, the agent, or the agent program"),
    row("tool_calls", Group::Sessions, "one use of a tool, from request through decision to result"),
    row("session_events", Group::Sessions, "a number of a timeline: which row, what happened to it, when"),
    row("session_state", Group::Sessions, "a value that a session keeps under a key"),
    row("checkpoints", Group::Sessions, "a state of a session or task to come back to"),
    row("session_metrics_snapshots", Group::Sessions, "a session's totals at a moment"),
    row("transcript_segments", Group::Sessions, "a piece of the agent program's own transcript, compressed"),
    row("working_directory_archives", Group::Sessions, "a packed working directory, and where it is"),
    row(
        "search_pending",
        Group::Sessions,
        "a session whose words are to be added to the search; derived, so exports leave it out",
    ),
    row("message_search", Group::Sessions, "what a word search finds; derived, so exports leave it out"),
    row("hooks", Group::Governance, "something to be called at an event"),
    row("hook_executions", Group::Governance, "one call of a hook and what came of it"),
    row("policies", Group::Governance, "rules for what agents may do"),
    row("policy_revisions", Group::Governance, "all policies of a team as they were at a version"),
    row("permission_decisions", Group::Governance, "a decision about a tool call: what, by whom, why"),
    row("approvals", Group::Governance, "a question to a person about a tool call, and the answer"),
    row("audit_log", Group::Governance, "something an actor did"),
    row("audit_seals", Group::Governance, "a link of the chain that makes the audit log tamper-evident"),
    row("audit_keys", Group::Governance, "the public half of a key that seals are signed with"),
    row("idempotency_keys", Group::Governance, "the answer to a request, for when it comes again"),
    row("webhook_subscriptions", Group::Governance, "an address that wants to hear of events"),
    row("webhook_deliveries", Group::Governance, "an event on its way to such an address"),
    row("mcp_servers", Group::Governance, "a server of further tools"),
    row("cost_entries", Group::Spend, "tokens used and what they cost"),
    row("budgets", Group::Spend, "a limit of spending"),
    row("budget_reservations", Group::Spend, "a part of a budget held for a session"),
    row("metrics", Group::Spend, "a measured value"),
    row("model_prices", Group::Spend, "what a model's tokens cost from a time on"),
    row("embedding_models", Group::Memory, "a model that makes embeddings, and their dimension"),
    row("memories", Group::Memory, "something remembered, as it stands"),
    row("memory_versions", Group::Memory, "a memory as it was"),
    row("memory_log", Group::Memory, "a change of a memory: what, by whom, why"),
    row("memory_tags", Group::Memory, "a tag of a memory"),
    row("memory_uses", Group::Memory, "a memory that a session was given"),
    row("document_index", Group::Memory, "a document that can be searched"),
    row("document_chunks", Group::Memory, "a piece of a document"),
    row("nodes", Group::Operation, "a running Provost, and its heartbeat"),
    row("maintenance_runs", Group::Operation, "a time append-only tables were open to removal, and why"),
    row("provost_migrations", Group::Operation, "a version of the schema that was applied"),
];

/// Tables that are made anew from the others.
const DERIVED: &[&str] = &["message_search", "search_pending"];
/// Columns that are made anew from the others: what finds embeddings on SQLite.
const DERIVED_COLUMNS: &[(&str, &str)] = &[
    ("document_chunks", "embedding_change"),
    ("embedding_models", "changes"),
    ("memories", "embedding_change"),
];
/// The schema's own history, which no export carries.
pub(crate) const HISTORY: &str = "provost_migrations";

/// What a column holds. SQLite has no types of its own for ids and times: there they are [`Kind::Text`] and [`Kind::Whole`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Yes or no.
    Boolean,
    /// A whole number.
    Whole,
    /// A number.
    Real,
    /// Text.
    Text,
    /// An id.
    Id,
    /// A point in time.
    Time,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// An embedding.
    Vector,
    /// Words for full-text search, made by the database.
    Words,
}

impl Kind {
    /// The kind as both databases can tell it.
    #[must_use]
    pub const fn portable(self) -> Self {
        match self {
            Self::Id => Self::Text,
            Self::Time => Self::Whole,
            other => other,
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must hold something.
    pub is_required: bool,
    /// Whether the database gives it the next number when none is given.
    pub is_numbered: bool,
}

/// A reference to a row of another table, or of the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The column.
    pub column: String,
    /// The table it leads to.
    pub table: String,
    /// The column there.
    pub to: String,
    /// What becomes of this row when that one goes: `NO ACTION`, `CASCADE`, `SET NULL`.
    pub on_delete: String,
}

/// A table as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, by name.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in their order there.
    pub key: Vec<String>,
    /// Its references, by column.
    pub references: Vec<Reference>,
    /// Whether the database refuses to change and to remove its rows, maintenance apart.
    pub is_append_only: bool,
}

impl Table {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether it is made anew from the others.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        DERIVED.contains(&self.name.as_str())
    }

    /// Whether a column of it is made anew from the others.
    #[must_use]
    pub fn derives(&self, column: &Column) -> bool {
        column.kind == Kind::Words || DERIVED_COLUMNS.contains(&(self.name.as_str(), column.name.as_str()))
    }

    fn empty(name: &str) -> Self {
        let (columns, key, references) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), columns, key, references, is_append_only: false }
    }
}

/// Our tables, by name, as they are in this database; of another program's tables beside them nothing is said.
///
/// # Errors
/// When the database's catalog cannot be read.
pub fn tables(conn: &Conn) -> Result<Vec<Table>, StoreError> {
    let mut tables = BTreeMap::new();
    for (name, column) in columns(conn)? {
        tables.entry(name.clone()).or_insert_with(|| Table::empty(&name)).columns.push(column);
    }
    tables.retain(|name, _| TABLES.iter().any(|meaning| meaning.table == name));
    for (name, column) in keys(conn)? {
        if let Some(table) = tables.get_mut(&name) {
            table.key.push(column);
        }
    }
    for (name, reference) in references(conn)? {
        if let Some(table) = tables.get_mut(&name) {
            table.references.push(reference);
        }
    }
    for name in guarded(conn)? {
        if let Some(table) = tables.get_mut(&name) {
            table.is_append_only = true;
        }
    }
    let mut tables: Vec<_> = tables.into_values().collect();
    for table in &mut tables {
        table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        table.references.sort();
    }
    Ok(tables)
}

/// Rows of each table of ours, by name.
///
/// # Errors
/// When they cannot be counted.
pub fn row_counts(conn: &Conn) -> Result<Vec<(String, u64)>, StoreError> {
    let count = |table: Table| {
        let rows: i64 = conn.scalar(&format!("/* all rows */ SELECT count(*) FROM {}", table.name), &[])?;
        Ok((table.name, rows.unsigned_abs()))
    };
    tables(conn)?.into_iter().map(count).collect()
}

/// What the database itself says of where it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// `SQLite 3.54.1` or `PostgreSQL 18.4`.
    pub version: String,
    /// What it takes on the disk, in bytes; on PostgreSQL the whole database, other programs' tables included.
    pub size_bytes: u64,
    /// SQLite's journal mode, such as `wal`, and PostgreSQL's `wal_level`.
    pub log_mode: String,
    /// SQLite's write-ahead log that is not yet in the file, in bytes. PostgreSQL does not say.
    pub log_bytes: Option<u64>,
}

/// Where the database lives.
///
/// # Errors
/// When the database does not say.
pub fn storage(conn: &Conn) -> Result<Storage, StoreError> {
    let text = |sqlite: &str, postgres: &str| conn.scalar::<String>(conn.pick(sqlite, postgres), &[]);
    let version = text("SELECT sqlite_version()", "SELECT current_setting('server_version')")?;
    let size: i64 = conn.scalar(
        conn.pick(
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            "SELECT pg_database_size(current_database())",
        ),
        &[],
    )?;
    let file = conn.sqlite().and_then(|connection| connection.path());
    let log_bytes = file.map(|path| crate::sqlite::log_bytes(path.as_ref()));
    Ok(Storage {
        version: format!("{} {version}", conn.pick("SQLite", "PostgreSQL")),
        size_bytes: size.unsigned_abs(),
        log_mode: text("PRAGMA journal_mode", "SELECT current_setting('wal_level')")?,
        log_bytes,
    })
}

fn columns(conn: &Conn) -> Result<Vec<(String, Column)>, StoreError> {
    if conn.postgres().is_some() { postgres_columns(conn) } else { sqlite_columns(conn) }
}

fn postgres_columns(conn: &Conn) -> Result<Vec<(String, Column)>, StoreError> {
    let sql = "
        SELECT c.relname, a.attname, format_type(a.atttypid, -1), a.attnotnull, a.attidentity <> ''
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum";
    let columns = conn.query(sql, &[], |row| {
        let kind = match row.get::<String>(2)?.as_str() {
            "boolean" => Some(Kind::Boolean),
            "bigint" | "integer" => Some(Kind::Whole),
            "double precision" => Some(Kind::Real),
            "text" => Some(Kind::Text),
            "uuid" => Some(Kind::Id),
            "timestamp with time zone" => Some(Kind::Time),
            "jsonb" => Some(Kind::Json),
            "bytea" => Some(Kind::Bytes),
            "tsvector" => Some(Kind::Words),
            name if name == "vector" || name.ends_with(".vector") => Some(Kind::Vector),
            _ => None,
        };
        let Some(kind) = kind else { return Ok(None) };
        let column = Column { name: row.get(1)?, kind, is_required: row.get(3)?, is_numbered: row.get(4)? };
        Ok(Some((row.get(0)?, column)))
    })?;
    Ok(columns.into_iter().flatten().collect())
}

/// A column's check tells a boolean from a number, a document from a text, and an embedding from other bytes.
fn sqlite_columns(conn: &Conn) -> Result<Vec<(String, Column)>, StoreError> {
    let sql = "
        SELECT t.name, t.sql, c.name, c.type, c.\"notnull\", c.pk, (SELECT count(*) FROM pragma_table_info(t.name) k WHERE k.pk > 0)
        FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'";
    let columns = conn.query(sql, &[], |row| {
        let (table, text, name) = (row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?);
        let has = |check: String| text.contains(&check);
        let kind = match row.get::<String>(3)?.as_str() {
            "INTEGER" if has(format!("({name} IN (0, 1))")) => Kind::Boolean,
            "INTEGER" => Kind::Whole,
            "REAL" => Kind::Real,
            "TEXT" if has(format!("json_valid({name})")) => Kind::Json,
            "TEXT" => Kind::Text,
            "BLOB" if has(format!("length({name}) % 4")) => Kind::Vector,
            "BLOB" => Kind::Bytes,
            _ => return Ok(None),
        };
        let is_in_key = row.get::<i64>(5)? > 0;
        let is_row_number = is_in_key && row.get::<i64>(6)? == 1 && kind == Kind::Whole;
        let is_required = row.get::<bool>(4)? || is_row_number;
        Ok(Some((table, Column { name, kind, is_required, is_numbered: is_row_number })))
    })?;
    Ok(columns.into_iter().flatten().collect())
}

fn keys(conn: &Conn) -> Result<Vec<(String, String)>, StoreError> {
    let sqlite = "
        SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk";
    let postgres = "
        SELECT c.relname, a.attname
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indisprimary AND n.nspname = current_schema() ORDER BY c.relname, k.place";
    conn.query(conn.pick(sqlite, postgres), &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The tables whose rows a trigger keeps.
fn guarded(conn: &Conn) -> Result<Vec<String>, StoreError> {
    let sqlite = "
        SELECT DISTINCT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%BEFORE DELETE%is append-only%'";
    let postgres = "
        SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.proname = 'keep_append_only' AND n.nspname = current_schema()";
    conn.query(conn.pick(sqlite, postgres), &[], |row| row.get(0))
}

fn references(conn: &Conn) -> Result<Vec<(String, Reference)>, StoreError> {
    let sqlite = "
        SELECT t.name, r.\"from\", r.\"table\", r.\"to\", r.on_delete
        FROM sqlite_schema t, pragma_foreign_key_list(t.name) r WHERE t.type = 'table'";
    let postgres = "
        SELECT c.relname, a.attname, f.relname, b.attname,
            CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class f ON f.oid = k.confrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
        JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = k.confkey[1]
        WHERE k.contype = 'f' AND n.nspname = current_schema()";
    let read = |row: &Row<'_>| {
        let mut columns = row.columns();
        let table = columns.next()?;
        let (column, to_table, to, on_delete) =
            (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
        Ok((table, Reference { column, table: to_table, to, on_delete }))
    };
    conn.query(conn.pick(sqlite, postgres), params![], read)
}
