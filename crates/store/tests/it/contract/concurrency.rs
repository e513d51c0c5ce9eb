//! Many at once.

use provost_store::Guard;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    changes_of_one_session_by_many_tasks_are_numbered_without_gaps,
    sessions_changed_at_once_do_not_disturb_each_other,
}

async fn changes_of_one_session_by_many_tasks_are_numbered_without_gaps(fixture: &Fixture) {
    const TASKS: i64 = 16;
    const CHANGES: i64 = 10;
    let session = fixture.insert_session().await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                for number in 0..CHANGES {
                    let text = format!("{task} {number}");
                    let items = vec![
                        sample::created_message(session, &text),
                        sample::created_message(session, &text),
                    ];
                    let change = sample::change(session, Guard::Anyone, items);
                    let entries =
                        store.write(move |tx| tx.team(sample::TEAM).sessions().change(change)).await.unwrap();
                    numbers.extend(entries.iter().map(|entry| entry.sequence));
                }
                numbers
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        let own = task.await.unwrap();
        assert!(own.is_sorted(), "one task's changes come in its order");
        numbers.extend(own);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=TASKS * CHANGES * 2).collect::<Vec<_>>());
    fixture.assert_whole().await;
}

async fn sessions_changed_at_once_do_not_disturb_each_other(fixture: &Fixture) {
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let session = fixture.insert_session().await;
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            for number in 1..=10 {
                let change =
                    sample::change(session, Guard::Anyone, vec![sample::created_message(session, "a")]);
                let entries =
                    store.write(move |tx| tx.team(sample::TEAM).sessions().change(change)).await.unwrap();
                assert_eq!(entries[0].sequence, number);
                let seen = store
                    .read(move |conn| conn.team(sample::TEAM).timeline().list(session, 0, 100))
                    .await
                    .unwrap();
                assert_eq!(seen.len(), usize::try_from(number).unwrap(), "what was acknowledged is seen");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    fixture.assert_whole().await;
}
