//! What a statement visits does not grow with what is stored.

use domain::{id::SessionId, session_status::SessionStatus, timeline::EntryKind};
use provost_store::{AskedFilter, SessionFilter, StoreError};
use rusqlite::StatementStatus;

use crate::{
    fixture::{Fixture, Place, block_on},
    plan, sample,
};

/// Steps of SQLite's machine: a page of fifty wide rows takes some thousand, going through the table a million.
const MOST_STEPS: i32 = 10_000;
/// Blocks of PostgreSQL: a page of fifty joined rows takes some two hundred, going through the table thousands.
const MOST_BLOCKS: i64 = 400;

/// The session that much happened in.
const BUSY: &str = "01890000-0000-7000-8000-000000000007";

#[test]
fn reads_visit_few_rows_of_a_large_sqlite() {
    block_on(async {
        let fixture = filled(Place::on_sqlite()).await;
        let connection = rusqlite::Connection::open(fixture.place().path()).unwrap();
        for sql in reads(&fixture).await {
            let mut statement = connection.prepare(&sql).unwrap();
            let mut rows = statement.raw_query();
            while rows.next().unwrap().is_some() {}
            drop(rows);
            let steps = statement.get_status(StatementStatus::VmStep);
            assert!(steps < MOST_STEPS, "{steps} steps: {sql}");
        }
    });
}

#[test]
fn reads_visit_few_blocks_of_a_large_postgres() {
    let Some(place) = Place::on_postgres() else { return };
    block_on(async {
        let fixture = filled(place).await;
        let reads = reads(&fixture).await;
        // A young database has no statistics; an older one has.
        for statistics in ["SELECT 1", "ANALYZE"] {
            fixture.place().raw(statistics).unwrap();
            for sql in &reads {
                let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
                let rows = fixture.place().raw(&explain).unwrap();
                let plan: serde_json::Value = serde_json::from_str(rows[0][0].as_deref().unwrap()).unwrap();
                let count = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
                let blocks = count("Shared Hit Blocks") + count("Shared Read Blocks");
                assert!(blocks < MOST_BLOCKS, "{blocks} blocks after {statistics}: {sql}\n{plan:#}");
            }
        }
    });
}

/// A hundred thousand sessions, one of which failed, and twenty thousand messages in one of them.
async fn filled(place: Place) -> Fixture {
    plan::record();
    let fixture = Fixture::create(place).await;
    let (numbers, id, at) = match fixture.place() {
        Place::Sqlite(_) => (
            "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) SELECT n FROM numbers)",
            "printf('01890000-0000-7000-8000-%012x', n)",
            "n",
        ),
        Place::Postgres(_) => (
            "generate_series(1, 100000)",
            "('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            "'2026-01-01'::timestamptz + n * interval '1 ms'",
        ),
    };
    let team = fixture.team;
    // One entry of each kind, so that all their texts are issued; that their rows are not there does not matter.
    let count = EntryKind::ALL.len();
    let kinds: String =
        (1..).zip(EntryKind::ALL).map(|(n, kind): (i64, _)| format!("WHEN {n} THEN '{kind}' ")).collect();
    let fill = format!(
        "BEGIN;
         INSERT INTO sessions (id, team_id, name, mode, status, runtime, origin, working_directory, permission_mode,
                               timeout_seconds, created_at, updated_at, last_activity_at)
         SELECT {id}, '{team}', 'name', 'interactive', CASE n WHEN 500 THEN 'failed' ELSE 'completed' END, 'scripted',
                'run', '/work', 'default', 120, {at}, {at}, {at} FROM {numbers} AS numbers (n);
         INSERT INTO messages (id, session_id, sequence, message_type, content, created_at)
         SELECT {id}, '{BUSY}', n, 'assistant', '{{}}', {at} FROM {numbers} AS numbers (n) WHERE n <= 20000;
         INSERT INTO session_events (session_id, sequence, kind, row_id, change, at)
         SELECT '{BUSY}', n, 'message', {id}, 'created', {at} FROM {numbers} AS numbers (n) WHERE n <= 20000;
         INSERT INTO session_events (session_id, sequence, kind, row_id, change, at)
         SELECT '{BUSY}', 20000 + n, CASE n {kinds} END, {id}, 'created', {at} FROM {numbers} AS numbers (n) WHERE n <= {count};
         COMMIT;"
    );
    let fill = match fixture.place() {
        // SQLite names columns inside the parentheses only.
        Place::Sqlite(_) => fill.replace(" AS numbers (n)", ""),
        Place::Postgres(_) => fill,
    };
    fixture.place().raw(&fill).unwrap();
    fixture
}

/// The texts of the bounded reads, with values that exist.
async fn reads(fixture: &Fixture) -> Vec<String> {
    let busy: SessionId = BUSY.parse().unwrap();
    let read = fixture.store.read(move |conn| {
        conn.team(sample::TEAM).sessions().find(busy)?;
        conn.team(sample::TEAM).sessions().list(SessionFilter::default(), None, 50)?;
        let failed = SessionFilter { status: Some(SessionStatus::Failed), ..SessionFilter::default() };
        assert_eq!(conn.team(sample::TEAM).sessions().list(failed, None, 50)?.items.len(), 1);
        conn.team(sample::TEAM).sessions().list_ids_between(*busy.as_uuid(), *busy.as_uuid(), 50)?;
        assert_eq!(conn.team(sample::TEAM).timeline().list(busy, 0, 50)?.len(), 50);
        conn.team(sample::TEAM).timeline().list(busy, 20_000, 50)?;
        conn.team(sample::TEAM).timeline().list_open_tool_calls(busy)?;
        conn.team(sample::TEAM).timeline().list_open_commands(busy)?;
        assert_eq!(conn.team(sample::TEAM).messages().list(busy, 0, 50)?.len(), 50);
        conn.team(sample::TEAM).messages().find_partial(busy)?;
        conn.team(sample::TEAM).tool_calls().list_asked(AskedFilter::default(), 50)?;
        Ok::<_, StoreError>(())
    });
    read.await.unwrap();
    let database = fixture.place().pick("sqlite", "postgres");
    let is_meant = |sql: &String| {
        let tables = [
            "FROM sessions",
            "FROM session_events",
            "FROM tool_calls",
            "FROM session_commands",
            "FROM messages",
        ];
        tables.iter().any(|table| sql.contains(table))
    };
    let texts = plan::issued(database).into_iter().filter(is_meant);
    let texts: Vec<_> = texts.map(|sql| with_values(fixture, sql)).collect();
    assert!(texts.len() >= 14, "{texts:#?}");
    texts
}

fn with_values(fixture: &Fixture, mut sql: String) -> String {
    let team = fixture.team;
    let latest = fixture.place().pick("9000000000000000", "'infinity'");
    for number in 1..=5 {
        for (before, value) in [
            ("team_id = ", format!("'{team}'")),
            ("status = ", "'failed'".to_owned()),
            ("id = ", format!("'{BUSY}'")),
            ("id >= ", format!("'{BUSY}'")),
            ("id <= ", format!("'{BUSY}'")),
            ("id < ", "'ffffffff-ffff-ffff-ffff-ffffffffffff'".to_owned()),
            ("(created_at, id) < (", latest.to_owned()),
            (", ", "'ffffffff-ffff-ffff-ffff-ffffffffffff'".to_owned()),
            ("sequence > ", "0".to_owned()),
            ("sequence <= ", "50".to_owned()),
            ("LIMIT ", "50".to_owned()),
        ] {
            sql = sql.replace(&format!("{before}${number}"), &format!("{before}{value}"));
        }
    }
    assert!(!sql.contains('$'), "{sql}");
    sql
}
