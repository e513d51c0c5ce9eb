//! The schema is the same on both databases, as far as each can say it.

use std::collections::{BTreeMap, BTreeSet};

use provost_store::{Store, schema};

use crate::fixture::{Place, block_on};

/// Two stores with the current schema; `None` when tests without PostgreSQL were asked for.
fn both() -> Option<[(Place, Store); 2]> {
    let places = [Place::on_sqlite(), Place::on_postgres()?];
    Some(places.map(|place| {
        let store = place.open();
        (place, store)
    }))
}

/// The same question to both databases, whose answers must be the same.
fn assert_same(what: &str, sqlite: &BTreeSet<String>, postgres: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    let (on_sqlite, on_postgres) = (only(sqlite, postgres), only(postgres, sqlite));
    assert!(
        on_sqlite.is_empty() && on_postgres.is_empty(),
        "{what} differ\nonly on SQLite:\n  {}\nonly on PostgreSQL:\n  {}",
        on_sqlite.join("\n  "),
        on_postgres.join("\n  "),
    );
    assert!(sqlite.len() > 10, "{what}: {sqlite:?}");
}

fn first_columns(place: &Place, sqlite: &str, postgres: &str) -> BTreeSet<String> {
    let rows = place.raw(place.pick(sqlite, postgres)).unwrap();
    rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn tables_columns_keys_and_references_are_the_same() {
    let Some(both) = both() else { return };
    let [sqlite, postgres] = both.each_ref().map(|(_, store)| {
        let tables = block_on(store.read(schema::tables)).unwrap();
        let mut said = BTreeSet::new();
        for table in tables {
            let name = &table.name;
            for column in table.columns.iter().filter(|column| column.kind != schema::Kind::Words) {
                let (kind, required) = (column.kind.portable(), column.is_required);
                // Any whole key would number itself in SQLite; the history's is always given.
                let is_numbered = column.is_numbered && name != "provost_migrations";
                said.insert(format!(
                    "{name}.{} {kind:?} required {required} numbered {is_numbered}",
                    column.name
                ));
            }
            said.insert(format!("{name} key {:?} append-only {}", table.key, table.is_append_only));
            for reference in &table.references {
                let schema::Reference { column, table, to, on_delete } = reference;
                said.insert(format!("{name}.{column} -> {table}.{to} {on_delete}"));
            }
        }
        said
    });
    assert_same("tables", &sqlite, &postgres);
}

#[test]
fn every_table_has_its_meaning() {
    let Some(both) = both() else { return };
    let known: BTreeSet<_> = schema::TABLES.iter().map(|meaning| meaning.table.to_owned()).collect();
    assert_eq!(known.len(), schema::TABLES.len(), "no table is named twice");
    for (place, _) in &both {
        let sqlite = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '*_words*' AND name NOT GLOB 'sqlite_*'";
        let postgres = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(first_columns(place, sqlite, postgres), known);
    }
}

#[test]
fn unique_keys_are_the_same() {
    let Some([(sqlite, _), (postgres, _)]) = both() else { return };
    // Those that belong to a table and not to an index of their own.
    let sql = "
        SELECT t.name || ' (' || (SELECT group_concat(c.name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) c) || ')'
        FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.origin = 'u' AND t.name NOT GLOB '*_words*'";
    let other = "
        SELECT c.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.place)
            FROM unnest(u.conkey) WITH ORDINALITY AS k (number, place) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number) || ')'
        FROM pg_constraint u JOIN pg_class c ON c.oid = u.conrelid WHERE u.contype = 'u' AND c.relnamespace = 'public'::regnamespace";
    let keys = |place: &Place| first_columns(place, sql, other);
    assert_same("unique keys", &keys(&sqlite), &keys(&postgres));
}

#[test]
fn indexes_are_the_same() {
    let Some([(sqlite, _), (postgres, _)]) = both() else { return };
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    // Words are indexed by virtual tables in SQLite.
    let other = "
        SELECT indexdef FROM pg_indexes x WHERE schemaname = 'public' AND indexdef NOT LIKE '% USING gin %'
        AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = x.indexname AND contype IN ('p', 'u'))";
    let indexes = |place: &Place| {
        let texts = first_columns(place, sql, other);
        texts.iter().map(|text| normal(&text.replace("public.", "").replace("USING btree ", ""))).collect()
    };
    assert_same("indexes", &indexes(&sqlite), &indexes(&postgres));
}

#[test]
fn texts_that_lists_are_ordered_by_are_in_the_order_of_their_bytes() {
    let Some([_, (postgres, _)]) = both() else { return };
    let sql = "
        SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
        WHERE c.collname = 'C' AND a.attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)";
    let pinned = first_columns(&postgres, "", sql);
    for column in [
        "audit_log.action",
        "memories.key",
        "model_prices.model",
        "session_state.key",
        "transcript_segments.path_key",
    ] {
        assert!(pinned.contains(column), "{column} is ordered by the locale of the database");
    }
}

#[test]
fn checks_are_the_same() {
    let Some([(sqlite, _), (postgres, _)]) = both() else { return };
    let tables = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '*_words*' AND name NOT GLOB 'sqlite_*'";
    let mut on_sqlite = BTreeSet::new();
    for row in sqlite.raw(tables).unwrap() {
        let [Some(table), Some(text)] = &row[..] else { continue };
        let checks = checks(text).filter(|check| !is_of_sqlite_alone(check));
        on_sqlite.extend(checks.map(|check| format!("{table} {}", normal(check))));
    }
    let constraints = "
        SELECT conrelid::regclass::text, pg_get_expr(conbin, conrelid) FROM pg_constraint
        WHERE contype = 'c' AND connamespace = 'public'::regnamespace";
    let rows = postgres.raw(constraints).unwrap().into_iter();
    let on_postgres =
        rows.map(|row| format!("{} {}", row[0].as_ref().unwrap(), normal(row[1].as_ref().unwrap())));
    assert_same("checks", &on_sqlite, &on_postgres.collect());
}

#[test]
fn the_same_tables_are_append_only() {
    let Some([(sqlite, _), (postgres, _)]) = both() else { return };
    let sql = "SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%append-only''%'";
    let other = "SELECT tgrelid::regclass FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'keep_append_only'";
    let guarded = |place: &Place| first_columns(place, sql, other);
    assert_same("append-only tables", &guarded(&sqlite), &guarded(&postgres));
    // Each refuses both ways out: a change and a removal.
    let triggers =
        "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%append-only%'";
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    for row in sqlite.raw(triggers).unwrap() {
        let [Some(table), Some(text)] = &row[..] else { continue };
        refused.entry(table.clone()).or_default().push_str(text);
    }
    for (table, texts) in refused {
        assert!(texts.contains("BEFORE DELETE") && texts.contains("BEFORE UPDATE"), "{table}");
    }
}

#[test]
fn what_maintenance_may_blank_is_the_same() {
    let Some([(sqlite, _), (postgres, _)]) = both() else { return };
    let mut on_sqlite = BTreeSet::new();
    let triggers = "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%_blank'";
    for row in sqlite.raw(triggers).unwrap() {
        let [Some(table), Some(text)] = &row[..] else { continue };
        let columns = text.split_once("UPDATE OF ").unwrap().1.split_once(" ON ").unwrap().0;
        on_sqlite.extend(columns.split(", ").map(|column| format!("{table}.{column}")));
    }
    let arguments = "
        SELECT t.tgrelid::regclass::text, trim(trailing ',' FROM replace(encode(t.tgargs, 'escape'), '\\000', ','))
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'keep_append_only' AND t.tgnargs > 0";
    let mut on_postgres = BTreeSet::new();
    for row in postgres.raw(arguments).unwrap() {
        let [Some(table), Some(columns)] = &row[..] else { continue };
        on_postgres.extend(columns.split(',').map(|column| format!("{table}.{column}")));
    }
    assert_same("columns that may be blanked", &on_sqlite, &on_postgres);
}

/// The conditions of the checks in the text of a table.
fn checks(text: &str) -> impl Iterator<Item = &str> {
    text.split("CHECK (").skip(1).map(|rest| {
        let mut depth = 1;
        let end = rest.char_indices().find(|(_, letter)| {
            depth += match letter {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        &rest[..end.unwrap().0]
    })
}

/// PostgreSQL has types for booleans, documents and embeddings.
fn is_of_sqlite_alone(check: &str) -> bool {
    check.ends_with("IN (0, 1)") || check.starts_with("json_valid(") || check.contains(") % 4 = 0")
}

/// A condition without what PostgreSQL adds to it or says otherwise when it is asked.
fn normal(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for kind in ["::text[]", "::text", "::bigint", "::double precision", "::numeric", "::integer"] {
        text = text.replace(kind, "");
    }
    text = text.replace("!=", "<>").replace(" IS NOT NULL", " EXISTS").replace(" IS NULL", " LACKS");
    while let Some((before, rest)) = text.split_once("= ANY (ARRAY[") {
        let (list, after) = rest.split_once("])").unwrap();
        text = format!("{before}IN ({list}{after}");
    }
    // `x BETWEEN 1 AND 10` comes back as `((x >= 1) AND (x <= 10))`.
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    while let Some(at) = words.iter().position(|word| word == "BETWEEN") {
        let name = words[at - 1].trim_start_matches('(').to_owned();
        words[at] = ">=".to_owned();
        let bound = words.remove(at + 3);
        words.splice(at + 3..at + 3, [name, "<=".to_owned(), bound]);
    }
    words.join(" ").replace(['(', ')'], "").to_lowercase()
}
