//! How the databases would find the rows of each statement: by searching an index, never by looking at all of it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, Once, PoisonError},
};

use serde_json::Value as Json;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::fixture::Place;

/// Statements that look at more than they give, each with the reason: a piece of its text and why it may.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("length($2)) = $2", "a person typed the end of an id; no index knows ends"),
    (
        "WHERE lease_owner IS NOT NULL ORDER BY",
        "wants all of a partial index that holds only running sessions",
    ),
    (
        "LIMIT 1 FOR UPDATE SKIP LOCKED",
        "begins at the front of a partial index that holds only what is queued",
    ),
    (
        "ORDER BY priority, queued_at, id LIMIT 1)",
        "begins at the front of a partial index that holds only what is queued",
    ),
    ("FROM search_pending ORDER BY", "begins at the front of a table that holds only what waits"),
    ("sqlite_schema", "the history of migrations, once at start; what the database says of its schema"),
    ("pg_class", "what the database says of its schema"),
    ("pg_tables", "the history of migrations, once at start"),
    ("provost_migrations", "the history of migrations, once at start"),
];

/// Statements that ask for a few rows of a session, which are not to be found by going through all of them: a piece of their text,
/// and the index that SQLite is to use.
const BY_INDEX: &[(&str, &str)] = &[
    ("t.session_id = $2 AND t.tool_use_id = $3", "tool_calls_use"),
    ("t.status IN ('pending', 'running') ORDER BY", "tool_calls_open"),
    ("t.status IN ('queued', 'delivered') ORDER BY", "session_commands_open"),
    ("(c.status = 'queued') IS TRUE", "session_commands_open"),
];

static ISSUED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Notes every statement the store issues from here on.
pub(crate) fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
}

/// The statements issued so far on this database that should be searches.
pub(crate) fn issued(database: &str) -> Vec<String> {
    let is_checked = |sql: &str| {
        let verb = sql.trim_start().split(' ').next().unwrap_or_default();
        ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb)
            && !EXCEPTIONS.iter().any(|(piece, _)| sql.contains(piece))
    };
    let issued = ISSUED.lock().unwrap_or_else(PoisonError::into_inner);
    let texts = issued.iter().filter(|(on, sql)| on == database && is_checked(sql));
    texts.map(|(_, sql)| sql.clone()).collect()
}

/// Fails when a statement issued so far would look at a whole table or a whole index, or at a whole session for a few rows of it.
pub(crate) fn assert_searched(place: &Place) {
    let issued = issued(place.pick("sqlite", "postgres"));
    assert!(!issued.is_empty(), "nothing was recorded");
    let unsearched: Vec<String> = issued
        .iter()
        .filter_map(|sql| scans(place, sql).map(|plan| format!("{sql}\n    is answered by\n{plan}")))
        .collect();
    assert!(unsearched.is_empty(), "not by an index:\n{}", unsearched.join("\n"));
}

/// The plan, when it looks at all of something.
fn scans(place: &Place, sql: &str) -> Option<String> {
    match place {
        Place::Sqlite(_) => sqlite_scans(place, sql),
        Place::Postgres(_) => postgres_scans(place, sql),
    }
}

fn sqlite_scans(place: &Place, sql: &str) -> Option<String> {
    let rows = place.raw(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps: Vec<String> = rows.into_iter().map(|mut row| row.pop().flatten().unwrap()).collect();
    let mut wanted = BY_INDEX.iter().filter(|(piece, _)| sql.contains(piece));
    let goes_through = wanted.any(|(_, index)| !steps.iter().any(|step| step.contains(index)));
    (goes_through || steps.iter().any(|step| is_scan(step))).then(|| steps.join("\n"))
}

/// Whether a step of SQLite's plan goes through all of something that grows.
fn is_scan(step: &str) -> bool {
    // A virtual table that was given something to look for, such as words, is searched.
    let is_search = step.contains(" VIRTUAL TABLE INDEX ") && !step.ends_with(" INDEX 0:");
    // These may be gone through: a bounded page of a search, what a walk reached, the rows that a statement brings itself, and what a subquery
    // found, because how it did is a step of its own.
    let is_bounded = ["SCAN page", "SCAN newest", "SCAN reached"].contains(&step)
        || step.ends_with("-ROW VALUES CLAUSE")
        || step.starts_with("SCAN (subquery-");
    step.starts_with("SCAN ") && !is_search && !is_bounded
}

fn postgres_scans(place: &Place, sql: &str) -> Option<String> {
    // The tables are tiny here, where a scan would be right; without it, the plan shows what an index can do.
    let explain = format!("SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN, FORMAT JSON) {sql}");
    let rows = place.raw(&explain).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let plan = rows[0][0].as_deref().unwrap();
    has_scan(&serde_json::from_str(plan).unwrap()).then(|| plan.to_owned())
}

fn has_scan(node: &Json) -> bool {
    match node {
        Json::Array(nodes) => nodes.iter().any(has_scan),
        Json::Object(fields) => {
            let kind = fields.get("Node Type").and_then(Json::as_str).unwrap_or_default();
            // An index that gives rows by their distance is searched too.
            let is_searched = fields.contains_key("Index Cond") || fields.contains_key("Order By");
            let is_whole_index = kind.contains("Index") && !is_searched;
            kind == "Seq Scan" || is_whole_index || fields.values().any(has_scan)
        }
        _ => false,
    }
}

/// Keeps the texts of statements and nothing else.
struct Recorder;

#[derive(Default)]
struct Statement {
    database: String,
    sql: String,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "database" => value.clone_into(&mut self.database),
            "sql" => value.clone_into(&mut self.sql),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "provost_store::statement"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let mut issued = ISSUED.lock().unwrap_or_else(PoisonError::into_inner);
        issued.insert((statement.database, statement.sql));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
