//! The schema's history: forward and back, on both databases alike.

use std::{collections::BTreeSet, ops::ControlFlow};

use domain::{full_text::TextQuery, timeline::TimelineItem, tool_call::ToolCall};
use provost_store::{
    Migrate, OpenError, OpenOptions, Store, StoreError,
    migration::{self, MigrationError},
    transfer::{self, TransferError},
};
use serde_json::json;

use crate::{
    fixture::{Fixture, Place, block_on},
    governance::approval,
    raw::Rows,
    sample,
};

/// The migration that made what was said searchable.
const SEARCH_BEGAN: u32 = 4;

/// The migration that gave timelines approvals.
const GOVERNANCE_BEGAN: u32 = 5;

fn places() -> impl Iterator<Item = Place> {
    [Some(Place::on_sqlite()), Place::on_postgres()].into_iter().flatten()
}

#[test]
fn forward_back_and_forward_again_gives_the_same_schema() {
    for place in places() {
        let store = open_empty(&place);
        let empty = schema(&place);
        block_on(async {
            let all: Vec<u32> = (1..=migration::LATEST).collect();
            assert_eq!(applied(&store, 1).await, Ok(all.clone()));
            assert_eq!(applied(&store, 2).await, Ok(Vec::new()), "it is current");
            let migrated = schema(&place);
            assert_ne!(migrated, empty);
            for version in all.iter().rev() {
                assert_eq!(store.roll_back().await, Ok(Some(*version)));
            }
            assert_eq!(store.roll_back().await, Ok(None));
            assert_eq!(schema(&place), empty, "back to the beginning leaves nothing");
            assert_eq!(applied(&store, 3).await, Ok(all));
            assert_eq!(schema(&place), migrated);
        });
    }
}

#[test]
fn each_step_back_and_forward_again_gives_the_same_schema() {
    for place in places() {
        let store = open_empty(&place);
        block_on(async {
            store.migrate(sample::time(1)).await.unwrap();
            let mut schemas = vec![schema(&place)];
            while store.roll_back().await.unwrap().is_some() {
                schemas.push(schema(&place));
            }
            assert_eq!(schemas.len(), migration::LATEST as usize + 1);
            let distinct: BTreeSet<_> = schemas.iter().collect();
            assert_eq!(distinct.len(), schemas.len(), "each migration changes something, and back undoes it");
        });
    }
}

#[test]
fn a_database_that_is_in_use_is_migrated_back_and_forward_by_the_same_store() {
    for place in places() {
        block_on(async {
            let fixture = Fixture::create(place).await;
            let session = fixture.insert_session().await;
            fixture.change(session, vec![sample::created_message(session, "a")]).await.unwrap();
            let store = &fixture.store;
            while store.roll_back().await.unwrap().is_some() {}
            let error = store.read(|conn| conn.leases().list()).await.unwrap_err();
            assert!(matches!(error, StoreError::Other { .. }), "{error}");
            store.migrate(sample::time(1)).await.unwrap();
            // Statements that were prepared on the earlier tables work on the new ones.
            assert_eq!(store.read(|conn| conn.leases().list()).await, Ok(Vec::new()));
            assert_eq!(store.write(|tx| tx.teams().insert_if_absent(&sample::team("new"))).await, Ok(true));
        });
    }
}

#[test]
fn what_was_said_before_there_was_a_search_is_found_after() {
    for place in places() {
        block_on(async {
            let fixture = Fixture::create(place).await;
            let session = fixture.insert_session().await;
            let call = ToolCall {
                tool_input: json!({"command": "cargo\nnextest", "numbers": [4711, 0.5], "paths": ["src/main.rs"]}),
                ..sample::tool_call(session)
            };
            // More different words than PostgreSQL takes at once.
            let long: String = (0..400_000).map(|number| format!("word{number} ")).collect();
            let items = vec![
                sample::created_message(session, "in src/main.rs: it_works"),
                sample::created(TimelineItem::ToolCall(call)),
                sample::created_message(session, &long),
            ];
            fixture.change(session, items).await.unwrap();
            let found = async |query: &str| -> Vec<i64> {
                let query = TextQuery::new(query);
                let found =
                    fixture.read(move |team| team.message_search().search(&query, None, 9)).await.unwrap();
                found.iter().map(|place| place.sequence).collect()
            };
            let queries = ["main.rs works", "nextest", "4711", "0.5", "src main rs command", "word7"];
            let mut before = Vec::new();
            for query in queries {
                before.push(found(query).await);
            }
            assert_eq!(before, [vec![1], vec![2], vec![2], vec![2], vec![], vec![3]]);
            while fixture.store.roll_back().await.unwrap() != Some(SEARCH_BEGAN) {}
            fixture.store.migrate(sample::time(1)).await.unwrap();
            for (query, before) in queries.iter().zip(before) {
                assert_eq!(found(query).await, before, "{query}");
            }
        });
    }
}

#[test]
fn the_status_of_migrations_is_said_before_and_after() {
    for place in places() {
        let store = open_empty(&place);
        block_on(async {
            let before = store.read(migration::status).await.unwrap();
            assert_eq!(before.len(), migration::LATEST as usize);
            assert!(before.iter().all(|status| status.applied_at.is_none() && status.matches.is_none()));
            store.migrate(sample::time(1)).await.unwrap();
            let after = store.read(migration::status).await.unwrap();
            let is_applied = |status: &migration::MigrationStatus| {
                status.applied_at == Some(sample::time(1)) && status.matches == Some(true)
            };
            assert!(after.iter().all(is_applied), "{after:?}");
            let newest = migration::LATEST;
            place
                .raw(&format!("UPDATE provost_migrations SET checksum = 'another' WHERE version = {newest}"))
                .unwrap();
            let changed = store.read(migration::status).await.unwrap();
            let changed: Vec<_> = changed.iter().filter(|status| status.matches == Some(false)).collect();
            assert!(matches!(changed[..], [status] if status.version == newest), "{changed:?}");
            let refused = store.roll_back().await.unwrap_err();
            assert_eq!(refused, MigrationError::Changed { version: migration::LATEST });
        });
    }
}

#[test]
fn a_migration_this_program_does_not_know_is_not_taken_back() {
    for place in places() {
        let store = place.open();
        let version = migrate_by_a_newer_program(&place);
        let unknown = MigrationError::Unknown { version };
        assert_eq!(block_on(store.roll_back()), Err(unknown));
    }
}

#[test]
fn a_schema_this_program_cannot_work_on_is_not_brought_forward() {
    for place in places() {
        let store = place.open();
        let version = migrate_by_a_newer_program(&place);
        let export = |conn: &provost_store::Conn| {
            transfer::export(conn, &mut Vec::new(), sample::time(1), &mut |_| ControlFlow::Continue(()))
                .map(drop)
        };
        let other = TransferError::OtherSchema { found: version, known: migration::LATEST };
        assert_eq!(block_on(store.scan(export)), Err(other), "it would leave out what it does not know");
        let newer = OpenError::SchemaNewer { found: version, needed: version, supported: migration::LATEST };
        assert_eq!(block_on(store.migrate(sample::time(1))), Err(newer));
    }
}

#[test]
fn the_numbers_of_a_timeline_stay_without_gaps_when_governance_is_taken_back() {
    for place in places() {
        block_on(async {
            let fixture = Fixture::create(place).await;
            let session = fixture.insert_session().await;
            let asked = sample::created(TimelineItem::Approval(approval(session)));
            let items = vec![asked, sample::created_message(session, "after it")];
            fixture.change(session, items).await.unwrap();
            let store = &fixture.store;
            while store.roll_back().await.unwrap() != Some(GOVERNANCE_BEGAN) {}
            store.migrate(sample::time(1)).await.unwrap();
            assert_eq!(store.scan(provost_store::check).await, Ok(Vec::new()));
        });
    }
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    for place in places() {
        let store = open_empty(&place);
        // In the way of the last table it creates.
        place.raw("CREATE TABLE session_events (id int)").unwrap();
        let before = schema(&place);
        let error = block_on(store.migrate(sample::time(1))).unwrap_err();
        let is_of_the_first =
            |error: &MigrationError| matches!(error, MigrationError::Failed { version: 1, .. });
        assert!(matches!(&error, OpenError::Migration(error) if is_of_the_first(error)), "{error}");
        assert_eq!(schema(&place), before);
        place.raw("DROP TABLE session_events").unwrap();
        assert_eq!(block_on(applied(&store, 1)), Ok((1..=migration::LATEST).collect()));
    }
}

#[test]
fn stores_that_open_a_new_database_at_once_all_succeed() {
    for place in places() {
        let outcomes = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::open(place.options()))).collect();
            opening.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        for outcome in outcomes {
            let store = outcome.unwrap();
            assert_eq!(block_on(store.read(|conn| conn.leases().list())), Ok(Vec::new()));
        }
    }
}

#[test]
fn the_rows_of_the_first_version_survive_every_later_one() {
    for place in places() {
        let store = open_empty(&place);
        block_on(async {
            store.migrate(sample::time(1)).await.unwrap();
            for _ in 1..migration::LATEST {
                store.roll_back().await.unwrap();
            }
        });
        let columns = columns(&place);
        fill_first_version(&place);
        let tables: BTreeSet<&String> = columns.iter().map(|(table, _)| table).collect();
        let rows = || -> Vec<Rows> {
            let of_table = |table: &&String| {
                let names = columns.iter().filter(|(of, _)| of == *table).map(|(_, name)| name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                let known = if *table == "provost_migrations" { "WHERE version = 1" } else { "" };
                let read = format!("SELECT {names} FROM {table} {known} ORDER BY {names}");
                place.raw(&read).unwrap()
            };
            tables.iter().map(of_table).collect()
        };
        let before = rows();
        assert!(before.iter().all(|rows| !rows.is_empty()), "{before:?}");
        block_on(async {
            assert_eq!(applied(&store, 2).await, Ok((2..=migration::LATEST).collect()));
            assert_eq!(rows(), before);
            // What is derived from them is there too, and all of it can be used.
            assert_eq!(store.scan(provost_store::check).await, Ok(Vec::new()));
            for _ in 1..migration::LATEST {
                store.roll_back().await.unwrap();
            }
        });
        assert_eq!(rows(), before, "and the way back");
    }
}

/// A row or more in every table of the first version.
fn fill_first_version(place: &Place) {
    let time = place.pick("1700000000123456", "timestamptz '2023-11-14 22:13:20.123456Z'");
    let yes = place.pick("1", "true");
    let id = |number: u32| format!("'00000000-0000-7000-8000-{number:012}'");
    let (user, team, session, other) = (id(1), id(2), id(3), id(4));
    let sql = format!(
        "INSERT INTO users VALUES ({user}, 'ada@localhost', 'Ada', {yes}, {time}, {time});
         INSERT INTO teams VALUES ({team}, 'default', 'Default', {time}, {time});
         INSERT INTO team_memberships VALUES ({team}, {user}, 'owner', {time});
         INSERT INTO sessions (id, team_id, user_id, name, mode, status, runtime, origin, working_directory, permission_mode,
             timeout_seconds, total_messages, total_tool_calls, total_permission_checks, result, created_at, updated_at,
             last_activity_at, lease_owner, lease_expires_at, next_sequence)
         VALUES ({session}, {team}, {user}, 'first', 'background', 'active', 'scripted', 'run', '/', 'default',
             120, 2, 1, 1, '{{\"a\": 1}}', {time}, {time}, {time}, 'me', {time}, 6),
             ({other}, {team}, NULL, 'second', 'interactive', 'failed', 'claude', 'imported', '/', 'plan',
             120, 0, 0, 0, NULL, {time}, {time}, {time}, NULL, NULL, 1);
         INSERT INTO session_transitions VALUES ({t}, {session}, 1, NULL, 'created', 'begun', 'user', {time});
         INSERT INTO session_commands VALUES ({c}, {session}, 2, 'prompt', '{{}}', 'user', 'done', {time}, {time});
         INSERT INTO messages (id, session_id, sequence, message_type, content, created_at)
         VALUES ({m}, {session}, 3, 'user', '{{\"blocks\": [{{\"type\": \"text\", \"text\": \"hi ü\"}}]}}', {time}),
             ({n}, {session}, 4, 'assistant', '{{\"blocks\": []}}', {time});
         INSERT INTO tool_calls (id, session_id, message_id, sequence, tool_use_id, tool_name, tool_input, status, created_at)
         VALUES ({u}, {session}, {n}, 5, 'use', 'Bash', '{{\"command\": \"make\"}}', 'success', {time});
         INSERT INTO session_events VALUES ({session}, 1, 'transition', {t}, 'created', {time}),
             ({session}, 2, 'command', {c}, 'created', {time}), ({session}, 3, 'message', {m}, 'created', {time}),
             ({session}, 4, 'message', {n}, 'created', {time}), ({session}, 5, 'tool_call', {u}, 'created', {time});",
        t = id(5),
        c = id(6),
        m = id(7),
        n = id(8),
        u = id(9),
    );
    place.raw(&sql).unwrap();
}

/// Notes a migration that this program does not know and cannot work with, and gives its number.
fn migrate_by_a_newer_program(place: &Place) -> u32 {
    let (version, at) = (migration::LATEST + 1, place.pick("0", "now()"));
    let note = format!("INSERT INTO provost_migrations VALUES ({version}, 'newer', '', {version}, {at})");
    place.raw(&note).unwrap();
    version
}

/// The migrations that bringing the schema forward applies.
async fn applied(store: &Store, at: i64) -> Result<Vec<u32>, OpenError> {
    store.migrate(sample::time(at)).await.map(|migrated| migrated.applied)
}

fn open_empty(place: &Place) -> Store {
    Store::open(OpenOptions { migrate: Migrate::Leave, ..place.options() }).unwrap()
}

/// Everything the database knows of its schema.
fn schema(place: &Place) -> Rows {
    // SQLite keeps the last numbers it gave in a table of its own, and never drops it.
    let sqlite = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY type, name";
    let postgres = "
        SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
        FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function', proname, '', prosrc, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'type', typname, '', '', '', '' FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
        ORDER BY 1, 2, 3, 4";
    place.raw(place.pick(sqlite, postgres)).unwrap()
}

/// Each table's columns, but those that full-text search is made of.
fn columns(place: &Place) -> BTreeSet<(String, String)> {
    let sqlite = "
        SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT GLOB '*_words*' AND t.name NOT GLOB 'sqlite_*'";
    let postgres = "
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name <> 'words'";
    let rows = place.raw(place.pick(sqlite, postgres)).unwrap().into_iter();
    rows.map(|row| {
        let [table, column]: [String; 2] =
            row.into_iter().map(Option::unwrap).collect::<Vec<_>>().try_into().unwrap();
        (table, column)
    })
    .collect()
}
