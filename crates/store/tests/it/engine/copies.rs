//! Copies of a file: before a migration, and put back.

use std::{fs, ops::ControlFlow, path::Path};

use provost_store::{BackupError, Migrate, OpenError, OpenOptions, SqliteFile, Store, migration};

use crate::{
    fixture::{Place, block_on, sqlite_file},
    raw, sample,
};

/// A file with a team, and so much besides that copying it takes several steps.
fn large(place: &Place) -> SqliteFile {
    let store = place.open();
    block_on(store.write(|tx| tx.teams().insert_if_absent(&sample::team("first")))).unwrap();
    block_on(store.close());
    place.raw("CREATE TABLE padding AS SELECT zeroblob(20000000) AS zeros").unwrap();
    sqlite_file(place.path())
}

fn teams(path: &Path) -> raw::Rows {
    raw::sqlite(path, "SELECT slug FROM teams").unwrap()
}

/// The names of the files in a database's folder that hold `part`.
fn files(place: &Place, part: &str) -> Vec<String> {
    let names = fs::read_dir(place.path().parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(part)).collect()
}

#[test]
fn what_is_written_while_a_copy_is_put_back_is_kept() {
    let (source, target) = (Place::on_sqlite(), Place::on_sqlite());
    let source = large(&source);
    let store = target.open();
    let mut has_written = false;
    let restored = sqlite_file(target.path()).restore(&source.path, &mut |_| {
        if !has_written {
            block_on(store.write(|tx| tx.teams().insert_if_absent(&sample::team("meanwhile")))).unwrap();
            has_written = true;
        }
        ControlFlow::Continue(())
    });
    assert!(has_written);
    let Err(BackupError::NotEmpty { table, .. }) = restored else { panic!("{restored:?}") };
    assert_eq!(table, "teams");
    assert_eq!(teams(&target.path()), [[Some("meanwhile".to_owned())]]);
}

#[test]
fn a_target_that_somebody_holds_is_waited_for_as_long_as_for_any_write() {
    let (source, target) = (Place::on_sqlite(), Place::on_sqlite());
    let source = large(&source);
    drop(target.open());
    let holder = rusqlite::Connection::open(target.path()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let impatient =
        SqliteFile { busy_timeout: std::time::Duration::from_millis(50), ..sqlite_file(target.path()) };
    let locked = BackupError::Open(OpenError::Locked { path: target.path() });
    assert_eq!(impatient.restore(&source.path, &mut |_| ControlFlow::Continue(())), Err(locked));
    drop(holder);
    impatient.restore(&source.path, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(teams(&target.path()), [[Some("first".to_owned())]]);
}

#[test]
fn a_migration_that_fails_leaves_no_copy() {
    let place = Place::on_sqlite();
    let store = place.open();
    block_on(store.roll_back()).unwrap();
    drop(store);
    // In the way of a table that the last migration adds.
    place.raw("CREATE TABLE audit_keys (id int)").unwrap();
    for _ in 0..2 {
        let error = Store::open(place.options()).unwrap_err();
        assert!(matches!(error, OpenError::Migration(_)), "{error}");
        assert!(files(&place, "before").is_empty());
        let store = Store::open(OpenOptions { migrate: Migrate::Leave, ..place.options() }).unwrap();
        block_on(store.migrate(sample::time(1))).unwrap_err();
        assert!(files(&place, "before").is_empty());
    }
    place.raw("DROP TABLE audit_keys").unwrap();
    let backup = place.open().backup().map(Path::to_owned);
    assert_eq!(backup, Some(place.path().with_file_name(format!("test.db.before-{}", migration::LATEST))));
}

#[test]
fn of_many_that_open_an_older_file_at_once_one_copies_it() {
    let place = Place::on_sqlite();
    block_on(place.open().roll_back()).unwrap();
    let copies = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| place.open().backup().is_some())).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).filter(|has_copied| *has_copied).count()
    });
    assert_eq!(copies, 1);
    let [copy] = &files(&place, "before")[..] else { panic!("{:?}", files(&place, "before")) };
    let version = "SELECT max(version) FROM provost_migrations";
    let of_copy = raw::sqlite(&place.path().with_file_name(copy), version).unwrap();
    assert_eq!(of_copy, [[Some((migration::LATEST - 1).to_string())]], "as it was");
}

#[test]
fn without_room_for_the_copy_nothing_is_migrated() {
    let place = Place::on_sqlite();
    block_on(place.open().roll_back()).unwrap();
    // What cannot be linked or written there: a folder of the copy's partial name.
    let partial = place.path().with_file_name(format!(
        ".test.db.before-{}.partial-{}",
        migration::LATEST,
        std::process::id()
    ));
    fs::create_dir(&partial).unwrap();
    let error = Store::open(place.options()).unwrap_err();
    assert!(matches!(error, OpenError::NoBackup { .. }), "{error}");
    let version = place.raw("SELECT max(version) FROM provost_migrations").unwrap();
    assert_eq!(version, [[Some((migration::LATEST - 1).to_string())]]);
    fs::remove_dir(&partial).unwrap();
    assert!(place.open().backup().is_some());
}
