//! Units of work that share a transaction.

use std::{path::Path, pin::pin};

use provost_store::{Store, StoreError};

use super::queue::{Blocker, is_waiting};
use crate::{
    fixture::{Fixture, Place, block_on},
    raw, sample,
};

on_both_databases! {
    a_panic_undoes_its_own_work_and_no_other,
    a_panicking_read_harms_nobody,
    a_unit_of_work_that_ignores_a_failed_statement_is_not_kept,
    a_unit_of_work_that_refuses_after_writing_leaves_nothing,
}

/// One that fails with an error of its own, as use cases do.
#[derive(Debug, PartialEq)]
enum Refusal {
    Own,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn a_panic_undoes_its_own_work_and_no_other(fixture: &Fixture) {
    let store = &fixture.store;
    let panicking = store.write(|tx| {
        tx.teams().insert_if_absent(&sample::team("undone"))?;
        if tx.teams().find_by_slug(&"undone".parse().unwrap())?.is_some() {
            panic!("on purpose");
        }
        Ok::<_, StoreError>(())
    });
    assert_eq!(panicking.await, Err(StoreError::Panicked { message: "on purpose".into() }));
    assert_eq!(count(fixture.place(), "undone"), "0");
    assert_eq!(insert(store, "kept").await, Ok(true));
}

async fn a_panicking_read_harms_nobody(fixture: &Fixture) {
    for _ in 0..10 {
        let read = fixture.store.read(|_| -> Result<(), StoreError> { panic!("on purpose") });
        assert!(matches!(read.await, Err(StoreError::Panicked { .. })));
        let scan = fixture.store.scan(|_| -> Result<(), StoreError> { panic!("on purpose") });
        assert!(matches!(scan.await, Err(StoreError::Panicked { .. })));
    }
    assert_eq!(fixture.store.read(|conn| conn.leases().list()).await, Ok(Vec::new()));
    assert_eq!(fixture.store.scan(|conn| conn.leases().list()).await, Ok(Vec::new()));
}

async fn a_unit_of_work_that_ignores_a_failed_statement_is_not_kept(fixture: &Fixture) {
    let session = sample::session(fixture.team);
    let ignoring = fixture.store.write(move |tx| {
        tx.team(sample::TEAM).sessions().insert(&session)?;
        tx.team(sample::TEAM).sessions().insert(&session).unwrap_err();
        let after = tx.teams().insert_if_absent(&sample::team("after"));
        assert!(after.is_err(), "nothing works after a failed statement");
        Ok::<_, StoreError>(())
    });
    let error = ignoring.await.unwrap_err();
    assert!(error.to_string().contains("a failed statement was ignored"), "{error}");
    let stored = fixture.place().raw("SELECT count(*) FROM sessions").unwrap();
    assert_eq!(stored, [[Some("0".to_owned())]]);
    assert_eq!(count(fixture.place(), "after"), "0");
    assert_eq!(insert(&fixture.store, "next").await, Ok(true));
}

async fn a_unit_of_work_that_refuses_after_writing_leaves_nothing(fixture: &Fixture) {
    let refusing = fixture.store.write(|tx| {
        tx.teams().insert_if_absent(&sample::team("undone"))?;
        Err::<(), _>(Refusal::Own)
    });
    assert_eq!(refusing.await, Err(Refusal::Own));
    assert_eq!(count(fixture.place(), "undone"), "0");
}

#[test]
fn neighbours_of_failing_and_panicking_work_in_one_transaction_are_kept() {
    let place = Place::on_sqlite();
    let store = place.open();
    block_on(async {
        let blocker = Blocker::occupy(&store).await;
        let mut before = pin!(insert(&store, "before"));
        let failing = store.write(|tx| {
            tx.teams().insert_if_absent(&sample::team("failing"))?;
            Err::<(), _>(Refusal::Own)
        });
        let panicking = store.write(|tx| -> Result<(), StoreError> {
            tx.teams().insert_if_absent(&sample::team("panicking"))?;
            panic!("on purpose")
        });
        let conflicting = {
            let team = sample::team("conflicting");
            store.write(move |tx| {
                tx.teams().insert_if_absent(&team)?;
                let mut twin = sample::team("twin");
                twin.id = team.id;
                tx.teams().insert_if_absent(&twin)
            })
        };
        let path = place.path();
        let after = store.write(move |tx| {
            let seen = tx.teams().find_by_slug(&"before".parse().unwrap())?.is_some();
            tx.teams().insert_if_absent(&sample::team("after"))?;
            Ok::<_, StoreError>((seen, count_in(&path, "before")))
        });
        let (mut failing, mut panicking) = (pin!(failing), pin!(panicking));
        let (mut conflicting, mut after) = (pin!(conflicting), pin!(after));
        assert!(is_waiting(before.as_mut()).await && is_waiting(failing.as_mut()).await);
        assert!(is_waiting(panicking.as_mut()).await && is_waiting(conflicting.as_mut()).await);
        assert!(is_waiting(after.as_mut()).await);
        drop(blocker);
        assert_eq!(before.await, Ok(true));
        assert_eq!(failing.await, Err(Refusal::Own));
        assert_eq!(panicking.await, Err(StoreError::Panicked { message: "on purpose".into() }));
        let error: StoreError = conflicting.await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
        assert_eq!(after.await, Ok((true, "0".to_owned())), "nothing was committed between them");
    });
    for (slug, expected) in
        [("before", "1"), ("failing", "0"), ("panicking", "0"), ("conflicting", "0"), ("after", "1")]
    {
        assert_eq!(count(&place, slug), expected, "{slug}");
    }
}

fn insert(store: &Store, slug: &str) -> impl Future<Output = Result<bool, StoreError>> + use<> {
    let (store, team) = (store.clone(), sample::team(slug));
    async move { store.write(move |tx| tx.teams().insert_if_absent(&team)).await }
}

fn count(place: &Place, slug: &str) -> String {
    let rows = place.raw(&format!("SELECT count(*) FROM teams WHERE slug = '{slug}'")).unwrap();
    rows[0][0].clone().unwrap()
}

/// As another connection sees it.
fn count_in(path: &Path, slug: &str) -> String {
    let rows = raw::sqlite(path, &format!("SELECT count(*) FROM teams WHERE slug = '{slug}'")).unwrap();
    rows[0][0].clone().unwrap()
}
