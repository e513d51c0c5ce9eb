//! Opening an SQLite file, and each thing that can be wrong with it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use provost_store::{
    Database, Migrate, OpenError, OpenOptions, SqliteFile, Store, StoreError, WhenMissing, migration,
};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use crate::{fixture::Place, fixture::block_on, raw, sample};

#[test]
fn a_named_file_that_does_not_exist_is_not_created() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("named.db");
    let error = open_existing(&path).unwrap_err();
    assert_eq!(error, OpenError::DatabaseNotFound { path: path.clone() });
    assert!(!path.exists());
}

#[test]
fn a_file_in_a_folder_that_does_not_exist_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing/named.db");
    assert_eq!(open_existing(&path).unwrap_err(), OpenError::DatabaseNotFound { path: path.clone() });
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Unopenable { .. }), "{error}");
    assert!(error.to_string().contains("missing/named.db"), "{error}");
}

#[test]
fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Unopenable { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "not a database\n".repeat(1000);
    fs::write(&path, &notes).unwrap();
    assert_eq!(open(&path).unwrap_err(), OpenError::NotADatabase { path: path.clone() });
    assert_eq!(fs::read_to_string(&path).unwrap(), notes);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.db");
    raw::sqlite(&path, "CREATE TABLE photos (id INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(open(&path).unwrap_err(), OpenError::ForeignDatabase { path: path.clone() });
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_empty_file_is_taken_for_a_new_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("empty.db");
    fs::write(&path, "").unwrap();
    open_existing(&path).unwrap();
}

#[test]
fn a_file_that_may_not_be_written_is_read_only() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let error = without_roots_privileges(|| open(&path)).unwrap_err();
    assert_eq!(error, OpenError::ReadOnly { path });
}

#[test]
fn a_file_that_may_not_be_read_is_unopenable() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let error = without_roots_privileges(|| open(&path)).unwrap_err();
    assert!(matches!(error, OpenError::Unopenable { .. }), "{error}");
}

#[test]
fn a_file_in_a_folder_that_may_not_be_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let outcome = without_roots_privileges(|| open(&path));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = outcome.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. } | OpenError::Unopenable { .. }), "{error}");
}

#[test]
fn a_file_that_another_process_holds_exclusively_is_locked() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    let other = rusqlite::Connection::open(&path).unwrap();
    let hold = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; DELETE FROM messages; COMMIT;";
    other.execute_batch(hold).unwrap();
    assert_eq!(open(&path).unwrap_err(), OpenError::Locked { path: path.clone() });
    drop(other);
    open(&path).unwrap();
}

#[test]
fn a_new_file_that_another_process_holds_exclusively_is_locked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(open(&path).unwrap_err(), OpenError::Locked { path: path.clone() });
}

#[test]
fn a_write_that_waits_too_long_for_another_process_is_unavailable_and_can_be_tried_again() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    let store = open(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    block_on(async {
        let insert = || store.write(|tx| tx.teams().insert_if_absent(&sample::team("red")));
        let error: StoreError = insert().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_retryable(), "{error}");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(insert().await, Ok(true));
    });
}

#[test]
fn a_schema_that_needs_a_newer_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = newer_schema(&folder, migration::LATEST + 1);
    let expected = OpenError::SchemaNewer {
        found: migration::LATEST + 1,
        needed: migration::LATEST + 1,
        supported: migration::LATEST,
    };
    assert_eq!(open(&path).unwrap_err(), expected);
    let error = Store::open(options(&path, WhenMissing::Refuse, Migrate::Expect)).unwrap_err();
    assert_eq!(error, expected);
    Store::open(options(&path, WhenMissing::Refuse, Migrate::Leave)).unwrap();
}

#[test]
fn a_newer_schema_that_still_works_with_this_program_is_opened() {
    let folder = TempDir::new().unwrap();
    let path = newer_schema(&folder, migration::LATEST);
    let store = open(&path).unwrap();
    let insert = store.write(|tx| tx.teams().insert_if_absent(&sample::team("red")));
    assert_eq!(block_on(insert), Ok::<_, StoreError>(true));
}

#[test]
fn a_schema_that_is_not_to_be_migrated_must_be_there() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    let error = Store::open(options(&path, WhenMissing::Create, Migrate::Expect)).unwrap_err();
    assert_eq!(error, OpenError::SchemaOlder { found: 0, needed: migration::LATEST });
    open(&path).unwrap();
    Store::open(options(&path, WhenMissing::Refuse, Migrate::Expect)).unwrap();
}

#[test]
fn a_migration_that_was_changed_after_it_was_applied_is_refused() {
    for place in [Some(Place::on_sqlite()), Place::on_postgres()].into_iter().flatten() {
        drop(place.open());
        place.raw("UPDATE provost_migrations SET checksum = 'another' WHERE version = 1").unwrap();
        let error = Store::open(place.options()).unwrap_err();
        let changed = migration::MigrationError::Changed { version: 1 };
        assert_eq!(error, OpenError::Migration(changed), "{}", place.pick("sqlite", "postgres"));
    }
}

#[test]
fn a_new_file_and_its_companions_are_their_owners_only() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new.db");
    let store = open(&path).unwrap();
    let insert = store.write(|tx| tx.teams().insert_if_absent(&sample::team("red")));
    assert_eq!(block_on(insert), Ok::<_, StoreError>(true));
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.path());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "the database, its log and its index");
}

#[test]
fn a_closed_file_is_one_file_in_write_ahead_mode() {
    let folder = TempDir::new().unwrap();
    let path = new_database(&folder);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(raw::sqlite(&path, "PRAGMA journal_mode").unwrap(), [[Some("wal".to_owned())]]);
}

fn new_database(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("test.db");
    block_on(open(&path).unwrap().close());
    path
}

fn newer_schema(folder: &TempDir, compatible_from: u32) -> PathBuf {
    let path = new_database(folder);
    let newer = migration::LATEST + 1;
    let insert =
        format!("INSERT INTO provost_migrations VALUES ({newer}, 'newer', 'unknown', {compatible_from}, 0)");
    raw::sqlite(&path, &insert).unwrap();
    path
}

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(options(path, WhenMissing::Create, Migrate::Forward(sample::time(0))))
}

fn open_existing(path: &Path) -> Result<Store, OpenError> {
    Store::open(options(path, WhenMissing::Refuse, Migrate::Forward(sample::time(0))))
}

fn options(path: &Path, when_missing: WhenMissing, migrate: Migrate) -> OpenOptions {
    let file = SqliteFile { path: path.to_owned(), when_missing, busy_timeout: Duration::from_millis(50) };
    OpenOptions::new(Database::Sqlite(file), migrate)
}

/// Runs `work` as somebody for whom permission bits count. Linux keeps privileges per thread, so a thread gives them up.
fn without_roots_privileges<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let unprivileged = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            let ignoring_permissions = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
            sets.effective.remove(ignoring_permissions);
            set_capabilities(None, sets).unwrap();
            work()
        });
        unprivileged.join().unwrap()
    })
}
