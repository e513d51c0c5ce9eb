//! What people change about a session, and its deletion.

use domain::{
    id::SessionId,
    session::Session,
    session_status::SessionStatus::{self, Active, Connecting, Created},
};
use provost_store::{SessionEdit, SessionFilter, StoreError};
use serde_json::{Map, json};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    what_is_not_said_stays,
    an_empty_description_is_none,
    another_team_edits_and_deletes_nothing,
    a_deleted_session_is_hidden_everywhere,
    a_session_that_runs_is_not_deleted,
}

async fn edit(fixture: &Fixture, id: SessionId, edit: SessionEdit) -> Result<(), StoreError> {
    fixture.write(move |team| team.sessions().edit(id, &edit, sample::time(7))).await
}

async fn delete(fixture: &Fixture, id: SessionId) -> Result<(), StoreError> {
    fixture.write(move |team| team.sessions().delete(id, "user:ada", sample::time(8))).await
}

async fn what_is_not_said_stays(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let before = fixture.session(id).await;
    edit(fixture, id, SessionEdit::default()).await.unwrap();
    let untouched = Session { updated_at: sample::time(7), ..before };
    assert_eq!(fixture.session(id).await, untouched);
    let metadata = Map::from_iter([("ticket".to_owned(), json!({"id": 7}))]);
    let all = SessionEdit {
        name: Some("another name".parse().unwrap()),
        description: Some("what it is about".into()),
        metadata: Some(metadata.clone()),
    };
    edit(fixture, id, all).await.unwrap();
    let edited = fixture.session(id).await;
    assert_eq!(
        (edited.name.as_str(), edited.description.as_deref()),
        ("another name", Some("what it is about"))
    );
    assert_eq!(edited.options.metadata, metadata);
    let renamed = SessionEdit { name: Some("a third".parse().unwrap()), ..SessionEdit::default() };
    edit(fixture, id, renamed).await.unwrap();
    assert_eq!(fixture.session(id).await, Session { name: "a third".into(), ..edited });
}

async fn an_empty_description_is_none(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    for (said, expected) in [("about", Some("about")), ("", None)] {
        let description = Some(said.to_owned());
        edit(fixture, id, SessionEdit { description, ..SessionEdit::default() }).await.unwrap();
        assert_eq!(fixture.session(id).await.description.as_deref(), expected);
    }
}

async fn another_team_edits_and_deletes_nothing(fixture: &Fixture) {
    let id = fixture.insert_session().await;
    let (before, other) = (fixture.session(id).await, fixture.other_team().await);
    let missing = StoreError::Missing { what: format!("session {id}") };
    let edited = fixture
        .store
        .write(move |tx| tx.team(other).sessions().edit(id, &SessionEdit::default(), sample::time(7)))
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
    assert_eq!(edit(fixture, id, SessionEdit::default()).await, Err(missing.clone()));
    assert_eq!(delete(fixture, id).await, Err(missing));
    let lease = sample::lease(1, sample::time(60));
    let acquired = fixture.write(move |team| team.sessions().acquire(id, 0, &lease)).await;
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
    let lease = sample::lease(1, sample::time(60));
    fixture.write(move |team| team.sessions().acquire(id, 0, &lease)).await.unwrap();
    let refused = delete(fixture, id).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "somebody owns it: {refused}");
    let begun = vec![sample::moved(id, Created, Connecting), sample::moved(id, Connecting, Active)];
    fixture.change(id, begun).await.unwrap();
    let refused = delete(fixture, id).await.unwrap_err();
    assert!(refused.to_string().contains("active"), "{refused}");
}
