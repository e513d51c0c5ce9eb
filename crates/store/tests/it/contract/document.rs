//! The index of documents.

use domain::{
    digest::Sha256Digest,
    document::{Document, DocumentChunk, SyncStatus},
    id::{DocumentChunkId, DocumentId},
};
use provost_store::{ChunkFilter, Conn, Documents, StoreError, Tx};
use serde_json::json;

use super::embedding_search::{embedding, model, register};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_document_is_found_as_it_was_made_known,
    a_known_path_keeps_its_document,
    documents_are_listed_by_status_in_pages,
    another_team_sees_no_document,
    chunks_are_replaced_together,
    chunks_of_a_content_that_changed_meanwhile_are_not_taken,
    chunks_are_listed_in_pages,
    chunks_are_replaced_by_one_at_a_time,
    chunks_that_do_not_fit_leave_those_that_are_there,
    chunks_are_searched_by_text_and_by_embedding,
    of_thousands_the_newest_are_ranked_and_a_rare_word_counts_more,
    a_deleted_document_takes_its_chunks_along,
}

pub(crate) fn document(path: &str) -> Document {
    Document {
        id: DocumentId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        file_path: path.parse().unwrap(),
        title: None,
        document_type: "markdown".parse().unwrap(),
        content_sha256: made_of(path),
        chunk_count: 0,
        embedding_model: None,
        sync_status: SyncStatus::Pending,
        error_message: None,
        last_synced_at: None,
        metadata: json!({}),
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

/// The digest that [`document`] gives the content of a file.
pub(crate) fn made_of(path: &str) -> Sha256Digest {
    Sha256Digest::of(path.as_bytes())
}

fn chunk(document_id: DocumentId, ordinal: i64, content: &str) -> DocumentChunk {
    DocumentChunk {
        id: DocumentChunkId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        document_id,
        ordinal,
        heading_path: "Handbook / Start".into(),
        content: content.into(),
        byte_start: ordinal * 10,
        byte_end: ordinal * 10 + 9,
        embedding: None,
        created_at: sample::time(2),
    }
}

async fn write<T: Send + 'static>(
    fixture: &Fixture,
    work: impl FnOnce(&Documents<'_, Tx<'_>>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    fixture.store.write(move |tx| work(&tx.team(sample::TEAM).documents())).await
}

async fn upsert(fixture: &Fixture, document: &Document) -> Document {
    let document = document.clone();
    write(fixture, move |documents| documents.upsert(&document)).await.unwrap()
}

async fn find(fixture: &Fixture, id: DocumentId) -> Option<Document> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).documents().find(id)).await.unwrap()
}

async fn chunks(fixture: &Fixture, id: DocumentId) -> Vec<DocumentChunk> {
    let list = move |conn: &Conn| conn.team(sample::TEAM).documents().list_chunks(id, None, 1000);
    fixture.store.read(list).await.unwrap()
}

async fn a_document_is_found_as_it_was_made_known(fixture: &Fixture) {
    for &status in SyncStatus::ALL {
        let made = Document {
            title: Some("Ä title".into()),
            metadata: json!({"k": [1]}),
            ..document(&format!("docs/{status} ä.md"))
        };
        assert_eq!(upsert(fixture, &made).await, made);
        let id = made.id;
        let set = move |documents: &Documents<'_, Tx<'_>>| {
            documents.set_status(id, status, Some("unreadable"), sample::time(5))
        };
        write(fixture, set).await.unwrap();
        let expected = Document {
            sync_status: status,
            error_message: (status == SyncStatus::Failed).then(|| "unreadable".to_owned()),
            last_synced_at: (status == SyncStatus::Synced).then(|| sample::time(5)),
            updated_at: sample::time(5),
            ..made.clone()
        };
        assert_eq!(find(fixture, id).await.as_ref(), Some(&expected));
        let path = made.file_path;
        let by_path = move |conn: &Conn| conn.team(sample::TEAM).documents().find_by_path(&path);
        assert_eq!(fixture.store.read(by_path).await, Ok(Some(expected)));
    }
}

async fn a_known_path_keeps_its_document(fixture: &Fixture) {
    let first = document("a.md");
    upsert(fixture, &first).await;
    let changed = Document {
        content_sha256: Sha256Digest::of(b"new"),
        title: Some("New".into()),
        created_at: sample::time(3),
        updated_at: sample::time(3),
        ..document("a.md")
    };
    let known = upsert(fixture, &changed).await;
    let expected = Document { id: first.id, created_at: sample::time(1), ..changed.clone() };
    assert_eq!(known, expected, "never indexed, so not stale");
    let id = first.id;
    let index = move |documents: &Documents<'_, Tx<'_>>| {
        documents.replace_chunks(id, &Sha256Digest::of(b"new"), &[chunk(id, 0, "text")], sample::time(4))
    };
    write(fixture, index).await.unwrap();
    assert_eq!(upsert(fixture, &changed).await.sync_status, SyncStatus::Synced, "the same content");
    let known = upsert(fixture, &document("a.md")).await;
    assert_eq!((known.sync_status, known.chunk_count), (SyncStatus::Stale, 1));
    assert_eq!(chunks(fixture, id).await.len(), 1);
}

async fn documents_are_listed_by_status_in_pages(fixture: &Fixture) {
    for number in 0..5 {
        let status = if number % 2 == 0 { SyncStatus::Synced } else { SyncStatus::Failed };
        let made = Document {
            sync_status: status,
            created_at: sample::time(number),
            ..document(&format!("{number}.md"))
        };
        upsert(fixture, &made).await;
    }
    let list = async |status| {
        let read = move |conn: &Conn| {
            let documents = conn.team(sample::TEAM).documents();
            let first = documents.list(status, None, 2)?;
            let second = documents.list(status, first.next, 10)?;
            Ok::<_, StoreError>(first.items.into_iter().chain(second.items).collect::<Vec<_>>())
        };
        let documents = fixture.store.read(read).await.unwrap();
        documents.into_iter().map(|document| document.file_path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["4.md", "3.md", "2.md", "1.md", "0.md"]);
    assert_eq!(list(Some(SyncStatus::Synced)).await, ["4.md", "2.md", "0.md"]);
    assert_eq!(list(Some(SyncStatus::Stale)).await, [""; 0]);
}

async fn another_team_sees_no_document(fixture: &Fixture) {
    let own = document("a.md");
    let id = own.id;
    upsert(fixture, &own).await;
    write(fixture, move |documents| {
        documents.replace_chunks(id, &made_of("a.md"), &[chunk(id, 0, "tea")], sample::time(2))
    })
    .await
    .unwrap();
    let other = fixture.other_team().await;
    let seen = fixture.store.read(move |conn| {
        let documents = conn.team(other).documents();
        Ok::<_, StoreError>((
            documents.find(id)?,
            documents.list(None, None, 9)?.items.len(),
            documents.list_chunks(id, None, 9)?.len(),
            documents.search_by_text("tea", &ChunkFilter::default(), 9)?.len(),
        ))
    });
    assert_eq!(seen.await, Ok((None, 0, 0, 0)));
    for step in 0..3 {
        let refused = fixture.store.write(move |tx| {
            let documents = tx.team(other).documents();
            match step {
                0 => documents.delete(id),
                1 => documents.set_status(id, SyncStatus::Stale, None, sample::time(3)),
                _ => documents.replace_chunks(id, &made_of("a.md"), &[], sample::time(3)).map(drop),
            }
        });
        assert!(matches!(refused.await, Err(StoreError::Missing { .. })), "{step}");
    }
    let foreign = fixture.store.write(move |tx| tx.team(other).documents().upsert(&own));
    assert!(matches!(foreign.await, Err(StoreError::Conflict { .. })));
    assert_eq!(chunks(fixture, id).await.len(), 1);
}

async fn chunks_are_replaced_together(fixture: &Fixture) {
    register(fixture, model("chunks", 2)).await.unwrap();
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    for count in [130, 0, 11] {
        let mut wanted: Vec<_> =
            (0..count).map(|ordinal| chunk(id, ordinal, &format!("text {ordinal}"))).collect();
        for chunk in wanted.iter_mut().step_by(2) {
            chunk.embedding = Some(embedding("chunks", &[1.0, 0.5]));
        }
        let written = wanted.clone();
        write(fixture, move |documents| {
            documents.replace_chunks(id, &made_of("a.md"), &written, sample::time(7))
        })
        .await
        .unwrap();
        assert_eq!(chunks(fixture, id).await, wanted);
        let found = find(fixture, id).await.unwrap();
        assert_eq!((found.chunk_count, found.sync_status), (count, SyncStatus::Synced));
        assert_eq!(found.last_synced_at, Some(sample::time(7)));
        assert_eq!(found.embedding_model.is_some(), count > 0);
    }
}

async fn chunks_of_a_content_that_changed_meanwhile_are_not_taken(fixture: &Fixture) {
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    let replace = async |of, content: &'static str, seconds| {
        let replace = move |documents: &Documents<'_, Tx<'_>>| {
            documents.replace_chunks(id, &of, &[chunk(id, 0, content)], sample::time(seconds))
        };
        write(fixture, replace).await.unwrap()
    };
    assert!(replace(made.content_sha256, "first", 2).await);
    // While the second content is cut into chunks, the file changes again.
    let (second, third) = (Sha256Digest::of(b"second"), Sha256Digest::of(b"third"));
    upsert(fixture, &Document { content_sha256: second, ..made.clone() }).await;
    let stale = upsert(fixture, &Document { content_sha256: third, ..made }).await;
    assert_eq!(stale.sync_status, SyncStatus::Stale);
    assert!(!replace(second, "second", 3).await);
    assert_eq!(find(fixture, id).await, Some(stale));
    assert_eq!(chunks(fixture, id).await[0].content, "first");
    assert!(replace(third, "third", 4).await);
    assert_eq!(find(fixture, id).await.unwrap().sync_status, SyncStatus::Synced);
    assert_eq!(chunks(fixture, id).await[0].content, "third");
}

async fn chunks_are_listed_in_pages(fixture: &Fixture) {
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    let written: Vec<_> = (0..5).map(|ordinal| chunk(id, ordinal, "text")).collect();
    write(fixture, move |documents| {
        documents.replace_chunks(id, &made_of("a.md"), &written, sample::time(2))
    })
    .await
    .unwrap();
    let page = async |after| {
        let read = move |conn: &Conn| conn.team(sample::TEAM).documents().list_chunks(id, after, 2);
        let chunks = fixture.store.read(read).await.unwrap();
        chunks.into_iter().map(|chunk| chunk.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, [0, 1]);
    assert_eq!(page(Some(1)).await, [2, 3]);
    assert_eq!(page(Some(3)).await, [4]);
    assert_eq!(page(Some(4)).await, [0; 0]);
}

async fn of_thousands_the_newest_are_ranked_and_a_rare_word_counts_more(fixture: &Fixture) {
    let texts = |count: i64| {
        let text = move |ordinal| match ordinal {
            0 => "teapot".to_owned(),
            _ if ordinal == count - 1 => "kettle kettle kettle".to_owned(),
            _ => format!("a kettle, number {ordinal}, among many other things that are said of it"),
        };
        (0..count).map(text)
    };
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    let written: Vec<_> = (0..).zip(texts(5_200)).map(|(ordinal, text)| chunk(id, ordinal, &text)).collect();
    write(fixture, move |documents| {
        documents.replace_chunks(id, &made_of("a.md"), &written, sample::time(2))
    })
    .await
    .unwrap();
    let search = async |text: &'static str| {
        let read = move |conn: &Conn| {
            conn.team(sample::TEAM).documents().search_by_text(text, &ChunkFilter::default(), 3)
        };
        let found = fixture.store.read(read).await.unwrap();
        found.into_iter().map(|scored| scored.item.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(search("kettle").await[0], 5_199);
    assert_eq!(search("teapot kettle").await[..2], [0, 5_199]);
}

async fn chunks_are_replaced_by_one_at_a_time(fixture: &Fixture) {
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    let tasks: Vec<_> = (1..=8)
        .map(|count| {
            let store = fixture.store.clone();
            let wanted: Vec<_> = (0..count).map(|ordinal| chunk(id, ordinal, "text")).collect();
            tokio::spawn(async move {
                let replace = move |tx: &Tx<'_>| {
                    tx.team(sample::TEAM).documents().replace_chunks(
                        id,
                        &made_of("a.md"),
                        &wanted,
                        sample::time(count),
                    )
                };
                store.write(replace).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let (found, left) = (find(fixture, id).await.unwrap(), chunks(fixture, id).await);
    assert_eq!(found.chunk_count, i64::try_from(left.len()).unwrap());
}

async fn chunks_that_do_not_fit_leave_those_that_are_there(fixture: &Fixture) {
    register(fixture, model("chunks", 2)).await.unwrap();
    register(fixture, model("others", 2)).await.unwrap();
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    write(fixture, move |documents| {
        documents.replace_chunks(id, &made_of("a.md"), &[chunk(id, 0, "kept")], sample::time(2))
    })
    .await
    .unwrap();
    let embedded = |ordinal, model: &str, numbers: &[f32]| DocumentChunk {
        embedding: Some(embedding(model, numbers)),
        ..chunk(id, ordinal, "")
    };
    let same = chunk(id, 0, "a");
    let cases = vec![
        vec![chunk(id, 1, "a")],
        vec![chunk(DocumentId::from_uuid(sample::uuid()), 0, "a")],
        vec![DocumentChunk { byte_end: -1, ..chunk(id, 0, "a") }],
        vec![same.clone(), DocumentChunk { ordinal: 1, ..same }],
        vec![chunk(id, 0, &"a".repeat(100_001))],
        vec![embedded(0, "chunks", &[1.0])],
        vec![embedded(0, "unknown", &[1.0, 1.0])],
        vec![embedded(0, "chunks", &[1.0, 1.0]), embedded(1, "others", &[1.0, 1.0])],
    ];
    for case in cases {
        let written = case.clone();
        let refused = write(fixture, move |documents| {
            documents.replace_chunks(id, &made_of("a.md"), &written, sample::time(3))
        });
        assert!(refused.await.is_err(), "{case:?}");
        let left = chunks(fixture, id).await;
        assert_eq!(left.iter().map(|chunk| chunk.content.as_str()).collect::<Vec<_>>(), ["kept"]);
    }
}

async fn chunks_are_searched_by_text_and_by_embedding(fixture: &Fixture) {
    register(fixture, model("chunks", 2)).await.unwrap();
    let (one, two) =
        (document("one.md"), Document { document_type: "rust".parse().unwrap(), ..document("two.rs") });
    for (made, numbers) in [(&one, [1.0, 0.0]), (&two, [0.0, 1.0])] {
        upsert(fixture, made).await;
        let (id, digest) = (made.id, made.content_sha256);
        let content = format!("fn brew_tea() in {}", made.file_path);
        let replace = move |documents: &Documents<'_, Tx<'_>>| {
            let chunk =
                DocumentChunk { embedding: Some(embedding("chunks", &numbers)), ..chunk(id, 0, &content) };
            documents.replace_chunks(id, &digest, &[chunk], sample::time(2))
        };
        write(fixture, replace).await.unwrap();
    }
    let any = ChunkFilter::default();
    let cases = [
        (any.clone(), vec![two.id, one.id]),
        (ChunkFilter { document_id: Some(one.id), ..any.clone() }, vec![one.id]),
        (ChunkFilter { document_type: Some("rust".parse().unwrap()), ..any.clone() }, vec![two.id]),
        (ChunkFilter { document_id: Some(one.id), document_type: Some("rust".parse().unwrap()) }, vec![]),
    ];
    for (filter, mut expected) in cases {
        let read = move |conn: &Conn| {
            let documents = conn.team(sample::TEAM).documents();
            let by_embedding =
                documents.search_by_embedding(&embedding("chunks", &[0.1, 1.0]), &filter, 9)?;
            let by_text = documents.search_by_text("brew tea", &filter, 9)?;
            let by_heading = documents.search_by_text("handbook", &filter, 9)?;
            Ok::<_, StoreError>([by_embedding, by_text, by_heading])
        };
        let [by_embedding, mut by_text, by_heading] = fixture
            .store
            .read(read)
            .await
            .unwrap()
            .map(|found| found.into_iter().map(|scored| scored.item.document_id).collect::<Vec<_>>());
        assert_eq!(by_embedding, expected);
        assert_eq!(by_heading.len(), expected.len());
        by_text.sort();
        expected.sort();
        assert_eq!(by_text, expected);
    }
}

async fn a_deleted_document_takes_its_chunks_along(fixture: &Fixture) {
    let made = document("a.md");
    let id = made.id;
    upsert(fixture, &made).await;
    write(fixture, move |documents| {
        documents.replace_chunks(id, &made_of("a.md"), &[chunk(id, 0, "tea")], sample::time(2))?;
        documents.delete(id)
    })
    .await
    .unwrap();
    let again = write(fixture, move |documents| documents.delete(id)).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    assert_eq!((find(fixture, id).await, chunks(fixture, id).await), (None, vec![]));
    let search =
        |conn: &Conn| conn.team(sample::TEAM).documents().search_by_text("tea", &ChunkFilter::default(), 9);
    assert!(fixture.store.read(search).await.unwrap().is_empty());
    assert_eq!(upsert(fixture, &made).await, made, "its path is free again");
}
