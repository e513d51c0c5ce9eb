//! Copies of the database file: made while it is in use, before a migration, and put back.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::fixture::{Home, Signal, wait_until};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn sessions_of(home: &Home, file: &Path) -> usize {
    let list = home.json(&["session", "list", "--database", &file.display().to_string()]);
    list["data"].as_array().expect("a list").len()
}

#[test]
fn a_backup_is_a_database_that_can_be_put_back() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    let expected = home.timeline();
    let said = home.json(&["db", "backup", "copy.db"]);
    let copy = home.work("copy.db");
    assert_eq!(said["file"], copy.display().to_string());
    assert_eq!(said["size_bytes"], fs::metadata(&copy).expect("a file").len());
    assert_eq!(mode(&copy), 0o600);
    assert!(!home.work("copy.db-wal").exists(), "one file is all of it");
    let before = fs::read(&copy).expect("a file");
    home.provost(&["db", "backup", "copy.db"]).exit(3).says(&["exists", "--force"]);
    assert!(fs::read(&copy).expect("a file") == before);
    home.provost(&["db", "backup", "copy.db", "--force"]).succeed().says(&["looked through"]);

    // Into a home that never saw a database, and then into none that has rows.
    let other = Home::new();
    let name = copy.display().to_string();
    other.provost(&["db", "restore", &name]).succeed().says(&["as it was"]);
    assert_eq!(mode(&other.data("provost.db")), 0o600);
    assert_eq!(other.timeline(), expected);
    other.assert_no_process();
    other.provost(&["db", "restore", &name]).exit(3).says(&["not empty", "has rows"]);
    // Into a database without rows, which others may have open.
    let empty = Home::new();
    empty.provost(&["db", "migrate"]).succeed();
    empty.provost(&["db", "restore", &name]).succeed();
    assert_eq!(empty.timeline(), expected);
    // Under a name of its own.
    home.provost(&["db", "restore", "copy.db", "--database", "again.db"]).succeed();
    assert_eq!(sessions_of(&home, &home.work("again.db")), 1);
    let left: Vec<_> = fs::read_dir(home.path("work"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("partial")), "{left:?}");
}

#[test]
fn what_is_no_backup_is_not_put_back() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.provost(&["db", "backup", "copy.db"]).succeed();
    let mut damaged = fs::read(home.work("copy.db")).expect("a file");
    let half = damaged.len() / 2;
    home.write("work/half.db", "").display().to_string();
    fs::write(home.work("half.db"), &damaged[..half]).expect("written");
    damaged[half..half + 40_000].fill(0xff);
    fs::write(home.work("damaged.db"), damaged).expect("written");
    home.write("work/notes.db", &"these are notes\n".repeat(1000));
    home.write("work/empty.db", "");
    let target = home.work("new.db");
    let name = target.display().to_string();
    for (file, code) in
        [("nowhere.db", 4), ("notes.db", 1), ("empty.db", 3), ("half.db", 1), ("damaged.db", 1)]
    {
        home.provost(&["db", "restore", file, "--database", &name]).exit(code).says(&["error:"]);
        assert!(!target.exists(), "{file}");
    }
    // The log of a database that is gone would be added to what is put in its place.
    for log in ["new.db-wal", "new.db-journal"] {
        let left = home.write(&format!("work/{log}"), "x");
        home.provost(&["db", "restore", "copy.db", "--database", &name]).exit(1).says(&[log]);
        assert!(!target.exists());
        fs::remove_file(left).expect("a file");
    }
    home.provost(&["db", "backup", &home.data("provost.db").display().to_string(), "--force"])
        .exit(1)
        .says(&["the database itself"]);
    home.provost(&["db", "backup", "no/folder.db"]).exit(1).says(&["no/folder.db"]);
    home.provost(&["db", "backup"]).exit(2);
    assert_eq!(home.sessions().len(), 1);
}

#[test]
fn a_backup_is_made_while_others_write() {
    let home = Home::new();
    home.play(&json!([[{ "say": "first" }]])).succeed();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut sessions = 1;
            while !is_done.load(Ordering::Relaxed) {
                home.play(&json!([[{ "say": "more" }]])).succeed();
                sessions += 1;
            }
            sessions
        });
        for number in 0..5 {
            let file = format!("copy{number}.db");
            home.provost(&["db", "backup", &file]).succeed();
            assert!(sessions_of(&home, &home.work(&file)) >= 1);
        }
        is_done.store(true, Ordering::Relaxed);
        let written = writer.join().expect("a writer");
        assert_eq!(home.sessions().len(), written);
    });
}

#[test]
fn a_copy_that_is_killed_half_way_has_no_name_and_is_made_again() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    home.execute("CREATE TABLE padding (x); INSERT INTO padding VALUES (zeroblob(200000000))");
    let (copy, new) = (home.work("copy.db"), home.work("new.db"));
    let new_name = new.display().to_string();
    let restore = ["db", "restore", "copy.db", "--database", &new_name];
    for (command, target) in [(&["db", "backup", "copy.db"][..], &copy), (&restore[..], &new)] {
        for signal in [Signal::INT, Signal::KILL] {
            stop_half_way(&home, command, target, signal);
            assert!(!target.exists());
        }
        home.provost(command).succeed();
        assert_eq!(sessions_of(&home, target), 1);
    }
}

/// Starts a copy, sends the signal once a part of it is there, and looks at what is left.
fn stop_half_way(home: &Home, command: &[&str], target: &Path, signal: Signal) {
    let copying = home.provost(command).start();
    let partial = format!(".{}.partial", target.file_name().expect("a name").display());
    let partials = || {
        let files = fs::read_dir(home.path("work")).expect("a folder").map(|file| file.expect("a file"));
        files.filter(|file| file.file_name().to_string_lossy().starts_with(&partial))
    };
    assert!(wait_until(|| partials().any(|file| file.metadata().is_ok_and(|file| file.len() > 10_000_000))));
    copying.signal(signal);
    let outcome = copying.finish();
    if signal == Signal::KILL {
        assert_eq!(outcome.code, None);
    } else {
        assert_eq!(outcome.code, Some(1));
        outcome.says(&["stopped"]);
        assert!(partials().next().is_none(), "it clears away what it began");
    }
}

#[test]
fn a_populated_database_is_copied_before_it_is_migrated() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    let latest = store::migration::LATEST;
    let copy = |suffix: &str| home.data(&format!("provost.db.before-{latest}{suffix}"));
    // A new database has nothing to lose.
    assert!(!copy("").exists());
    home.provost(&["db", "rollback", "--yes"]).succeed();
    let migrated = home.provost(&["db", "migrate"]).succeed();
    let path = copy("").display().to_string();
    migrated.says(&[&path, &format!("applied: {latest}")]);
    assert_eq!(mode(&copy("")), 0o600);
    // The copy is what was there: one version older, and whole.
    let status = home.json(&["db", "status", "--database", &path]);
    let applied =
        status["data"].as_array().expect("a list").iter().filter(|row| !row["applied_at"].is_null());
    assert_eq!(applied.count(), latest as usize - 1);
    let before = fs::read(copy("")).expect("a file");
    // The next one has a name of its own, and a start tells of it too.
    home.provost(&["db", "rollback", "--yes"]).succeed();
    home.provost(&["session", "list"]).succeed().says(&[&copy(".2").display().to_string()]);
    assert!(fs::read(copy("")).expect("a file") == before);
    assert_eq!(home.sessions().len(), 1);
    assert!(!copy(".3").exists());
    home.provost(&["db", "rollback", "--yes"]).succeed();
    let said: Value = home.json(&["db", "migrate"]);
    assert_eq!(said["backup"], copy(".3").display().to_string());
}

#[test]
fn a_server_has_its_own_tools() {
    let Some(home) = Home::on_postgres() else { return };
    home.provost(&["db", "migrate"]).succeed();
    home.provost(&["db", "backup", "copy.db"]).exit(3).says(&["on a server", "pg_dump", "db export"]);
    home.provost(&["db", "restore", "copy.db"]).exit(3).says(&["on a server", "pg_restore", "db import"]);
}
