//! A whole database as lines: out of one, into another of either kind.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::fixture::{Home, Signal};

on_both_databases! {
    an_export_comes_back_the_same,
    a_database_that_is_not_empty_takes_no_import,
    an_import_that_is_wrong_leaves_nothing,
}

/// The lines of an export without the first, which says when and where.
fn rows(home: &Home) -> Vec<String> {
    let outcome = home.provost(&["db", "export"]).succeed();
    outcome.text().lines().skip(1).map(str::to_owned).collect()
}

/// Exports the database into a file, and gives its path.
fn export(home: &Home) -> String {
    let file = home.work("export.jsonl").display().to_string();
    home.provost(&["db", "export", &file, "--force"]).succeed().says(&["rows of"]);
    file
}

fn some_rows(home: &Home) {
    home.play(&json!([[{ "say": "hi" }, { "say": "\u{0}ü\n" }]])).succeed();
}

#[test]
fn every_table_goes_from_postgres_to_sqlite_and_back() {
    let (Some(first), Some(last)) = (Home::on_postgres(), Home::on_postgres()) else { return };
    first.fill();
    let expected = rows(&first);
    let footer: Value = serde_json::from_str(expected.last().expect("a footer")).expect("JSON");
    let tables = footer["end"]["tables"].as_object().expect("tables");
    let all = store::schema::TABLES.iter().map(|meaning| meaning.table);
    let without_rows: Vec<_> = all.filter(|table| !tables.contains_key(*table)).collect();
    assert_eq!(without_rows, ["search_pending", "message_search", "provost_migrations"]);

    let between = Home::new();
    between.provost(&["db", "import", &export(&first)]).succeed();
    assert_eq!(rows(&between), expected);
    last.provost(&["db", "import", &export(&between)]).succeed();
    assert_eq!(rows(&last), expected);
    last.execute(
        "DO $$ BEGIN
             IF nextval(pg_get_serial_sequence('memories', 'number')) <= (SELECT max(number) FROM memories) THEN
                 RAISE EXCEPTION 'a number would be given twice';
             END IF;
             IF (SELECT count(*) FROM message_search) = 0 THEN RAISE EXCEPTION 'nothing can be found'; END IF;
         END $$",
    );
}

fn an_export_comes_back_the_same(home: &Home) {
    some_rows(home);
    let (expected, file) = (rows(home), export(home));
    assert!(expected.len() > 5);
    let other = Home::new();
    let summary = other.provost(&["db", "import", &file, "--json"]).succeed().json();
    assert_eq!(summary["rows"], expected.len() - 1);
    assert_eq!(rows(&other), expected);
    other.provost(&["db", "check"]).succeed();
    // From one process into the other, into a file that is new.
    let text = fs::read(&file).expect("a file");
    let named = other.work("named.db").display().to_string();
    other.provost(&["db", "import", "--database", &named]).input(text).succeed();
    assert_eq!(
        other.provost(&["db", "export", "-", "--database", &named]).succeed().text().lines().count(),
        expected.len() + 1
    );
}

fn a_database_that_is_not_empty_takes_no_import(home: &Home) {
    some_rows(home);
    let (before, file) = (rows(home), export(home));
    home.provost(&["db", "import", &file]).exit(3).says(&["not empty", "has rows"]);
    assert_eq!(rows(home), before);
}

fn an_import_that_is_wrong_leaves_nothing(home: &Home) {
    let source = Home::new();
    some_rows(&source);
    let text = fs::read_to_string(export(&source)).expect("a file");
    let lines: Vec<&str> = text.lines().collect();
    let at = |piece: &str| lines.iter().position(|line| line.contains(piece)).expect("a line");
    let changed = |index: usize, line: &str| {
        let mut lines = lines.clone();
        lines[index] = line;
        lines.join("\n") + "\n"
    };
    let session = at("\"t\":\"sessions\"");
    let (message, place) = (at("\"text\":\"hi\""), format!("line {}, sessions", session + 1));
    let last = lines.len() - 1;
    let without_team = lines[session].replace("\"team_id\":\"", "\"team_id\":\"ffff");
    for (text, words) in [
        (String::new(), &["no export"][..]),
        ("hello\n".to_owned(), &["no export"]),
        ("{\"hello\":1}\n".to_owned(), &["line 1", "no export"]),
        (changed(session, "{\"t\":\"sess"), &[&format!("line {}", session + 1)]),
        (changed(session, "[]"), &[&format!("line {}", session + 1)]),
        (changed(session, "{\"t\":\"sessions\",\"r\":{}}"), &[&place, "is missing"]),
        (
            changed(session, &lines[session].replace("\"t\":\"sessions\"", "\"t\":\"nothings\"")),
            &["no such table"],
        ),
        (
            changed(session, &lines[session].replace("\"fence\":", "\"fance\":")),
            &["sessions.fence", "is missing"],
        ),
        (changed(session, &lines[session].replace("\"r\":{", "\"r\":{\"more\":1,")), &["sessions.more"]),
        (changed(session, &lines[session].replace("\"fence\":1", "\"fence\":\"x\"")), &["sessions.fence"]),
        (changed(session, &lines[session].replace("\"mode\":\"", "\"mode\":\"un")), &[&place]),
        (changed(session, &without_team), &[&format!("line {}", session + 1)]),
        (changed(message, &lines[message].replace("\"hi\"", "\"ho\"")), &["messages", "digest"]),
        (changed(message, lines[message - 1]), &["line"]),
        (lines[..last].join("\n") + "\n", &["without its last line"]),
        (text[..text.len() / 2].to_owned(), &["line"]),
        (text.clone() + "{}\n", &["after the last line"]),
        (
            changed(last, &lines[last].replace("\"sessions\":{\"rows\":1", "\"sessions\":{\"rows\":2")),
            &["sessions", "2 expected"],
        ),
    ] {
        let said = home.provost(&["db", "import"]).input(text).exit(1);
        said.says(words);
    }
    for header in
        [lines[0].replace("\"version\":1", "\"version\":9"), lines[0].replace("\"schema\":", "\"schema\":9")]
    {
        home.provost(&["db", "import"]).input(changed(0, &header)).exit(3).says(&["version"]);
    }
    home.provost(&["db", "import", "nowhere.jsonl"]).exit(4).says(&["nowhere.jsonl"]);
    // Nothing of all that is there, so it can still be done right.
    home.provost(&["db", "import"]).input(text.clone()).succeed();
    assert_eq!(rows(home).join("\n"), lines[1..].join("\n"));
}

#[test]
fn values_that_are_huge_go_through() {
    let (Some(first), Some(last)) = (Home::on_postgres(), Home::on_postgres()) else { return };
    some_rows(&first);
    // More words than a server indexes of one text, and a line of many megabytes.
    first.execute(
        "UPDATE messages SET content = jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object(
             'type', 'text', 'text', (SELECT string_agg('word' || n, '-') FROM generate_series(1, 300000) n))));
         UPDATE teams SET name = repeat('é', 8000000)",
    );
    let (expected, between) = (rows(&first), Home::new());
    between.provost(&["db", "import", &export(&first)]).succeed();
    assert!(rows(&between) == expected);
    last.provost(&["db", "import", &export(&between)]).succeed();
    assert!(rows(&last) == expected);
}

#[test]
fn an_export_is_of_one_moment() {
    let home = Home::new();
    some_rows(&home);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                some_rows(&home);
            }
        });
        for number in 0..3 {
            let text = home.provost(&["db", "export"]).succeed().stdout;
            // References, counts and digests are all looked at.
            let name = home.work(&format!("copy{number}.db")).display().to_string();
            home.provost(&["db", "import", "--database", &name]).input(text).succeed();
        }
        is_done.store(true, Ordering::Relaxed);
        writer.join().expect("a writer");
    });
}

#[test]
fn an_import_that_is_killed_half_way_leaves_nothing() {
    let source = Home::new();
    some_rows(&source);
    // More than waits in the pipe and in memory: most of it has become rows when all was taken.
    source.execute("UPDATE session_transitions SET reason = printf('%.*c', 2000000, 'x')");
    let text = fs::read_to_string(export(&source)).expect("a file");
    let home = Home::new();
    home.provost(&["db", "migrate"]).succeed();
    let mut import = home.provost(&["db", "import"]).start();
    for line in text.lines().take(text.lines().count() - 1) {
        import.write(line);
    }
    // It waits for the last line, which never comes, in the middle of its transaction.
    import.signal(Signal::KILL);
    assert_eq!(import.finish().code, None);
    home.provost(&["db", "import", &export(&source)]).succeed();
    assert_eq!(rows(&home), rows(&source));
}

#[test]
fn an_export_is_private_and_replaces_nothing_unasked() {
    let home = Home::new();
    some_rows(&home);
    let file = home.work("export.jsonl");
    home.provost(&["db", "export", "export.jsonl"]).succeed();
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let before = fs::read(&file).expect("a file");
    home.provost(&["db", "export", "export.jsonl"]).exit(3).says(&["exists", "--force"]);
    assert_eq!(fs::read(&file).expect("a file"), before);
    home.provost(&["db", "export", "export.jsonl", "--force"]).succeed();
    home.provost(&["db", "export", "no/folder/export.jsonl"]).exit(1).says(&["no/folder"]);
    home.shell("$provost db export | head -1 | grep -q provost-export").succeed();
    let names =
        fs::read_dir(home.path("work")).expect("a folder").map(|entry| entry.expect("a file").file_name());
    let partial: Vec<_> = names.filter(|name| name.to_string_lossy().contains("partial")).collect();
    assert!(partial.is_empty(), "{partial:?}");
}
