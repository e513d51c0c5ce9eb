//! Archives of working directories.

use domain::{
    archive::{Archive, ArchiveStatus, Compression, StorageBackend},
    archive_manifest::{ArchiveManifest, ArchivedFile},
    digest::Sha256Digest,
    id::{ArchiveId, SessionId, TeamId},
};
use provost_store::{ArchiveFilter, PackedArchive, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    an_archive_is_found_as_it_was_asked_for,
    an_archive_goes_its_way_and_no_other,
    a_completed_archive_is_its_sessions_latest,
    a_deleted_archive_leaves_the_one_before_it,
    another_team_sees_no_archive,
    an_archive_needs_a_session_of_its_team,
    archives_are_listed_by_session_and_status,
    old_completed_archives_are_listed_for_retention,
    of_many_who_start_an_archive_one_wins,
    only_the_last_attempt_ends_an_archive,
    archives_of_a_deleted_session_are_left_to_retention,
    archives_completed_at_once_leave_the_latest,
    a_purged_session_takes_its_archives_along,
}

fn archive(session: SessionId, seconds: i64) -> Archive {
    let id = ArchiveId::from_uuid(sample::uuid());
    Archive::new(id, sample::TEAM, session, StorageBackend::Local, Compression::Gzip, sample::time(seconds))
}

fn packed(text: &str) -> PackedArchive {
    let file = ArchivedFile {
        path: "src/main.rs".parse().unwrap(),
        size_bytes: 12,
        mode: 0o755,
        modified: sample::time(0),
        sha256: Sha256Digest::of(text.as_bytes()),
    };
    PackedArchive {
        size_bytes: 34,
        sha256: Sha256Digest::of(b"packed"),
        manifest: ArchiveManifest::new(vec![file]).unwrap(),
    }
}

async fn insert(fixture: &Fixture, archive: &Archive) -> Result<(), StoreError> {
    let archive = archive.clone();
    fixture.store.write(move |tx| tx.team(sample::TEAM).archives().insert(&archive)).await
}

async fn find(fixture: &Fixture, id: ArchiveId) -> Option<Archive> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).archives().find(id)).await.unwrap()
}

async fn latest(fixture: &Fixture, session: SessionId) -> Option<ArchiveId> {
    let find = move |conn: &provost_store::Conn| conn.team(sample::TEAM).archives().find_latest(session);
    fixture.store.read(find).await.unwrap().map(|archive| archive.id)
}

async fn start(fixture: &Fixture, id: ArchiveId) -> Result<Archive, StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).archives().start(id, sample::time(5))).await
}

/// As whoever began the last attempt.
async fn fail(fixture: &Fixture, id: ArchiveId) -> Result<Archive, StoreError> {
    let attempt = attempts(fixture, id).await;
    let fail = move |tx: &provost_store::Tx<'_>| {
        tx.team(sample::TEAM).archives().fail(id, attempt, "the disk is full", sample::time(6))
    };
    fixture.store.write(fail).await
}

/// As whoever began the last attempt.
async fn complete(fixture: &Fixture, id: ArchiveId, seconds: i64) -> Result<Archive, StoreError> {
    complete_attempt(fixture, id, attempts(fixture, id).await, seconds).await
}

async fn complete_attempt(
    fixture: &Fixture,
    id: ArchiveId,
    attempt: u32,
    seconds: i64,
) -> Result<Archive, StoreError> {
    let complete = move |tx: &provost_store::Tx<'_>| {
        tx.team(sample::TEAM).archives().complete(id, attempt, &packed("a"), sample::time(seconds))
    };
    fixture.store.write(complete).await
}

async fn attempts(fixture: &Fixture, id: ArchiveId) -> u32 {
    find(fixture, id).await.map_or(0, |archive| archive.attempts)
}

async fn insert_completed(fixture: &Fixture, session: SessionId, seconds: i64) -> ArchiveId {
    let archive = archive(session, seconds);
    insert(fixture, &archive).await.unwrap();
    start(fixture, archive.id).await.unwrap();
    complete(fixture, archive.id, seconds).await.unwrap();
    archive.id
}

async fn delete(fixture: &Fixture, id: ArchiveId) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).archives().delete(id, sample::time(9))).await
}

async fn an_archive_is_found_as_it_was_asked_for(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for &backend in StorageBackend::ALL {
        for &compression in Compression::ALL {
            let id = ArchiveId::from_uuid(sample::uuid());
            let asked = Archive::new(id, sample::TEAM, session, backend, compression, sample::time(1));
            insert(fixture, &asked).await.unwrap();
            assert_eq!(find(fixture, id).await, Some(asked.clone()));
            let again = insert(fixture, &asked).await;
            assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
        }
    }
    let finished = Archive { status: ArchiveStatus::Completed, ..archive(session, 1) };
    let refused = insert(fixture, &finished).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "status", .. })), "{refused:?}");
}

async fn an_archive_goes_its_way_and_no_other(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for &from in ArchiveStatus::ALL {
        for &to in ArchiveStatus::ALL.iter().filter(|to| **to != ArchiveStatus::Pending) {
            let asked = archive(session, 1);
            let id = asked.id;
            insert(fixture, &asked).await.unwrap();
            match from {
                ArchiveStatus::Pending => {}
                ArchiveStatus::InProgress => drop(start(fixture, id).await.unwrap()),
                ArchiveStatus::Failed => drop(fail(fixture, id).await.unwrap()),
                ArchiveStatus::Completed => {
                    start(fixture, id).await.unwrap();
                    complete(fixture, id, 7).await.unwrap();
                }
            }
            let before = find(fixture, id).await.unwrap();
            assert_eq!(before.status, from);
            let moved = match to {
                ArchiveStatus::Failed => fail(fixture, id).await,
                ArchiveStatus::Completed => complete(fixture, id, 7).await,
                _ => start(fixture, id).await,
            };
            match from.transition_to(to) {
                Ok(to) => {
                    let moved = moved.unwrap();
                    assert_eq!(moved.status, to);
                    let error = (to == ArchiveStatus::Failed).then(|| "the disk is full".to_owned());
                    assert_eq!(moved.error_message, error, "trying again clears it");
                    assert_eq!(find(fixture, id).await, Some(moved));
                }
                Err(error) => {
                    let what = format!("archive {id}: {error}");
                    assert_eq!(moved, Err(StoreError::Conflict { what }));
                    assert_eq!(find(fixture, id).await, Some(before), "nothing of it happened");
                }
            }
        }
    }
    let absent = start(fixture, ArchiveId::from_uuid(sample::uuid())).await;
    assert!(matches!(absent, Err(StoreError::Missing { .. })), "{absent:?}");
}

async fn a_completed_archive_is_its_sessions_latest(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let asked = archive(session, 1);
    let id = asked.id;
    insert(fixture, &asked).await.unwrap();
    start(fixture, id).await.unwrap();
    let manifest = async || {
        fixture.store.read(move |conn| conn.team(sample::TEAM).archives().find_manifest(id)).await.unwrap()
    };
    assert_eq!((latest(fixture, session).await, manifest().await), (None, None));
    let completed = complete(fixture, id, 7).await.unwrap();
    let expected = Archive {
        status: ArchiveStatus::Completed,
        attempts: 1,
        size_bytes: Some(34),
        sha256: Some(Sha256Digest::of(b"packed")),
        archived_at: Some(sample::time(7)),
        updated_at: sample::time(7),
        ..asked
    };
    assert_eq!(completed, expected);
    assert_eq!((latest(fixture, session).await, manifest().await), (Some(id), Some(packed("a").manifest)));
    let later = archive(session, 8);
    insert(fixture, &later).await.unwrap();
    fail(fixture, later.id).await.unwrap();
    assert_eq!(latest(fixture, session).await, Some(id), "a failed one blocks nothing");
}

async fn a_deleted_archive_leaves_the_one_before_it(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let first = insert_completed(fixture, session, 10).await;
    let second = insert_completed(fixture, session, 20).await;
    let third = insert_completed(fixture, session, 30).await;
    assert_eq!(latest(fixture, session).await, Some(third));
    delete(fixture, second).await.unwrap();
    assert_eq!(latest(fixture, session).await, Some(third));
    delete(fixture, third).await.unwrap();
    assert_eq!((latest(fixture, session).await, find(fixture, third).await), (Some(first), None));
    delete(fixture, first).await.unwrap();
    assert_eq!(latest(fixture, session).await, None);
    let again = delete(fixture, first).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
}

async fn another_team_sees_no_archive(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let id = insert_completed(fixture, session, 1).await;
    let seen = fixture.store.read(move |conn| {
        let archives = conn.team(other).archives();
        Ok::<_, StoreError>((
            archives.find(id)?,
            archives.find_latest(session)?,
            archives.find_manifest(id)?,
            archives.list(ArchiveFilter::default(), None, 10)?.items,
            archives.list_completed_before(sample::time(100), 10)?,
        ))
    });
    assert_eq!(seen.await, Ok((None, None, None, Vec::new(), Vec::new())));
    for change in 0..4 {
        let changed = fixture.store.write(move |tx| {
            let archives = tx.team(other).archives();
            match change {
                0 => archives.start(id, sample::time(2)).map(drop),
                1 => archives.fail(id, 1, "no", sample::time(2)).map(drop),
                2 => archives.complete(id, 1, &packed("b"), sample::time(2)).map(drop),
                _ => archives.delete(id, sample::time(2)),
            }
        });
        assert!(matches!(changed.await, Err(StoreError::Missing { .. })));
    }
    assert_eq!(latest(fixture, session).await, Some(id));
}

async fn an_archive_needs_a_session_of_its_team(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let nowhere = insert(fixture, &archive(SessionId::from_uuid(sample::uuid()), 1)).await;
    assert!(matches!(nowhere, Err(StoreError::Missing { .. })), "{nowhere:?}");
    let insert_as = async |team: TeamId, archive: Archive| {
        fixture.store.write(move |tx| tx.team(team).archives().insert(&archive)).await
    };
    let foreign_team = insert_as(other, archive(session, 1)).await;
    assert!(matches!(foreign_team, Err(StoreError::Conflict { .. })), "{foreign_team:?}");
    let foreign_session = insert_as(other, Archive { team_id: other, ..archive(session, 1) }).await;
    assert!(matches!(foreign_session, Err(StoreError::Missing { .. })), "{foreign_session:?}");
}

async fn archives_are_listed_by_session_and_status(fixture: &Fixture) {
    let sessions = [fixture.insert_session().await, fixture.insert_session().await];
    let mut ids = Vec::new();
    for number in 0..5 {
        let asked = archive(sessions[number % 2], 1);
        insert(fixture, &asked).await.unwrap();
        ids.insert(0, asked.id);
    }
    fail(fixture, ids[0]).await.unwrap();
    let list = async |filter: ArchiveFilter, after, limit| {
        let list =
            move |conn: &provost_store::Conn| conn.team(sample::TEAM).archives().list(filter, after, limit);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|archive| archive.id).collect::<Vec<_>>(), page.next)
    };
    let all = ArchiveFilter::default();
    let (first, next) = list(all, None, 2).await;
    insert(fixture, &archive(sessions[0], 2)).await.unwrap();
    let (second, next) = list(all, next, 2).await;
    let (third, next) = list(all, next, 2).await;
    assert_eq!(([first, second, third].concat(), next), (ids.clone(), None), "stable under inserts");
    let of_session = ArchiveFilter { session_id: Some(sessions[1]), status: None };
    assert_eq!(list(of_session, None, 10).await.0, [ids[1], ids[3]]);
    let failed = ArchiveFilter { session_id: None, status: Some(ArchiveStatus::Failed) };
    assert_eq!(list(failed, None, 10).await.0, [ids[0]]);
    let both = ArchiveFilter { session_id: Some(sessions[1]), status: Some(ArchiveStatus::Failed) };
    assert_eq!(list(both, None, 10).await.0, []);
}

async fn old_completed_archives_are_listed_for_retention(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let old = insert_completed(fixture, session, 10).await;
    let older = insert_completed(fixture, session, 5).await;
    insert_completed(fixture, session, 30).await;
    let deleted = insert_completed(fixture, session, 1).await;
    delete(fixture, deleted).await.unwrap();
    insert(fixture, &archive(session, 2)).await.unwrap();
    let asked_early = archive(session, 3);
    insert(fixture, &asked_early).await.unwrap();
    start(fixture, asked_early.id).await.unwrap();
    complete(fixture, asked_early.id, 40).await.unwrap();
    let before = async |seconds, limit| {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).archives().list_completed_before(sample::time(seconds), limit)
        };
        let archives = fixture.store.read(list).await.unwrap();
        archives.iter().map(|archive| archive.id).collect::<Vec<_>>()
    };
    assert_eq!(before(11, 10).await, [older, old]);
    assert_eq!(before(11, 1).await, [older]);
    assert_eq!(before(5, 10).await, []);
}

async fn of_many_who_start_an_archive_one_wins(fixture: &Fixture) {
    let asked = archive(fixture.insert_session().await, 1);
    let id = asked.id;
    insert(fixture, &asked).await.unwrap();
    let start = move |tx: &provost_store::Tx<'_>| tx.team(sample::TEAM).archives().start(id, sample::time(2));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.write(start).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => winners += 1,
            Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
        }
    }
    assert_eq!(winners, 1);
}

async fn archives_completed_at_once_leave_the_latest(fixture: &Fixture) {
    for _ in 0..4 {
        let session = fixture.insert_session().await;
        let asked = [1, 2, 3, 4].map(|seconds| (archive(session, 0), seconds));
        for (asked, _) in &asked {
            insert(fixture, asked).await.unwrap();
            start(fixture, asked.id).await.unwrap();
        }
        let expected = asked[3].0.id;
        let complete = |(asked, seconds): (Archive, i64)| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let complete = move |tx: &provost_store::Tx<'_>| {
                    let archives = tx.team(sample::TEAM).archives();
                    archives.complete(asked.id, 1, &packed("a"), sample::time(seconds))?;
                    // Long enough for the others to begin meanwhile.
                    (0..20).try_for_each(|_| archives.find(asked.id).map(drop))
                };
                store.write(complete).await.unwrap();
            })
        };
        // The latest first, so that those before it end after it.
        let tasks: Vec<_> = asked.into_iter().rev().map(complete).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(latest(fixture, session).await, Some(expected));
    }
}

async fn a_purged_session_takes_its_archives_along(fixture: &Fixture) {
    let (purged, kept) = (fixture.insert_session().await, fixture.insert_session().await);
    let gone = insert_completed(fixture, purged, 1).await;
    let stays = insert_completed(fixture, kept, 1).await;
    fixture.place().raw(&format!("DELETE FROM sessions WHERE id = '{purged}'")).unwrap();
    assert_eq!(find(fixture, gone).await, None);
    assert_eq!(latest(fixture, kept).await, Some(stays));
    fixture.place().raw(&format!("DELETE FROM working_directory_archives WHERE id = '{stays}'")).unwrap();
    assert_eq!(latest(fixture, kept).await, None);
    assert_eq!(fixture.session(kept).await.id, kept);
}

async fn only_the_last_attempt_ends_an_archive(fixture: &Fixture) {
    let asked = archive(fixture.insert_session().await, 1);
    let id = asked.id;
    insert(fixture, &asked).await.unwrap();
    let first = start(fixture, id).await.unwrap().attempts;
    fail(fixture, id).await.unwrap();
    let second = start(fixture, id).await.unwrap().attempts;
    let what = format!("archive {id}: attempt {first} ended when attempt {second} began");
    let late = Err(StoreError::Conflict { what });
    assert_eq!(complete_attempt(fixture, id, first, 7).await, late);
    let fail = move |tx: &provost_store::Tx<'_>| {
        tx.team(sample::TEAM).archives().fail(id, first, "too late", sample::time(8))
    };
    assert_eq!(fixture.store.write(fail).await, late);
    assert_eq!(complete_attempt(fixture, id, second, 9).await.unwrap().status, ArchiveStatus::Completed);
}

async fn archives_of_a_deleted_session_are_left_to_retention(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (done, asked) = (insert_completed(fixture, session, 1).await, archive(session, 2));
    insert(fixture, &asked).await.unwrap();
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(5))).await.unwrap();
    let seen = fixture.read(move |team| {
        let archives = team.archives();
        let listed = archives.list(ArchiveFilter::default(), None, 10)?.items;
        Ok((archives.find(done)?, archives.find_manifest(done)?, listed))
    });
    assert_eq!(seen.await, Ok((None, None, Vec::new())));
    let started = start(fixture, asked.id).await;
    assert!(matches!(started, Err(StoreError::Missing { .. })), "{started:?}");
    let old = fixture.read(|team| team.archives().list_completed_before(sample::time(9), 10)).await.unwrap();
    assert_eq!(old.iter().map(|archive| archive.id).collect::<Vec<_>>(), [done]);
    delete(fixture, done).await.unwrap();
    let left = fixture.read(|team| team.archives().list_completed_before(sample::time(9), 10)).await;
    assert_eq!(left, Ok(Vec::new()));
}
