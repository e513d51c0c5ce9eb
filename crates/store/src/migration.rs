//! The schema's history: numbered migrations, forward and back, one text per database, compiled in and checksummed.

use std::fmt::Write as _;

use domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    conn::{Conn, Tx},
    error::{OpenError, StoreError},
    value::params,
};

/// One step of the schema.
#[derive(Debug)]
struct Migration {
    version: u32,
    name: &'static str,
    /// The oldest schema version whose program still works on this schema: nodes are upgraded one by one.
    compatible_from: u32,
    sqlite: Scripts,
    postgres: Scripts,
}

#[derive(Debug)]
struct Scripts {
    forward: &'static str,
    back: &'static str,
}

macro_rules! migration {
    ($version:literal, $file:literal, compatible_from: $compatible_from:literal) => {
        Migration {
            version: $version,
            name: $file,
            compatible_from: $compatible_from,
            sqlite: Scripts {
                forward: include_str!(concat!("../migrations/sqlite/", $file, ".up.sql")),
                back: include_str!(concat!("../migrations/sqlite/", $file, ".down.sql")),
            },
            postgres: Scripts {
                forward: include_str!(concat!("../migrations/postgres/", $file, ".up.sql")),
                back: include_str!(concat!("../migrations/postgres/", $file, ".down.sql")),
            },
        }
    };
}

/// Every migration, in order.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_sessions", compatible_from: 1),
    migration!(2, "0002_agents", compatible_from: 1),
    migration!(3, "0003_backlog", compatible_from: 1),
    migration!(4, "0004_session_details", compatible_from: 1),
    migration!(5, "0005_governance", compatible_from: 1),
    migration!(6, "0006_spend", compatible_from: 1),
    migration!(7, "0007_memory", compatible_from: 1),
    migration!(8, "0008_backlog_history", compatible_from: 1),
    migration!(9, "0009_audit_keys", compatible_from: 1),
];

/// The newest schema version this program knows.
pub const LATEST: u32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// What to do about the schema while opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Bring it forward, noting this time.
    Forward(Timestamp),
    /// Refuse one that is older than this program.
    Expect,
    /// Open whatever is there: for `db status`, `db rollback` and the like.
    Leave,
}

/// Why the schema could not be brought where it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// The migration that was applied is not the one this program has under its number.
    #[error("migration {version} in the database is not this program's: it was changed after it was applied")]
    Changed {
        /// Its number.
        version: u32,
    },
    /// A migration this program does not know cannot be taken back by it.
    #[error("migration {version} is unknown to this program, which knows up to {LATEST}")]
    Unknown {
        /// Its number.
        version: u32,
    },
    /// The database refused a migration; nothing of it was kept.
    #[error("migration {version} failed: {source}")]
    Failed {
        /// Its number.
        version: u32,
        /// Why.
        source: StoreError,
    },
    /// The history itself could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A migration as `db status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its number.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// When it was applied; `None` is pending.
    pub applied_at: Option<Timestamp>,
    /// Whether the applied text is this program's; `None` when this program does not know it.
    pub matches: Option<bool>,
}

#[derive(Debug)]
struct Applied {
    version: u32,
    name: String,
    checksum: String,
    compatible_from: u32,
    applied_at: Timestamp,
}

impl Migration {
    fn scripts(&self, conn: &Conn) -> &Scripts {
        if conn.sqlite().is_some() { &self.sqlite } else { &self.postgres }
    }

    fn checksum(&self, conn: &Conn) -> String {
        let digest = Sha256::digest(self.scripts(conn).forward.as_bytes());
        digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// Every migration, applied or pending, in order.
///
/// # Errors
/// When the history cannot be read.
pub fn status(conn: &Conn) -> Result<Vec<MigrationStatus>, StoreError> {
    let applied = history(conn)?;
    let pending =
        MIGRATIONS.iter().filter(|migration| applied.iter().all(|done| done.version != migration.version));
    let mut statuses: Vec<_> = applied
        .iter()
        .map(|done| MigrationStatus {
            version: done.version,
            name: done.name.clone(),
            applied_at: Some(done.applied_at),
            matches: known(done.version).map(|migration| migration.checksum(conn) == done.checksum),
        })
        .collect();
    statuses.extend(pending.map(|migration| MigrationStatus {
        version: migration.version,
        name: migration.name.to_owned(),
        applied_at: None,
        matches: None,
    }));
    statuses.sort_by_key(|status| status.version);
    Ok(statuses)
}

/// Brings the schema of a connection that was just opened to where `migrate` wants it; `keep` as for [`forward`].
pub(crate) fn prepare(
    conn: &Conn,
    migrate: Migrate,
    keep: impl FnOnce() -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    match migrate {
        Migrate::Leave => Ok(()),
        Migrate::Expect => {
            let applied = history(conn)?;
            check_compatible(newest(&applied).ok_or(OpenError::SchemaOlder { found: 0, needed: LATEST })?)?;
            Ok(check_unchanged(conn, &applied)?)
        }
        Migrate::Forward(now) => {
            let applied = history(conn)?;
            if applied.is_empty() {
                refuse_foreign_schema(conn)?;
            }
            let Some(newest) = newest(&applied).filter(|newest| newest.version >= LATEST) else {
                return conn.in_transaction(|tx| forward(tx, now, keep)).map(drop);
            };
            check_compatible(newest)?;
            Ok(check_unchanged(conn, &applied)?)
        }
    }
}

/// The newest migration that was applied; 0 in an empty database.
pub(crate) fn version(conn: &Conn) -> Result<u32, StoreError> {
    Ok(newest(&history(conn)?).map_or(0, |newest| newest.version))
}

/// What makes the newest schema that this program knows, in order.
pub(crate) fn scripts(conn: &Conn) -> impl Iterator<Item = &'static str> {
    let of_sqlite = conn.sqlite().is_some();
    MIGRATIONS
        .iter()
        .map(move |Migration { sqlite, postgres, .. }| if of_sqlite { sqlite } else { postgres }.forward)
}

/// Whether this program can work on the schema, once it is brought forward.
pub(crate) fn check_known(conn: &Conn) -> Result<(), OpenError> {
    let applied = history(conn)?;
    check_unchanged(conn, &applied)?;
    match newest(&applied).map(check_compatible) {
        None | Some(Err(OpenError::SchemaOlder { .. })) => Ok(()),
        Some(outcome) => outcome,
    }
}

/// Applies what is pending, all or nothing. Before that, and while nobody else can write, `keep` keeps what there is to lose.
pub(crate) fn forward(
    tx: &Tx<'_>,
    now: Timestamp,
    keep: impl FnOnce() -> Result<(), OpenError>,
) -> Result<Vec<u32>, OpenError> {
    exclude_others(tx)?;
    tx.run_script(create_history(tx))?;
    let applied = history(tx)?;
    check_unchanged(tx, &applied)?;
    let newest = match newest(&applied).map(|newest| (newest.version, check_compatible(newest))) {
        Some((_, Err(newer @ OpenError::SchemaNewer { .. }))) => return Err(newer),
        Some((version, _)) if version < LATEST => {
            keep()?;
            version
        }
        Some((version, _)) => version,
        None => 0,
    };
    let pending = MIGRATIONS.iter().filter(|migration| migration.version > newest);
    let applied = pending.map(|migration| apply(tx, migration, now).map(|()| migration.version));
    Ok(applied.collect::<Result<_, _>>()?)
}

/// Takes back the newest migration.
pub(crate) fn back(tx: &Tx<'_>) -> Result<Option<u32>, MigrationError> {
    exclude_others(tx)?;
    let applied = history(tx)?;
    let Some(version) = newest(&applied).map(|newest| newest.version) else { return Ok(None) };
    let migration = known(version).ok_or(MigrationError::Unknown { version })?;
    check_unchanged(tx, &applied)?;
    tx.run_script(migration.scripts(tx).back).map_err(|source| MigrationError::Failed { version, source })?;
    tx.execute("DELETE FROM provost_migrations WHERE version = $1", params![i64::from(version)])?;
    if version == MIGRATIONS[0].version {
        tx.run_script("DROP TABLE provost_migrations")?;
    }
    Ok(Some(version))
}

fn apply(tx: &Tx<'_>, migration: &Migration, now: Timestamp) -> Result<(), MigrationError> {
    let version = migration.version;
    tx.run_script(migration.scripts(tx).forward)
        .map_err(|source| MigrationError::Failed { version, source })?;
    tx.execute(
        "INSERT INTO provost_migrations (version, name, checksum, compatible_from, applied_at) VALUES ($1, $2, $3, $4, $5)",
        params![i64::from(version), migration.name, migration.checksum(tx), i64::from(migration.compatible_from), now],
    )?;
    Ok(())
}

/// Holds other processes off until the transaction ends. An SQLite writer already does; on PostgreSQL a migration must also
/// not wait forever behind somebody's open transaction.
fn exclude_others(tx: &Tx<'_>) -> Result<(), StoreError> {
    match tx.postgres() {
        Some(connection) => connection
            .run_script("SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock(5787213827046133840)"),
        None => Ok(()),
    }
}

fn history(conn: &Conn) -> Result<Vec<Applied>, StoreError> {
    let exists: i64 = conn.scalar(
        conn.pick(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'provost_migrations'",
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'provost_migrations'",
        ),
        &[],
    )?;
    if exists == 0 {
        return Ok(Vec::new());
    }
    let sql = "SELECT version, name, checksum, compatible_from, applied_at FROM provost_migrations ORDER BY version";
    conn.query(sql, &[], |row| {
        let mut columns = row.columns();
        Ok(Applied {
            version: columns.next()?,
            name: columns.next()?,
            checksum: columns.next()?,
            compatible_from: columns.next()?,
            applied_at: columns.next()?,
        })
    })
}

/// A schema that holds tables and was never ours belongs to another program, whose address was found in the environment.
/// An SQLite file was looked at when it was opened.
fn refuse_foreign_schema(conn: &Conn) -> Result<(), OpenError> {
    if conn.postgres().is_none() {
        return Ok(());
    }
    // One statement, so one view: another process may be migrating this very schema.
    let sql = "SELECT current_database() || '.' || current_schema(),
         (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND NOT EXISTS
            (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'provost_migrations'))";
    let found = conn.find(sql, &[], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
    match found {
        Some((schema, tables)) if tables > 0 => Err(OpenError::ForeignDatabase { path: schema.into() }),
        _ => Ok(()),
    }
}

fn create_history(conn: &Conn) -> &'static str {
    conn.pick(
        "CREATE TABLE IF NOT EXISTS provost_migrations (
            version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
            compatible_from INTEGER NOT NULL, applied_at INTEGER NOT NULL) STRICT",
        "CREATE TABLE IF NOT EXISTS provost_migrations (
            version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
            compatible_from bigint NOT NULL, applied_at timestamptz NOT NULL)",
    )
}

fn check_compatible(newest: &Applied) -> Result<(), OpenError> {
    let (found, needed) = (newest.version, newest.compatible_from);
    match found {
        _ if needed > LATEST => Err(OpenError::SchemaNewer { found, needed, supported: LATEST }),
        _ if found < LATEST => Err(OpenError::SchemaOlder { found, needed: LATEST }),
        _ => Ok(()),
    }
}

fn check_unchanged(conn: &Conn, applied: &[Applied]) -> Result<(), MigrationError> {
    let changed = applied
        .iter()
        .find(|done| known(done.version).is_some_and(|migration| migration.checksum(conn) != done.checksum));
    changed.map_or(Ok(()), |done| Err(MigrationError::Changed { version: done.version }))
}

fn newest(applied: &[Applied]) -> Option<&Applied> {
    applied.iter().max_by_key(|done| done.version)
}

fn known(version: u32) -> Option<&'static Migration> {
    MIGRATIONS.iter().find(|migration| migration.version == version)
}
