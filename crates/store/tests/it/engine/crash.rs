//! Processes that share a file, and processes that end in the middle.

use std::collections::BTreeSet;

use domain::id::{MessageId, SessionId};
use provost_store::{Store, check};
use tempfile::TempDir;

use crate::{
    child::{Child, Part},
    fixture::{Fixture, Place, block_on},
    sample,
};

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let (fixture, session) = recorded_session();
    let mut child = Child::start(Part::RecordUntilKilled);
    child.tell(&fixture.place().path(), session);
    let mut acknowledged = BTreeSet::new();
    while acknowledged.len() < 200 {
        let (word, id) = child.hear().expect("it runs until it is killed");
        assert_eq!(word, "acknowledged");
        acknowledged.insert(id);
    }
    child.kill();
    // What it said before it died counts too.
    acknowledged.extend(std::iter::from_fn(|| child.hear()).map(|(_, id)| id));
    let store = fixture.place().open();
    let stored = stored(&store, session);
    assert!(acknowledged.is_subset(&stored), "{:?}", acknowledged.difference(&stored));
    assert_eq!(block_on(store.scan(check)), Ok(Vec::new()));
}

#[test]
fn a_write_that_the_operating_system_refuses_fails_its_batch_and_nothing_else() {
    let (fixture, session) = recorded_session();
    let mut child = Child::start_with_small_files(Part::RecordUntilFailing, 6000);
    child.tell(&fixture.place().path(), session);
    let mut said: Vec<(String, MessageId)> = std::iter::from_fn(|| child.hear()).collect();
    assert!(child.ends_well(), "it could still read");
    said.sort_unstable();
    let of = |wanted: &str| -> BTreeSet<_> {
        said.iter().filter(|(word, _)| word == wanted).map(|(_, id)| *id).collect()
    };
    assert_eq!(of("refused").len(), 8, "each of its tasks met the end");
    let store = fixture.place().open();
    assert_eq!(stored(&store, session), of("acknowledged"), "no more and no less");
    assert_eq!(block_on(store.scan(check)), Ok(Vec::new()));
}

#[test]
fn processes_that_write_one_file_at_once_do_not_disturb_each_other() {
    let (fixture, session) = recorded_session();
    let mut children = [(); 2].map(|()| Child::start(Part::RecordTwoHundred));
    for child in &mut children {
        child.tell(&fixture.place().path(), session);
    }
    for _ in 0..50 {
        block_on(fixture.change(session, vec![sample::created_message(session, "own")])).unwrap();
    }
    for child in children {
        assert!(child.ends_well());
    }
    assert_eq!(stored(&fixture.store, session).len(), 450);
    block_on(fixture.assert_whole());
}

#[test]
fn processes_that_open_a_new_file_at_once_all_succeed() {
    for _ in 0..5 {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("new.db");
        let mut children: Vec<_> = (0..6).map(|_| Child::start(Part::Open)).collect();
        for child in &mut children {
            child.tell(&path, SessionId::from_uuid(sample::uuid()));
        }
        for child in children {
            assert!(child.ends_well());
        }
    }
}

/// A store on a file with a session, both left open as another process would.
fn recorded_session() -> (Fixture, SessionId) {
    block_on(async {
        let fixture = Fixture::create(Place::on_sqlite()).await;
        let session = fixture.insert_session().await;
        (fixture, session)
    })
}

fn stored(store: &Store, session: SessionId) -> BTreeSet<MessageId> {
    let timeline =
        block_on(store.read(move |conn| conn.team(sample::TEAM).timeline().list(session, 0, 1_000_000)));
    let ids = timeline.unwrap().into_iter().map(|entry| MessageId::from_uuid(*entry.item.row_id()));
    ids.collect()
}
