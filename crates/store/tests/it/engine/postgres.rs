//! A server that goes away, and one that cannot be reached.

use std::{sync::mpsc::channel, time::Duration};

use provost_store::{Database, Migrate, OpenError, OpenOptions, PostgresServer, Store, StoreError};
use testkit::{PrivateServer, TestDatabase};

use crate::{
    fixture::{Fixture, Place, block_on, postgres_server},
    raw, sample,
};

/// What must stand in no error.
const PASSWORD: &str = "geheimnis";

#[test]
fn work_during_an_outage_is_unavailable_and_later_work_succeeds() {
    let Some(mut server) = PrivateServer::start() else { return };
    let store = open(&server.url()).unwrap();
    block_on(async {
        assert_eq!(insert(&store, "before").await, Ok(true));
        for outage in 0..2 {
            server.stop();
            for _ in 0..8 {
                let error = insert(&store, "during").await.unwrap_err();
                assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_retryable(), "{error}");
                let error = store.read(|conn| conn.leases().list()).await.unwrap_err();
                assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            }
            server.start_again();
            for number in 0..8 {
                assert_eq!(insert(&store, &format!("after-{outage}-{number}")).await, Ok(true));
            }
        }
        assert_eq!(insert(&store, "before").await, Ok(false), "it was kept");
        assert_eq!(insert(&store, "during").await, Ok(true), "it had not happened");
    });
}

#[test]
fn a_connection_that_is_cut_in_the_middle_of_work_keeps_nothing_of_it() {
    let Some(database) = TestDatabase::create() else { return };
    let store = open(database.url()).unwrap();
    block_on(async {
        let (begun, has_begun) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let work = tokio::spawn({
            let store = store.clone();
            async move {
                let write = store.write(move |tx| {
                    tx.teams().insert_if_absent(&sample::team("first"))?;
                    begun.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    tx.teams().insert_if_absent(&sample::team("second"))
                });
                write.await
            }
        });
        has_begun.recv().unwrap();
        database.cut_connections();
        go_on.send(()).unwrap();
        let error = work.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert_eq!(insert(&store, "first").await, Ok(true), "it had not happened");
    });
}

#[test]
fn all_that_wait_for_a_server_that_is_away_are_told_together() {
    let Some(mut server) = PrivateServer::start() else { return };
    let connect_timeout = Duration::from_millis(100);
    let address = PostgresServer { pool_size: 1, connect_timeout, ..postgres_server(&server.url()) };
    let store = Store::open(OpenOptions::new(Database::Postgres(address), Migrate::Leave)).unwrap();
    server.stop();
    // In its place somebody takes connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", server.port())).unwrap();
    silent.set_nonblocking(true).unwrap();
    block_on(async {
        let waiting = (0..50).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.read(|conn| conn.leases().list()).await })
        });
        // All are in the queue before the first has waited long enough.
        for answer in waiting.collect::<Vec<_>>() {
            let error = answer.await.unwrap().unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
    });
    let tries = std::iter::from_fn(|| silent.accept().ok()).count();
    assert!(tries < 10, "the server was tried {tries} times");
}

#[test]
fn a_connection_that_is_cut_before_the_commit_acknowledges_nothing() {
    let Some(database) = TestDatabase::create() else { return };
    let store = open(database.url()).unwrap();
    let url = database.url().to_owned();
    block_on(async {
        let write = store.write(move |tx| {
            tx.teams().insert_if_absent(&sample::team("first"))?;
            let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
            raw::postgres(&url, cut).unwrap();
            Ok::<_, StoreError>(())
        });
        let error = write.await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert_eq!(insert(&store, "first").await, Ok(true), "it had not happened");
    });
}

#[test]
fn work_behind_a_lock_that_is_not_granted_is_unavailable() {
    let Some(place) = Place::on_postgres() else { return };
    block_on(async {
        let fixture = Fixture::create(place).await;
        let session = fixture.insert_session().await;
        // Two units of work lock two sessions in opposite orders: the server ends one of them.
        let other = fixture.insert_session().await;
        let (first_has, wait_first) = channel();
        let (second_has, wait_second) = channel();
        let lock_both = |one, then, has: std::sync::mpsc::Sender<()>, wait: std::sync::mpsc::Receiver<()>| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let change = |id| sample::change(id, provost_store::Guard::Anyone, Vec::new());
                let write = store.write(move |tx| {
                    tx.team(sample::TEAM).sessions().change(change(one))?;
                    has.send(()).unwrap();
                    wait.recv().unwrap();
                    tx.team(sample::TEAM).sessions().change(change(then))
                });
                write.await
            })
        };
        let first = lock_both(session, other, first_has, wait_second);
        let second = lock_both(other, session, second_has, wait_first);
        let outcomes = [first.await.unwrap(), second.await.unwrap()];
        let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        let [StoreError::Unavailable { .. }] = failed[..] else { panic!("{outcomes:?}") };
    });
}

#[test]
fn an_address_that_cannot_be_read_is_explained_without_its_password() {
    for address in [
        "postgres://",
        "postgres://user:geheimnis@host:no-port/db",
        "postgres://user:geheim/nis@host/db",
        "postgres://user:pass?geheimnis@host/db",
        "postgres://user:geheimnis@host/db?sslmode=geheimnis",
        "postgres://user:geheimnis@host/db?geheimnis=1",
        "postgres://user:geheimnis@host/db?connect_timeout=geheimnis",
        "host=localhost password='geheimnis",
        "host=localhost geheimnis=1",
        "host=localhost password=geheimnis geheimnis",
        "geheimnis",
        "",
    ] {
        let error = open(address).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("geheim"), "{address}: {error:?}");
        assert!(!format!("{:?}", postgres_server(address)).contains("geheim"));
        let is_explained = matches!(error, OpenError::InvalidAddress { .. } | OpenError::Store(_));
        assert!(is_explained, "{address}: {error:?}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = open(&format!("postgres://user:{PASSWORD}@127.0.0.1:{port}/db")).unwrap_err();
    assert!(matches!(&error, OpenError::Store(StoreError::Unavailable { .. })), "{error}");
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
}

#[test]
fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = |query: &str, connect_timeout| {
        let server = PostgresServer {
            connect_timeout,
            ..postgres_server(&format!("postgres://user@127.0.0.1:{port}/db{query}"))
        };
        Store::open(OpenOptions::new(Database::Postgres(server), Migrate::Leave)).unwrap_err().to_string()
    };
    let error = silent("", Duration::from_millis(50));
    assert!(error.contains("did not answer within 50ms"), "{error}");
    let error = silent("?connect_timeout=1", Duration::ZERO);
    assert!(error.contains("did not answer within 1s"), "the address counts: {error}");
}

#[test]
fn units_of_work_see_what_was_committed_whatever_the_servers_default_is() {
    let Some(database) = TestDatabase::create() else { return };
    let strict =
        format!("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'", database.name());
    raw::postgres(database.url(), &strict).unwrap();
    let outcomes = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(|| open(database.url()).map(drop))).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(outcomes, [const { Ok(()) }; 4], "the later ones see what the first one migrated");
}

#[test]
fn a_host_that_does_not_exist_is_unavailable() {
    let error = open(&format!("postgres://user:{PASSWORD}@host.invalid/db")).unwrap_err();
    assert!(matches!(&error, OpenError::Store(StoreError::Unavailable { .. })), "{error}");
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
}

#[test]
fn a_database_that_does_not_exist_is_named() {
    let Some(database) = TestDatabase::create() else { return };
    let error = open(&database.url().replace(database.name(), "nowhere")).unwrap_err();
    assert!(error.to_string().contains("\"nowhere\" does not exist"), "{error}");
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    let Some(server) = PrivateServer::start() else { return };
    let superuser = server.url();
    raw::postgres(&superuser, "CREATE ROLE reader LOGIN PASSWORD 'the right one'").unwrap();
    let file = raw::postgres(&superuser, "SHOW hba_file").unwrap()[0][0].clone().unwrap();
    let rules = format!(
        "COPY (SELECT 'host all reader 127.0.0.1/32 scram-sha-256') TO '{file}'; SELECT pg_reload_conf()"
    );
    raw::postgres(&superuser, &rules).unwrap();
    let url = superuser.replace("postgres@", &format!("reader:{PASSWORD}@"));
    let error = open(&url).unwrap_err();
    assert!(error.to_string().contains("password authentication failed for user \"reader\""), "{error}");
    assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
}

#[test]
fn encryption_that_the_server_does_not_have_is_asked_for_in_vain() {
    let Some(database) = TestDatabase::create() else { return };
    let error = open(&format!("{}?sslmode=require", database.url())).unwrap_err();
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}

#[test]
fn a_certificate_file_that_cannot_be_used_is_named() {
    let server = PostgresServer {
        root_certificate: Some("/nowhere/ca.pem".into()),
        ..postgres_server("postgres://a@b/c")
    };
    let error = Store::open(OpenOptions::new(Database::Postgres(server), Migrate::Leave)).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

#[test]
fn a_pgvector_that_is_too_old_is_named_with_the_one_that_is_needed() {
    let Some(database) = TestDatabase::create() else { return };
    drop(open(database.url()).unwrap());
    database.execute(
        "SET allow_system_table_mods = on; UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'",
    );
    let expected = OpenError::PgvectorOlder { found: "0.7.4".into(), needed: "0.8" };
    assert_eq!(open(database.url()).unwrap_err(), expected);
}

fn open(url: &str) -> Result<Store, OpenError> {
    let server = PostgresServer { pool_size: 2, ..postgres_server(url) };
    Store::open(OpenOptions::new(Database::Postgres(server), Migrate::Forward(sample::time(0))))
}

async fn insert(store: &Store, slug: &str) -> Result<bool, StoreError> {
    let team = sample::team(slug);
    store.write(move |tx| tx.teams().insert_if_absent(&team)).await
}

#[test]
fn a_schema_full_of_another_programs_tables_is_refused_until_somebody_migrates_it_on_purpose() {
    let Some(database) = TestDatabase::create() else { return };
    database.execute("CREATE TABLE invoices (id bigint)");
    let expected = OpenError::ForeignDatabase { path: format!("{}.public", database.name()).into() };
    assert_eq!(open(database.url()).unwrap_err(), expected);
    let options = OpenOptions::new(Database::Postgres(postgres_server(database.url())), Migrate::Leave);
    let store = Store::open(options).unwrap();
    block_on(store.migrate(sample::time(0))).unwrap();
    drop(open(database.url()).unwrap());
}
