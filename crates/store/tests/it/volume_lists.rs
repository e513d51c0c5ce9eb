//! What the lists of the large tables visit does not grow with the tables: a hundred thousand rows in each.

use domain::{
    audit::{ActorKind, AuditOutcome},
    cost::CostSource,
    memory::{MemoryStatus, MemoryTier, MemoryType},
    priority::Priority,
};
use provost_store::{AuditFilter, CostFilter, MemoryFilter, StoreError, TaskFilter};
use rusqlite::StatementStatus;

use crate::{
    fixture::{Fixture, Place, block_on},
    plan, referenced, sample,
};

/// Steps of SQLite's machine: a page of fifty rows of forty columns takes some five thousand, a whole table millions.
const MOST_STEPS: i32 = 12_000;
/// Blocks of PostgreSQL: a page of fifty rows takes some hundred and fifty, a whole table thousands.
const MOST_BLOCKS: i64 = 400;

const TABLES: [&str; 5] = ["tasks", "task_history", "memories", "audit_log", "cost_entries"];

#[test]
fn lists_visit_few_rows_of_a_large_sqlite() {
    block_on(async {
        let fixture = filled(Place::on_sqlite()).await;
        let connection = rusqlite::Connection::open(fixture.place().path()).unwrap();
        for sql in reads(&fixture).await {
            let mut statement = connection.prepare(&sql).unwrap();
            let mut rows = statement.raw_query();
            let mut count = 0;
            while rows.next().unwrap().is_some() {
                count += 1;
            }
            drop(rows);
            assert!(count > 0, "nothing was found by {sql}");
            let steps = statement.get_status(StatementStatus::VmStep);
            assert!(steps < MOST_STEPS, "{steps} steps: {sql}");
        }
    });
}

#[test]
fn lists_visit_few_blocks_of_a_large_postgres() {
    let Some(place) = Place::on_postgres() else { return };
    block_on(async {
        let fixture = filled(place).await;
        fixture.place().raw("ANALYZE").unwrap();
        for sql in reads(&fixture).await {
            let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}");
            let rows = fixture.place().raw(&explain).unwrap();
            let plan: serde_json::Value = serde_json::from_str(rows[0][0].as_deref().unwrap()).unwrap();
            let count = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
            assert_ne!(plan[0]["Plan"]["Actual Rows"].as_f64(), Some(0.0), "nothing was found by {sql}");
            let blocks = count("Shared Hit Blocks") + count("Shared Read Blocks");
            assert!(blocks < MOST_BLOCKS, "{blocks} blocks: {sql}\n{plan:#}");
        }
    });
}

async fn filled(place: Place) -> Fixture {
    plan::record();
    let fixture = Fixture::create(place).await;
    let team = fixture.team;
    let (epic, feature) = referenced::feature(&fixture, team);
    let (numbers, id, at, no, digest) = match fixture.place() {
        Place::Sqlite(_) => (
            "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) SELECT n FROM numbers)",
            "printf('01890000-0000-7000-8000-%012x', n)",
            "n",
            "0",
            "zeroblob(32)",
        ),
        Place::Postgres(_) => (
            "generate_series(1, 100000) AS numbers (n)",
            "('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            "'1970-01-01Z'::timestamptz + n * interval '1 microsecond'",
            "false",
            "decode(repeat('00', 32), 'hex')",
        ),
    };
    let fill = format!(
        "BEGIN;
         INSERT INTO tasks (id, team_id, key, title, description, status, agent_type, priority, source, max_retries, created_at,
             updated_at)
         SELECT {id}, '{team}', 'T-' || (1000 + n), 'A task', '', CASE n % 5 WHEN 0 THEN 'blocked' ELSE 'todo' END,
             CASE n % 3 WHEN 0 THEN 'coder' ELSE 'tester' END, n % 10 + 1, 'human', 3, {at}, {at} FROM {numbers};
         INSERT INTO task_history (id, team_id, task_id, task_key, new_status, actor, forced, at)
         SELECT {id}, '{team}', {id}, 'T-0001', 'todo', 'user:ada', {no}, {at} FROM {numbers};
         INSERT INTO memories (id, team_id, namespace, key, content, content_sha256, memory_type, tier, status, source,
             importance, confidence, is_pinned, version, is_deleted, related_to, contradicts, created_by, updated_by, metadata,
             created_at, updated_at)
         SELECT {id}, '{team}', 'user:' || (n % 1000), 'key-' || n, 'words', {digest},
             CASE n % 4 WHEN 0 THEN 'episodic' ELSE 'semantic' END, CASE n % 4 WHEN 0 THEN 'hot' ELSE 'warm' END,
             CASE n % 4 WHEN 0 THEN 'disputed' ELSE 'active' END, 'explicit', 5, 1, {no}, 1, {no}, '[]', '[]', 'user:ada',
             'user:ada', '{{}}', {at}, {at} FROM {numbers};
         INSERT INTO audit_log (id, team_id, at, actor_kind, actor_id, action, target_kind, target_id, digest, outcome)
         SELECT {id}, '{team}', {at}, 'user', 'ada' || (n % 7), CASE n % 20000 WHEN 1 THEN 'team.delete' ELSE 'task.create' END,
             'task', 'task' || (n % 50), {digest}, CASE n % 20000 WHEN 0 THEN 'denied' ELSE 'success' END FROM {numbers};
         INSERT INTO cost_entries (id, team_id, model, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens,
             cost_usd_micros, source, at)
         SELECT {id}, '{team}', CASE n % 20000 WHEN 0 THEN 'rare' ELSE 'model' END, 1, 1, 1, 1, 1,
             CASE n % 20000 WHEN 1 THEN 'imported' ELSE 'reported' END, {at} FROM {numbers};
         UPDATE tasks SET parent_task_id = (SELECT id FROM tasks WHERE key = 'T-1001')
             WHERE key IN ('T-1500', 'T-51500', 'T-101000');
         UPDATE tasks SET epic_id = '{epic}', feature_id = '{feature}' WHERE key IN ('T-2500', 'T-52500', 'T-100999');
         COMMIT;"
    );
    fixture.place().raw(&fill).unwrap();
    fixture
}

/// The texts of the lists, with values that exist.
async fn reads(fixture: &Fixture) -> Vec<String> {
    let read = fixture.store.read(|conn| {
        let team = conn.team(sample::TEAM);
        team.tasks().find_by_key("T-1007".parse().unwrap())?.unwrap();
        for filter in [
            TaskFilter::default(),
            TaskFilter { status: Some("blocked".parse().unwrap()), ..TaskFilter::default() },
            TaskFilter { agent_type: Some("coder".parse().unwrap()), ..TaskFilter::default() },
            TaskFilter { priority: Some(Priority::HIGHEST), ..TaskFilter::default() },
        ] {
            let page = team.tasks().list(&filter, None, 50)?;
            team.tasks().list(&filter, page.next, 50)?;
        }
        // Below one parent, wherever in the team's order its few rows lie.
        let parent = team.tasks().find_by_key("T-1001".parse().unwrap())?.unwrap();
        let place = team.tasks().find_by_key("T-2500".parse().unwrap())?.unwrap();
        for filter in [
            TaskFilter { parent_task_id: Some(parent.id), ..TaskFilter::default() },
            TaskFilter { epic_id: place.epic_id, ..TaskFilter::default() },
            TaskFilter { feature_id: place.feature_id, ..TaskFilter::default() },
        ] {
            team.tasks().list(&filter, None, 50)?;
        }
        team.task_history().list_of_task(parent.id, None, 50)?;
        team.task_history().list_recent(None, 50)?;
        for filter in [
            MemoryFilter::default(),
            MemoryFilter { memory_type: Some(MemoryType::Episodic), ..MemoryFilter::default() },
            MemoryFilter { tier: Some(MemoryTier::Hot), ..MemoryFilter::default() },
            MemoryFilter { status: Some(MemoryStatus::Disputed), ..MemoryFilter::default() },
        ] {
            team.memories().list(&filter, None, 50)?;
        }
        for filter in [
            AuditFilter::default(),
            AuditFilter { actor: Some((ActorKind::User, "ada3".into())), ..AuditFilter::default() },
            AuditFilter {
                target_kind: Some("task".into()),
                target_id: Some("task7".into()),
                ..AuditFilter::default()
            },
            AuditFilter { outcome: Some(AuditOutcome::Denied), ..AuditFilter::default() },
            // Rare, and all but a few.
            AuditFilter { action_prefix: Some("team.".into()), ..AuditFilter::default() },
            AuditFilter { action_prefix: Some("task.".into()), ..AuditFilter::default() },
        ] {
            team.audit_log().list(&filter, None, 50)?;
        }
        for filter in [
            CostFilter::default(),
            CostFilter { model: Some("rare".into()), ..CostFilter::default() },
            CostFilter { source: Some(CostSource::Imported), ..CostFilter::default() },
        ] {
            team.costs().list(&filter, None, 50)?;
        }
        Ok::<_, StoreError>(())
    });
    read.await.unwrap();
    let texts = plan::issued(fixture.place().pick("sqlite", "postgres"));
    let is_meant = |sql: &&String| TABLES.iter().any(|table| sql.contains(&format!("FROM {table} ")));
    let texts: Vec<_> = texts.iter().filter(is_meant).map(|sql| with_values(fixture, sql)).collect();
    assert!(texts.len() >= 22, "{texts:#?}");
    texts
}

/// Puts a value that exists into each place, by the column before it.
fn with_values(fixture: &Fixture, sql: &str) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        text.push_str(&value(fixture, &text));
        rest = &after[digits..];
    }
    text.push_str(rest);
    text
}

fn value(fixture: &Fixture, before: &str) -> String {
    let words: Vec<_> = before.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let column = match words[..] {
        [.., column, "=" | "<" | ">" | "<=" | ">="] => column,
        [.., last] => last,
        [] => "",
    };
    let latest = fixture.place().pick("90000", "'1970-01-01 00:00:00.09Z'");
    match column.rsplit('.').next().unwrap_or_default() {
        "team_id" => format!("'{}'", fixture.team),
        "LIMIT" => "50".to_owned(),
        "key" => "'T-1007'".to_owned(),
        "status" if before.contains("FROM tasks") => "'blocked'".to_owned(),
        "status" => "'disputed'".to_owned(),
        "agent_type" => "'coder'".to_owned(),
        "parent_task_id" | "task_id" => "'01890000-0000-7000-8000-000000000001'".to_owned(),
        column @ ("epic_id" | "feature_id") => {
            let sql = format!("SELECT {column} FROM tasks WHERE key = 'T-2500'");
            format!("'{}'", fixture.place().raw(&sql).unwrap()[0][0].as_deref().unwrap())
        }
        "priority" => "1".to_owned(),
        "memory_type" => "'episodic'".to_owned(),
        "tier" => "'hot'".to_owned(),
        "actor_kind" => "'user'".to_owned(),
        "actor_id" => "'ada3'".to_owned(),
        "target_kind" => "'task'".to_owned(),
        "target_id" => "'task7'".to_owned(),
        "outcome" => "'denied'".to_owned(),
        // That of few lines, looked for behind that of most.
        "action" if before.ends_with("action = ") => "'team.delete'".to_owned(),
        "action" => "'task.create'".to_owned(),
        "model" => "'rare'".to_owned(),
        "source" => "'imported'".to_owned(),
        "is_deleted" => fixture.place().pick("0", "false").to_owned(),
        // Of a cursor: first the time, then the id.
        "id" | "<" => latest.to_owned(),
        other if other == latest || latest.ends_with(other) => {
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'".to_owned()
        }
        other => panic!("no value for {other:?} in {before}"),
    }
}
