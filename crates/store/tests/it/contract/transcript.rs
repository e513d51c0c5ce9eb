//! Mirrors of agent programs' transcripts.

use domain::{
    id::SessionId,
    transcript::{TranscriptPath, TranscriptPiece},
};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    pieces_are_listed_in_the_order_of_their_places,
    pieces_added_at_once_take_a_place_each,
    a_file_is_replaced_as_a_whole,
    an_earlier_owner_adds_nothing,
    another_team_sees_and_adds_no_piece,
}

fn path(text: &str) -> TranscriptPath {
    text.parse().unwrap()
}

fn piece(number: u8) -> TranscriptPiece {
    TranscriptPiece { bytes: vec![0, number, 255], size_bytes: 1000 }
}

async fn append(
    fixture: &Fixture,
    id: SessionId,
    file: &str,
    number: u8,
    fence: i64,
) -> Result<i64, StoreError> {
    let path = path(file);
    let append = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
        team.transcripts().append(id, fence, &path, piece(number), sample::time(number.into()))
    };
    fixture.write(append).await
}

async fn list(
    fixture: &Fixture,
    id: SessionId,
    file: &str,
    from: i64,
    limit: u32,
) -> Vec<(i64, TranscriptPiece)> {
    let path = path(file);
    let segments = fixture.read(move |team| team.transcripts().list(id, &path, from, limit)).await.unwrap();
    segments.into_iter().map(|segment| (segment.ordinal, segment.piece)).collect()
}

async fn pieces_are_listed_in_the_order_of_their_places(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for number in 0..4 {
        assert_eq!(append(fixture, session, "p/a.jsonl", number, 0).await, Ok(number.into()));
    }
    assert_eq!(append(fixture, session, "p/b.jsonl", 9, 0).await, Ok(0), "each file by itself");
    let all: Vec<_> = (0..4).map(|number| (number.into(), piece(number))).collect();
    assert_eq!(list(fixture, session, "p/a.jsonl", 0, 10).await, all);
    assert_eq!(list(fixture, session, "p/a.jsonl", 2, 10).await, all[2..]);
    assert_eq!(list(fixture, session, "p/a.jsonl", 1, 2).await, all[1..3]);
    assert_eq!(list(fixture, session, "p/c.jsonl", 0, 10).await, []);
    let paths = fixture.read(move |team| team.transcripts().list_paths(session)).await;
    assert_eq!(paths, Ok(vec![(path("p/a.jsonl"), 4), (path("p/b.jsonl"), 1)]));
}

async fn pieces_added_at_once_take_a_place_each(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let append = move |tx: &provost_store::Tx<'_>| {
                    let transcripts = tx.team(sample::TEAM).transcripts();
                    transcripts.append(session, 0, &path("a"), piece(number), sample::time(1))
                };
                store.write(append).await.unwrap()
            })
        })
        .collect();
    let mut places = Vec::new();
    for task in tasks {
        places.push(task.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (0..16).collect::<Vec<_>>());
}

async fn a_file_is_replaced_as_a_whole(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for number in 0..3 {
        append(fixture, session, "a", number, 0).await.unwrap();
    }
    append(fixture, session, "b", 7, 0).await.unwrap();
    let replace = async |pieces: Vec<TranscriptPiece>| {
        let replace = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
            team.transcripts().replace(session, 0, &path("a"), pieces, sample::time(5))
        };
        fixture.write(replace).await
    };
    assert_eq!(replace(vec![piece(10), piece(11)]).await, Ok(()));
    assert_eq!(list(fixture, session, "a", 0, 10).await, [(0, piece(10)), (1, piece(11))]);
    assert_eq!(append(fixture, session, "a", 12, 0).await, Ok(2));
    assert_eq!(replace(Vec::new()).await, Ok(()));
    assert_eq!(list(fixture, session, "a", 0, 10).await, []);
    assert_eq!(list(fixture, session, "b", 0, 10).await, [(0, piece(7))]);
}

async fn an_earlier_owner_adds_nothing(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let fence = fixture.acquire(session, 1, 60).await;
    assert_eq!(append(fixture, session, "a", 1, fence - 1).await, Err(StoreError::Fenced));
    let late = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
        team.transcripts().replace(session, fence - 1, &path("a"), vec![piece(1)], sample::time(5))
    };
    assert_eq!(fixture.write(late).await, Err(StoreError::Fenced));
    assert_eq!(append(fixture, session, "a", 2, fence).await, Ok(0));
}

async fn another_team_sees_and_adds_no_piece(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    append(fixture, session, "a", 1, 0).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let transcripts = conn.team(other).transcripts();
        Ok::<_, StoreError>((transcripts.list(session, &path("a"), 0, 9)?, transcripts.list_paths(session)?))
    });
    assert_eq!(seen.await, Ok((vec![], vec![])));
    let added = fixture.store.write(move |tx| {
        tx.team(other).transcripts().append(session, 0, &path("a"), piece(2), sample::time(1))
    });
    assert_eq!(added.await, Err(StoreError::Fenced));
}
