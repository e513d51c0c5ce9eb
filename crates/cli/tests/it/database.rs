//! The database: which one is used, its schema's history, and what cannot be opened.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::fixture::Home;

on_both_databases!(a_schema_goes_forward_and_back, auto_migration_can_be_switched_off,);

fn applied(home: &Home) -> Vec<bool> {
    let status = home.json(&["db", "status"]);
    let rows = status["data"].as_array().expect("a list");
    rows.iter().map(|row| !row["applied_at"].is_null()).collect()
}

fn a_schema_goes_forward_and_back(home: &Home) {
    assert!(applied(home).iter().all(|is_applied| !is_applied));
    home.provost(&["db", "migrate"]).succeed().says(&["applied: 1"]);
    home.provost(&["db", "migrate"]).succeed().says(&["the schema is current"]);
    let count = applied(home).len();
    assert_eq!(applied(home), vec![true; count]);
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.provost(&["db", "check"]).succeed().says(&["everything stored is whole"]);
    assert_eq!(home.json(&["db", "check"]), json!({ "data": [] }));

    home.provost(&["db", "rollback"]).exit(3).says(&["nobody can be asked", "--yes"]);
    assert_eq!(applied(home), vec![true; count], "nothing was changed");
    for _ in 0..count {
        home.provost(&["db", "rollback", "--yes"]).succeed().says(&["was taken back"]);
    }
    home.provost(&["db", "rollback", "--yes"]).succeed().says(&["no migration is applied"]);
    assert_eq!(applied(home), vec![false; count]);
    home.play(&json!([[{ "say": "again" }]])).succeed();
    assert_eq!(home.sessions().len(), 1);
    home.assert_well();
}

fn auto_migration_can_be_switched_off(home: &Home) {
    let list = || home.provost(&["session", "list"]).env("PROVOST_DATABASE__AUTO_MIGRATE", "false");
    home.provost(&["db", "status"]).succeed();
    list().exit(3).says(&["provost db migrate"]);
    home.provost(&["db", "migrate"]).succeed();
    list().succeed();
}

#[test]
fn a_rollback_on_a_terminal_asks_first() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    let mut rollback = home.provost(&["db", "rollback"]).on_terminal();
    rollback.expect("type yes to go on").write("y");
    assert_eq!(rollback.finish().0, Some(3));
    assert_eq!(home.sessions().len(), 1);
    let mut rollback = home.provost(&["db", "rollback"]).on_terminal();
    rollback.expect("type yes to go on").write("yes");
    assert_eq!(rollback.finish().0, Some(0));
}

#[test]
fn a_newer_schema_is_refused_on_postgres() {
    let Some(home) = Home::on_postgres() else { return };
    home.provost(&["db", "migrate"]).succeed();
    home.execute(
        "INSERT INTO provost_migrations (version, name, checksum, compatible_from, applied_at)
         SELECT 99, 'from the future', checksum, 99, applied_at FROM provost_migrations WHERE version = 1",
    );
    for arguments in [&["session", "list"][..], &["db", "check"], &["run", "go", "--runtime", "scripted"]] {
        home.provost(arguments).exit(3).says(&["newer"]);
    }
    assert!(home.provost(&["db", "status"]).succeed().text().contains("unknown to this program"));
}

#[test]
fn provosts_own_file_is_private() {
    let home = Home::new();
    home.provost(&["session", "list"]).succeed();
    let mode =
        |path: std::path::PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(home.data("provost.db")), 0o600);
    assert_eq!(mode(home.data("")), 0o700);
    for file in fs::read_dir(home.data("")).expect("a folder") {
        let path = file.expect("an entry").path();
        assert!(path.is_dir() || mode(path.clone()) == 0o600, "{}", path.display());
    }
}

#[test]
fn a_database_that_was_named_and_is_not_there_is_not_created() {
    let home = Home::new();
    let file = home.work("other.db");
    let name = file.display().to_string();
    home.provost(&["session", "list", "--database", &name]).exit(4).says(&[&name, "provost init --database"]);
    home.provost(&["session", "list"]).env("DATABASE_URL", &name).exit(4).says(&[&name]);
    assert!(!file.exists());
    home.provost(&["init", "--database", &name]).succeed();
    home.provost(&["session", "list", "--database", &name]).succeed();
    home.provost(&["session", "list", "--database", "other.db"]).succeed();
    home.provost(&["session", "list"]).env("DATABASE_URL", format!("sqlite://{name}")).succeed();
    assert!(!home.data("provost.db").exists(), "Provost's own file was not used");
}

#[test]
fn who_named_a_database_that_is_not_there_is_told() {
    let home = Home::new();
    let own_file = "names it; where nothing names a database, Provost uses its own file";
    let list = |flags: &[&str]| home.provost(&["session", "list"]).args(flags);
    let missing = |run: crate::fixture::Provost, named_by: &str, create: &str| {
        let said = run.exit(4).stderr;
        assert!(said.contains(&format!("hint: {named_by} {own_file}\n")), "{said}");
        assert!(said.contains(&format!("hint: to create it: {create}\n")), "{said}");
        said
    };
    missing(list(&["--database", "no.db"]), "--database", "provost init --database no.db");
    for variable in ["DATABASE_URL", "PROVOST_DATABASE__URL"] {
        let said =
            missing(list(&[]).env(variable, "no.db"), &format!("the variable {variable}"), "provost init");
        assert!(!said.contains("--database"), "{said}");
    }
    let config = home.write("own.toml", "[database]\nurl = \"no.db\"\n").display().to_string();
    missing(list(&["--config", &config]), &format!("database.url in {config}"), "provost init");
    // Of a file that is no database the same is told.
    let text =
        home.write("work/text.db", &"no database, but long enough\n".repeat(100)).display().to_string();
    list(&["--database", &text]).exit(1).says(&["is not an SQLite database", "--database names it"]);
    home.write(".local/share/provost/provost.db", &"no database, but long enough\n".repeat(100));
    let said = list(&[]).exit(1).says(&["is not an SQLite database"]).stderr;
    assert!(!said.contains("names it") && !said.contains("own file"), "{said}");
}

#[test]
fn a_flag_wins_over_the_variable_database_url() {
    let home = Home::new();
    home.provost(&["init", "--database", "named.db"]).succeed();
    let status = home
        .provost(&["db", "status", "--json", "--database", "named.db"])
        .env("DATABASE_URL", "/nowhere.db");
    let named = home.work("named.db").display().to_string();
    assert_eq!(status.succeed().json()["database"], named);
}

#[test]
fn the_variable_database_url_may_name_a_server() {
    let Some(server) = Home::on_postgres() else { return };
    server.play(&json!([[{ "say": "hi" }]])).succeed();
    let other = Home::new();
    let list = other.provost(&["session", "list", "--json"]).env("DATABASE_URL", server.url());
    assert_eq!(list.succeed().json()["data"].as_array().map(Vec::len), Some(1));
    assert!(!other.data("provost.db").exists());
}

#[test]
fn what_is_no_database_is_left_alone() {
    let home = Home::new();
    let file = home.write("work/notes.txt", &"these are notes, no database\n".repeat(100));
    let name = file.display().to_string();
    for arguments in [&["session", "list"][..], &["db", "migrate"], &["init"], &["db", "check"]] {
        home.provost(arguments).args(&["--database", &name]).exit(1).says(&["notes.txt", "not"]);
    }
    assert!(fs::read_to_string(&file).expect("the notes").starts_with("these are notes"));
    home.provost(&["session", "list", "--database", "mysql://x/y"])
        .exit(2)
        .says(&["mysql://", "postgres://"]);
}

#[test]
fn a_server_that_is_not_there_is_an_error_with_its_address() {
    let home = Home::new();
    let url = "postgres://ada@127.0.0.1:1/x";
    home.provost(&["session", "list", "--database", url]).exit(1).says(&["127.0.0.1"]);
}

#[test]
fn a_row_that_was_damaged_is_found_and_named() {
    let Some(home) = Home::on_postgres() else { return };
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.execute("UPDATE sessions SET next_sequence = next_sequence + 1");
    let outcome = home.provost(&["db", "check", "--json"]).exit(1);
    let findings: Value = outcome.json();
    assert!(findings["data"].as_array().is_some_and(|found| !found.is_empty()), "{findings:#}");
}

#[test]
fn a_wrong_counter_is_mended_when_that_is_asked_for() {
    let Some(home) = Home::on_postgres() else { return };
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.execute("UPDATE sessions SET total_messages = 99");
    home.provost(&["db", "check"]).exit(1).says(&["db check --repair"]);
    let mended =
        home.provost(&["db", "check", "--repair", "--json"]).succeed().says(&["counters: 1 rows repaired"]);
    assert_eq!(mended.json()["data"], json!([]));
    assert!(mended.json()["repaired"].as_array().is_some_and(|repaired| !repaired.is_empty()));
    home.provost(&["db", "check"]).succeed();
    let again = home.json(&["db", "check", "--repair"]);
    assert_eq!(again, json!({ "data": [], "repaired": [] }));
}

on_both_databases!(the_status_tells_size_version_and_rows);

fn the_status_tells_size_version_and_rows(home: &Home) {
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    let status = home.json(&["db", "status"]);
    let version = status["version"].as_str().expect("a version");
    assert!(version.starts_with("SQLite 3.") || version.starts_with("PostgreSQL "), "{version}");
    assert!(status["size_bytes"].as_u64().is_some_and(|size| size > 100_000), "{status:#}");
    assert!(status["log_mode"] == "wal" && status["log_bytes"].is_u64() || status["log_bytes"].is_null());
    assert_eq!(status["rows"]["sessions"], 1);
    assert_eq!(status["rows"].as_object().map(serde_json::Map::len), Some(store::schema::TABLES.len()));
    let plain = home.provost(&["db", "status"]).succeed().says(&[version]);
    assert!(!plain.text().contains("  sessions"));
    assert!(home.provost(&["db", "status", "--counts"]).succeed().text().contains("           1  sessions"));
}
