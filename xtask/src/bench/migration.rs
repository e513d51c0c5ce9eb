//! Bringing a large database of the first schema version forward, while somebody reads it as the first version did.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use domain::time::Timestamp;
use rusqlite::Connection;
use store::{Database, Migrate, OpenOptions, SqliteFile, Store, WhenMissing, migration};

use super::report::{Figure, Report};

const LONGEST: Duration = Duration::from_secs(5);

/// Rows of the database: of a hundred, one is a session, 29 are messages, 20 tool calls and 50 timeline entries.
const ROWS: u32 = 1_000_000;

/// Fills a database of version 1, migrates it, and reads meanwhile.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let path = folder.join("old.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let leave = || open(&path, Migrate::Leave);
    runtime.block_on(async {
        let store = open(&path, Migrate::Forward(Timestamp::from_micros(0)))?;
        while store.read(migration::status).await?.iter().filter(|each| each.applied_at.is_some()).count() > 1
        {
            store.roll_back().await?;
        }
        store.close().await;
        anyhow::Ok(())
    })?;
    Connection::open(&path)?.execute_batch(&fill())?;
    let store = leave()?;
    let (is_done, reads) = (AtomicBool::new(false), AtomicU32::new(0));
    let (took, filled) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read_until(&path, &is_done, &reads));
        while reads.load(Ordering::Relaxed) == 0 && !reading.is_finished() {
            std::thread::yield_now();
        }
        let begin = Instant::now();
        let migrated = runtime.block_on(store.migrate(Timestamp::from_micros(1)));
        let filled = begin.elapsed();
        is_done.store(true, Ordering::Relaxed);
        migrated?;
        let migrated = reading.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        anyhow::Ok((migrated.duration_since(begin), filled))
    })?;
    report.add(&Figure {
        name: "sqlite: migrating 1 M rows from version 1",
        figure: format!("{:.1} s, {} reads meanwhile", took.as_secs_f64(), reads.into_inner()),
        ratio: None,
        target: format!("< {} s, no read fails", LONGEST.as_secs()),
        is_met: Some(took < LONGEST),
    })?;
    report.add(&Figure {
        name: "sqlite: the same until all of it is searchable",
        figure: format!("{:.1} s, others write meanwhile", filled.as_secs_f64()),
        ratio: None,
        target: String::new(),
        is_met: None,
    })?;
    std::fs::remove_file(&path)?;
    Ok(())
}

fn open(path: &Path, migrate: Migrate) -> anyhow::Result<Store> {
    let file = SqliteFile {
        path: path.to_owned(),
        when_missing: WhenMissing::Create,
        busy_timeout: Duration::from_secs(10),
    };
    Ok(Store::open(OpenOptions::new(Database::Sqlite(file), migrate))?)
}

/// Reads what the first version reads of a session and its timeline, and says when it first saw the new schema.
fn read_until(path: &Path, is_done: &AtomicBool, reads: &AtomicU32) -> anyhow::Result<Instant> {
    let connection = Connection::open(path)?;
    let sql =
        "SELECT s.status, e.sequence, m.content FROM sessions s JOIN session_events e ON e.session_id = s.id
         JOIN messages m ON m.id = e.row_id WHERE s.id = ?1 AND s.deleted_at IS NULL AND e.kind = 'message'
         ORDER BY e.sequence LIMIT 20";
    let (mut number, mut migrated) = (0_u32, None);
    while !is_done.load(Ordering::Relaxed) {
        let session = format!("01890000-0000-7000-8000-{:012x}", number * 7919 % (ROWS / 100));
        let mut statement = connection.prepare_cached(sql)?;
        let found: Vec<i64> =
            statement.query_map([session], |row| row.get(1))?.collect::<rusqlite::Result<_>>()?;
        anyhow::ensure!(found.len() == 20, "{} messages of a session", found.len());
        reads.fetch_add(1, Ordering::Relaxed);
        number += 1;
        if migrated.is_none() && number.is_multiple_of(64) {
            let versions: u32 =
                connection.query_row("SELECT count(*) FROM provost_migrations", [], |row| row.get(0))?;
            migrated = (versions == migration::LATEST).then(Instant::now);
        }
    }
    migrated.context("the new schema was never seen")
}

fn fill() -> String {
    let sessions = ROWS / 100;
    let numbers = |count: u32| {
        format!(
            "(WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {} - 1) SELECT n FROM numbers)",
            count
        )
    };
    let id = |kind: u32, number: &str| format!("printf('01890000-{kind:04x}-7000-8000-%012x', {number})");
    let words = "printf('the loop number %d ends one step too early because of bound %d in module %d near line %d', n, n % 977, n % 89, n % 4001)";
    format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         INSERT INTO teams VALUES ('{team}', 'default', 'Default', 0, 0);
         INSERT INTO sessions (id, team_id, name, mode, status, runtime, origin, working_directory, permission_mode,
             timeout_seconds, total_messages, total_tool_calls, created_at, updated_at, last_activity_at, next_sequence)
         SELECT {session}, '{team}', 'name', 'interactive', 'completed', 'scripted', 'run', '/work', 'default', 120, 29, 20,
             n, n, n, 50 FROM {all_sessions};
         INSERT INTO messages (id, session_id, sequence, message_type, content, created_at)
         SELECT {message}, {of_message}, n % 29 + 1, 'assistant',
             json_object('blocks', json_array(json_object('type', 'text', 'text', {words}))), n FROM {all_messages};
         INSERT INTO tool_calls (id, session_id, sequence, tool_use_id, tool_name, tool_input, status, created_at)
         SELECT {call}, {of_call}, n % 20 + 30, 'toolu_' || n, 'Bash', json_object('command', 'cargo test ' || n), 'success', n
             FROM {all_calls};
         INSERT INTO session_events (session_id, sequence, kind, row_id, change, at)
             SELECT session_id, sequence, 'message', id, 'created', 0 FROM messages
             UNION ALL SELECT session_id, sequence, 'tool_call', id, 'created', 0 FROM tool_calls;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);",
        team = "01890000-ffff-7000-8000-000000000001",
        session = id(0, "n"),
        message = id(1, "n"),
        call = id(2, "n"),
        of_message = id(0, "n / 29"),
        of_call = id(0, "n / 20"),
        all_sessions = numbers(sessions),
        all_messages = numbers(sessions * 29),
        all_calls = numbers(sessions * 20),
    )
}
