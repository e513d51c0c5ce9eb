//! Notes on tasks.

use domain::{
    id::{TaskId, TaskNoteId},
    task::{TaskNote, TaskNoteKind},
};
use provost_store::StoreError;

use super::later;
use crate::{fixture::Fixture, sample};

on_both_databases! {
    notes_are_listed_in_the_order_of_their_writing,
    notes_change_and_go,
}

fn note(task_id: TaskId, kind: TaskNoteKind, seconds: i64) -> TaskNote {
    TaskNote {
        id: TaskNoteId::from_uuid(sample::uuid()),
        task_id,
        kind,
        content: format!("A {kind}"),
        author: "user:ada".into(),
        version: 1,
        created_at: later(seconds),
        updated_at: later(seconds),
    }
}

async fn notes_are_listed_in_the_order_of_their_writing(fixture: &Fixture) {
    let task = fixture.add_tasks(None, 1).await[0].id;
    let notes: Vec<_> =
        (2..).zip(TaskNoteKind::ALL).map(|(seconds, kind)| note(task, *kind, seconds)).collect();
    let rows = notes.clone();
    let insert =
        fixture.write_backlog(move |team| rows.iter().try_for_each(|note| team.task_notes().insert(note)));
    assert_eq!(insert.await, Ok::<_, StoreError>(()));
    let first = fixture.read_backlog(move |team| team.task_notes().list(task, None, 4)).await;
    let rest = fixture.read_backlog(move |team| team.task_notes().list(task, first.next, 4)).await;
    assert_eq!([first.items, rest.items].concat(), notes);
    let other = fixture.other_team().await;
    let seen = fixture.store.read(move |conn| conn.team(other).task_notes().list(task, None, 9)).await;
    assert!(seen.unwrap().items.is_empty());
    let foreign = note(task, TaskNoteKind::Comment, 9);
    let into = fixture.store.write(move |tx| tx.team(other).task_notes().insert(&foreign)).await;
    assert!(matches!(into, Err(StoreError::Missing { .. })));
}

async fn notes_change_and_go(fixture: &Fixture) {
    let task = fixture.add_tasks(None, 1).await[0].id;
    let (first, second) = (note(task, TaskNoteKind::Question, 2), note(task, TaskNoteKind::Solution, 3));
    let (id, gone, other) = (first.id, second.id, fixture.other_team().await);
    let rows = [first.clone(), second];
    let insert =
        fixture.write_backlog(move |team| rows.iter().try_for_each(|note| team.task_notes().insert(note)));
    assert_eq!(insert.await, Ok::<_, StoreError>(()));
    let foreign =
        fixture.store.write(move |tx| tx.team(other).task_notes().update(id, 1, "Theirs", later(4))).await;
    assert!(matches!(foreign, Err(StoreError::Missing { .. })));
    let update = async |version| {
        fixture.write_backlog(move |team| team.task_notes().update(id, version, "Why?", later(4))).await
    };
    assert_eq!(update(1).await, Ok(2));
    let what = format!("note {id}");
    assert_eq!(update(1).await, Err(StoreError::Stale { what, expected: 1, current: 2 }));
    let delete = async || fixture.write_backlog(move |team| team.task_notes().delete(gone, later(5))).await;
    delete().await.unwrap();
    assert!(matches!(delete().await, Err(StoreError::Missing { .. })));
    let left = fixture.read_backlog(move |team| team.task_notes().list(task, None, 9)).await.items;
    assert_eq!(left, [TaskNote { content: "Why?".into(), version: 2, updated_at: later(4), ..first }]);
}
