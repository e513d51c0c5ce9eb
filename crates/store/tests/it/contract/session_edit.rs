//! What people change about a session, and its deletion.

use domain::{
    budget::BudgetTarget,
    budget_period::BudgetPeriod,
    id::{ReservationId, SessionId},
    money::MicroUsd,
    priority::Priority,
    session::Session,
    session_status::SessionStatus::{self, Active, Connecting, Created},
};
use provost_store::{BudgetTargets, Guard, SessionEdit, SessionFilter, StoreError};
use serde_json::{Map, json};

use super::budget::budget;
use crate::{
    fixture::Fixture,
    governance::{approval, asked},
    sample,
};

on_both_databases! {
    what_is_not_said_stays,
    an_empty_description_is_none,
    of_two_who_edit_what_they_read_the_second_is_told,
    another_team_edits_and_deletes_nothing,
    a_deleted_session_is_hidden_everywhere,
    a_session_that_runs_is_not_deleted,
    what_stands_in_the_way_of_a_deletion_or_the_queue_is_named,
    a_deleted_session_holds_no_money,
    a_question_that_is_asked_while_its_session_is_deleted_is_cancelled,
}

async fn edit(fixture: &Fixture, id: SessionId, expected: i64, edit: SessionEdit) -> Result<i64, StoreError> {
    fixture.write(move |team| team.sessions().edit(id, expected, &edit, sample::time(7))).await
}

async fn delete(fixture: &Fixture, id: SessionId) -> Result<(), StoreError> {
    fixture.write(move |team| team.sessions().delete(id, "user:ada", sample::time(8))).await
}

async fn what_is_not_said_stays(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let before = fixture.session(id).await;
    assert_eq!(edit(fixture, id, 1, SessionEdit::default()).await, Ok(2));
    let untouched = Session { version: 2, updated_at: sample::time(7), ..before };
    assert_eq!(fixture.session(id).await, untouched);
    let metadata = Map::from_iter([("ticket".to_owned(), json!({"id": 7}))]);
    let all = SessionEdit {
        name: Some("another name".parse().unwrap()),
        description: Some("what it is about".into()),
        metadata: Some(metadata.clone()),
    };
    edit(fixture, id, 2, all).await.unwrap();
    let edited = fixture.session(id).await;
    assert_eq!(
        (edited.name.as_str(), edited.description.as_deref()),
        ("another name", Some("what it is about"))
    );
    assert_eq!(edited.options.metadata, metadata);
    let renamed = SessionEdit { name: Some("a third".parse().unwrap()), ..SessionEdit::default() };
    edit(fixture, id, 3, renamed).await.unwrap();
    assert_eq!(fixture.session(id).await, Session { name: "a third".into(), version: 4, ..edited });
}

async fn an_empty_description_is_none(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    for (version, said, expected) in [(1, "about", Some("about")), (2, "", None)] {
        let description = Some(said.to_owned());
        edit(fixture, id, version, SessionEdit { description, ..SessionEdit::default() }).await.unwrap();
        assert_eq!(fixture.session(id).await.description.as_deref(), expected);
    }
}

async fn another_team_edits_and_deletes_nothing(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let (before, other) = (fixture.session(id).await, fixture.other_team().await);
    let missing = StoreError::Missing { what: format!("session {id}") };
    let edited = fixture
        .store
        .write(move |tx| tx.team(other).sessions().edit(id, 1, &SessionEdit::default(), sample::time(7)))
        .await;
    assert_eq!(edited, Err(missing.clone()));
    let deleted = fixture
        .store
        .write(move |tx| tx.team(other).sessions().delete(id, "user:ada", sample::time(7)))
        .await;
    assert_eq!(deleted, Err(missing));
    assert_eq!(fixture.session(id).await, before);
}

async fn a_deleted_session_is_hidden_everywhere(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    fixture.change(id, vec![sample::created_message(id, "a")]).await.unwrap();
    let before = fixture.session(id).await;
    delete(fixture, id).await.unwrap();
    let seen = fixture.read(move |team| {
        let listed = team.sessions().list(SessionFilter::default(), None, 10)?.items;
        let ids = team.sessions().list_ids_between(*id.as_uuid(), *id.as_uuid(), 10)?;
        let said = (team.messages().list(id, 0, 10)?, team.timeline().list(id, 0, 10)?);
        Ok((team.sessions().find(id)?, listed, ids, said))
    });
    assert_eq!(seen.await, Ok((None, vec![], vec![], (vec![], vec![]))));
    let missing = StoreError::Missing { what: format!("session {id}") };
    assert_eq!(fixture.change(id, Vec::new()).await, Err(missing.clone()));
    assert_eq!(edit(fixture, id, 1, SessionEdit::default()).await, Err(missing.clone()));
    assert_eq!(delete(fixture, id).await, Err(missing));
    let lease = sample::lease(1, sample::time(60));
    let acquired = fixture.write(move |team| team.sessions().acquire(&before, &lease)).await;
    assert_eq!(acquired, Err(StoreError::Fenced));
}

async fn a_session_that_runs_is_not_deleted(fixture: &Fixture) {
    for &status in SessionStatus::ALL {
        let session = Session { status, ..sample::session(fixture.team) };
        let id = session.id;
        fixture.write(move |team| team.sessions().insert(&session)).await.unwrap();
        let deleted = delete(fixture, id).await;
        assert_eq!(deleted.is_err(), status.is_running(), "{status}");
    }
    let id = fixture.insert_session().await;
    fixture.acquire(id, 1, 60).await;
    let refused = delete(fixture, id).await.unwrap_err();
    let what =
        format!("session {id} is held by host/boot/1/1 until {}, so it cannot be deleted", sample::time(60));
    assert_eq!(refused, StoreError::Conflict { what });
    let begun = vec![sample::moved(id, Created, Connecting), sample::moved(id, Connecting, Active)];
    fixture.change(id, begun).await.unwrap();
    let refused = delete(fixture, id).await.unwrap_err();
    assert!(refused.to_string().contains("active"), "{refused}");
}

async fn of_two_who_edit_what_they_read_the_second_is_told(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let with = |key: &str| SessionEdit {
        metadata: Some(Map::from_iter([(key.to_owned(), json!(1))])),
        ..SessionEdit::default()
    };
    fixture.change(id, vec![sample::created_message(id, "a")]).await.unwrap();
    assert_eq!(edit(fixture, id, 1, with("ada")).await, Ok(2), "what happens in it is no edit");
    let late = edit(fixture, id, 1, with("bob")).await;
    assert_eq!(late, Err(StoreError::Stale { what: format!("session {id}"), expected: 1, current: 2 }));
    assert_eq!(fixture.session(id).await.options.metadata, with("ada").metadata.unwrap());
}

async fn what_stands_in_the_way_of_a_deletion_or_the_queue_is_named(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let enqueue = async || {
        fixture.write(move |team| team.sessions().enqueue(id, Priority::DEFAULT, sample::time(3))).await
    };
    enqueue().await.unwrap();
    let what = format!("session {id} waits for a worker since {}, so it cannot be queued", sample::time(3));
    assert_eq!(enqueue().await, Err(StoreError::Conflict { what }));
    fixture.acquire(id, 1, 60).await;
    let refused = enqueue().await.unwrap_err().to_string();
    assert!(refused.contains("is held by host/boot/1/1 until"), "{refused}");
}

async fn a_deleted_session_holds_no_money(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let limited = budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Daily, 100);
    let targets = BudgetTargets { session_id: id, user_id: None, agent_id: None };
    let reserve = move |tx: &provost_store::Tx<'_>| {
        let team = tx.team(sample::TEAM);
        team.budgets().insert(&limited)?;
        let (amount, next_id) = (MicroUsd::from_micros(60), || ReservationId::from_uuid(sample::uuid()));
        team.reservations().reserve(&targets, Guard::Anyone, amount, sample::time(2), next_id)
    };
    assert_eq!(fixture.store.write(reserve).await.unwrap()[0].held, MicroUsd::from_micros(60));
    delete(fixture, id).await.unwrap();
    let standings = fixture.read(move |team| team.budgets().standings(&targets, sample::time(9))).await;
    assert_eq!(standings.unwrap()[0].held, MicroUsd::ZERO);
}

async fn a_question_that_is_asked_while_its_session_is_deleted_is_cancelled(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let (is_asked, asked_now) = std::sync::mpsc::channel();
    let store = fixture.store.clone();
    let asking = tokio::spawn(async move {
        let change = sample::change(id, Guard::Anyone, vec![asked(approval(id))]);
        let ask = move |tx: &provost_store::Tx<'_>| {
            tx.team(sample::TEAM).sessions().change(change)?;
            is_asked.send(()).unwrap();
            // Long enough for the deletion to begin meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok::<_, StoreError>(())
        };
        store.write(ask).await
    });
    tokio::task::spawn_blocking(move || asked_now.recv()).await.unwrap().unwrap();
    delete(fixture, id).await.unwrap();
    asking.await.unwrap().unwrap();
    let left = fixture.place().raw("SELECT status FROM approvals").unwrap();
    assert_eq!(left, [[Some("cancelled".to_owned())]]);
    let expire = |tx: &provost_store::Tx<'_>| tx.due_approvals().expire("system:a", sample::time(900), 9);
    assert_eq!(fixture.store.write(expire).await, Ok(Vec::new()));
}
