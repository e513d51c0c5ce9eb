//! Searching by embeddings.

use std::ops::ControlFlow;

use domain::{
    document::{Document, DocumentChunk},
    embedding::{Embedding, EmbeddingModel},
    id::{DocumentChunkId, DocumentId, MemoryId, TeamId},
    memory::{MemoryStatus, MemoryTier, MemoryType},
    vector::Vector,
};
use provost_store::{
    ChunkFilter, Conn, Expected, Memories, MemoryFilter, Scored, Store, StoreError, Tx,
    transfer::{self, TransferError},
};

use super::{
    document::{document, made_of},
    memory::{change, draft, find, maintenance, put, put_new, tags, write},
};
use crate::{
    fixture::{Fixture, Place},
    plan, sample,
};

on_both_databases! {
    a_model_is_registered_once_with_one_dimension,
    the_nearest_come_first_and_deleted_ones_never,
    an_embedding_is_of_one_content,
    vectors_of_another_kind_are_refused,
    a_search_by_embedding_is_filtered,
    similar_memories_are_found,
    a_search_in_a_transaction_sees_its_own_changes_only,
    among_thousands_of_memories_the_nearest_are_found,
    among_tens_of_thousands_of_chunks_the_nearest_are_found,
    what_is_wanted_is_found_behind_thousands_that_are_nearer,
    what_another_store_wrote_is_found,
    what_was_imported_is_found,
}

pub(crate) fn model(name: &str, dimension: i64) -> EmbeddingModel {
    EmbeddingModel { name: name.parse().unwrap(), dimension, created_at: sample::time(0) }
}

pub(crate) async fn register(fixture: &Fixture, model: EmbeddingModel) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.embedding_models().register(&model)).await
}

pub(crate) fn embedding(model: &str, numbers: &[f32]) -> Embedding {
    Embedding { model: model.parse().unwrap(), vector: Vector::try_from(numbers.to_vec()).unwrap() }
}

/// Puts a memory and embeds it.
async fn put_embedded(fixture: &Fixture, namespace: &str, key: &str, numbers: &[f32]) -> MemoryId {
    let memory = put_new(fixture, draft(namespace, key, key)).await;
    let embedding = embedding("small", numbers);
    let embed = move |memories: &Memories<'_, Tx<'_>>| {
        memories.set_embedding(memory.id, &memory.content_sha256, &embedding)
    };
    assert_eq!(write(fixture, embed).await, Ok(true));
    memory.id
}

async fn search(fixture: &Fixture, numbers: &[f32], filter: MemoryFilter) -> Vec<String> {
    let embedding = embedding("small", numbers);
    let read =
        move |conn: &Conn| conn.team(sample::TEAM).memories().search_by_embedding(&embedding, &filter, 10);
    keys(fixture.store.read(read).await.unwrap())
}

fn keys(found: Vec<Scored<domain::memory::Memory>>) -> Vec<String> {
    assert!(found.is_sorted_by(|left, right| left.score >= right.score));
    found.into_iter().map(|scored| scored.item.key.to_string()).collect()
}

async fn a_model_is_registered_once_with_one_dimension(fixture: &Fixture) {
    let tasks: Vec<_> = (0..4)
        .map(|number| {
            let (store, model) = (fixture.store.clone(), model(&format!("m{}", number / 2), 3));
            tokio::spawn(async move { store.write(move |tx| tx.embedding_models().register(&model)).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    let other = register(fixture, model("m0", 4)).await;
    assert!(matches!(other, Err(StoreError::Conflict { .. })), "{other:?}");
    for impossible in [0, 16_001] {
        let refused = register(fixture, model("m9", impossible)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    register(fixture, model("long", 16_000)).await.unwrap();
    let found = fixture.store.read(|conn| conn.embedding_models().find(&"m0".parse().unwrap())).await;
    assert_eq!(found, Ok(Some(model("m0", 3))));
}

async fn the_nearest_come_first_and_deleted_ones_never(fixture: &Fixture) {
    register(fixture, model("small", 2)).await.unwrap();
    put_embedded(fixture, "user:ada", "east", &[1.0, 0.0]).await;
    put_embedded(fixture, "user:ada", "northeast", &[2.0, 2.0]).await;
    let north = put_embedded(fixture, "user:ada", "north", &[0.0, 1.0]).await;
    put_embedded(fixture, "user:ada", "west", &[-1.0, 0.0]).await;
    put_new(fixture, draft("user:ada", "nowhere", "")).await;
    let any = MemoryFilter::default();
    assert_eq!(search(fixture, &[3.0, 0.1], any.clone()).await, ["east", "northeast", "north", "west"]);
    let nothing = embedding("small", &[1.0, 0.0]);
    let read = move |conn: &Conn| {
        conn.team(sample::TEAM).memories().search_by_embedding(&nothing, &MemoryFilter::default(), 0)
    };
    assert_eq!(fixture.store.read(read).await, Ok(vec![]));
    write(fixture, move |memories| memories.delete(north, None, &change(2))).await.unwrap();
    assert_eq!(search(fixture, &[0.0, 1.0], any.clone()).await, ["northeast", "east", "west"]);
    write(fixture, move |memories| memories.restore(north, &change(3))).await.unwrap();
    assert_eq!(search(fixture, &[0.0, 1.0], any.clone()).await[0], "north");
    write(fixture, move |memories| memories.purge(north, &maintenance(), &change(4))).await.unwrap();
    assert_eq!(search(fixture, &[0.0, 1.0], any).await.len(), 3);
    let wanted = embedding("small", &[5.0, 5.0]);
    let read = move |conn: &Conn| {
        conn.team(sample::TEAM).memories().search_by_embedding(&wanted, &MemoryFilter::default(), 1)
    };
    let found = fixture.store.read(read).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!((found[0].score - 1.0).abs() < 1e-6, "{}", found[0].score);
    let other = fixture.other_team().await;
    let wanted = embedding("small", &[5.0, 5.0]);
    let read = move |conn: &Conn| {
        conn.team(other).memories().search_by_embedding(&wanted, &MemoryFilter::default(), 9)
    };
    assert!(fixture.store.read(read).await.unwrap().is_empty());
}

async fn an_embedding_is_of_one_content(fixture: &Fixture) {
    register(fixture, model("small", 2)).await.unwrap();
    let id = put_embedded(fixture, "user:ada", "drink", &[1.0, 0.0]).await;
    let before = find(fixture, id).await.unwrap();
    assert_eq!(before.embedding_model, Some("small".parse().unwrap()));
    assert_eq!((before.version, before.updated_at), (1, sample::time(1)));
    let mut same = draft("user:ada", "drink", "drink");
    same.fact.metadata = serde_json::json!({"k": 1});
    let kept = put(fixture, Expected::Version(1), same, 2).await.unwrap().memory;
    assert_eq!(find(fixture, id).await, Some(kept.clone()));
    assert!(kept.embedding_model.is_some());
    let changed =
        put(fixture, Expected::Version(2), draft("user:ada", "drink", "tea"), 3).await.unwrap().memory;
    assert_eq!(find(fixture, id).await, Some(changed.clone()));
    assert_eq!(changed.embedding_model, None);
    assert!(search(fixture, &[1.0, 0.0], MemoryFilter::default()).await.is_empty());
    let late = write(fixture, move |memories| {
        memories.set_embedding(id, &before.content_sha256, &embedding("small", &[1.0, 0.0]))
    });
    assert_eq!(late.await, Ok(false), "of a content that is no longer there");
    let again = write(fixture, move |memories| {
        memories.set_embedding(id, &changed.content_sha256, &embedding("small", &[0.0, 1.0]))
    });
    assert_eq!(again.await, Ok(true));
    assert_eq!(search(fixture, &[1.0, 0.0], MemoryFilter::default()).await, ["drink"]);
    write(fixture, move |memories| memories.redact(id, &maintenance(), &change(9))).await.unwrap();
    assert!(search(fixture, &[1.0, 0.0], MemoryFilter::default()).await.is_empty());
    let redacted = find(fixture, id).await.unwrap().content_sha256;
    let late = write(fixture, move |memories| {
        memories.set_embedding(id, &redacted, &embedding("small", &[1.0, 0.0]))
    });
    assert_eq!(late.await, Ok(false), "of a content that was redacted");
}

async fn vectors_of_another_kind_are_refused(fixture: &Fixture) {
    register(fixture, model("small", 2)).await.unwrap();
    let memory = put_new(fixture, draft("user:ada", "drink", "tea")).await;
    for wrong in [&[1.0, 0.0, 0.0][..], &[1.0], &[0.0, 0.0], &[1e-30, 1e-30], &[1e20, 0.0]] {
        let (id, digest, wrong) = (memory.id, memory.content_sha256, embedding("small", wrong));
        let searched = wrong.clone();
        let refused = write(fixture, move |memories| memories.set_embedding(id, &digest, &wrong)).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "embedding", .. })), "{refused:?}");
        let read = move |conn: &Conn| {
            conn.team(sample::TEAM).memories().search_by_embedding(&searched, &MemoryFilter::default(), 9)
        };
        let refused = fixture.store.read(read).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "embedding", .. })), "{refused:?}");
    }
    let unknown = write(fixture, move |memories| {
        memories.set_embedding(memory.id, &memory.content_sha256, &embedding("unknown", &[1.0]))
    });
    assert!(matches!(unknown.await, Err(StoreError::Missing { .. })));
}

async fn a_search_by_embedding_is_filtered(fixture: &Fixture) {
    register(fixture, model("small", 2)).await.unwrap();
    register(fixture, model("other", 2)).await.unwrap();
    let mut episode = draft("user:ada:x", "episode", "tea");
    episode.fact.memory_type = MemoryType::Episodic;
    episode.tags = tags(&["hot"]);
    let episode = put_new(fixture, episode).await;
    let embed = move |memories: &Memories<'_, Tx<'_>>| {
        memories.set_embedding(episode.id, &episode.content_sha256, &embedding("small", &[1.0, 1.0]))
    };
    write(fixture, embed).await.unwrap();
    let cold = put_embedded(fixture, "user:adam", "cold", &[1.0, 0.0]).await;
    write(fixture, move |memories| {
        memories.set_tier(cold, MemoryTier::Cold, &change(2))?;
        memories.set_status(cold, MemoryStatus::Disputed, None, &change(2))
    })
    .await
    .unwrap();
    let elsewhere = put_new(fixture, draft("user:ada", "elsewhere", "text")).await;
    write(fixture, move |memories| {
        memories.set_embedding(elsewhere.id, &elsewhere.content_sha256, &embedding("other", &[1.0, 0.0]))
    })
    .await
    .unwrap();
    let any = MemoryFilter::default();
    let cases = [
        (any.clone(), &["cold", "episode"][..]),
        (MemoryFilter { namespaces: vec!["user:ada".parse().unwrap()], ..any.clone() }, &["episode"]),
        (MemoryFilter { memory_type: Some(MemoryType::Episodic), ..any.clone() }, &["episode"]),
        (MemoryFilter { tier: Some(MemoryTier::Cold), ..any.clone() }, &["cold"]),
        (MemoryFilter { status: Some(MemoryStatus::Disputed), ..any.clone() }, &["cold"]),
        (MemoryFilter { tags: tags(&["hot"]).into_iter().collect(), ..any.clone() }, &["episode"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(search(fixture, &[1.0, 0.0], filter.clone()).await, expected, "{filter:?}");
    }
}

async fn similar_memories_are_found(fixture: &Fixture) {
    register(fixture, model("small", 2)).await.unwrap();
    let east = put_embedded(fixture, "user:ada", "east", &[1.0, 0.0]).await;
    put_embedded(fixture, "user:ada", "nearly", &[1.0, 0.1]).await;
    put_embedded(fixture, "user:bob", "north", &[0.0, 1.0]).await;
    let blank = put_new(fixture, draft("user:ada", "blank", "")).await.id;
    let similar = async |id, limit| {
        let read = move |conn: &Conn| {
            conn.team(sample::TEAM).memories().find_similar(id, &MemoryFilter::default(), limit)
        };
        fixture.store.read(read).await.unwrap().map(keys)
    };
    assert_eq!(similar(east, 1).await, Some(vec!["nearly".to_owned()]));
    assert_eq!(similar(east, 9).await, Some(vec!["nearly".to_owned(), "north".to_owned()]));
    assert_eq!(similar(blank, 9).await, None);
    assert_eq!(similar(east, 0).await, Some(vec![]));
    assert_eq!(similar(MemoryId::from_uuid(sample::uuid()), 9).await, None);
}

async fn a_search_in_a_transaction_sees_its_own_changes_only(fixture: &Fixture) {
    let count = 2_100;
    let document_id = insert_chunks(fixture, 8, count).await;
    let wanted = embedding("chunks", vectors(8, count)[7].as_slice());
    let nearest = move |conn: &Conn, wanted: &Embedding| {
        let found =
            conn.team(sample::TEAM).documents().search_by_embedding(wanted, &ChunkFilter::default(), 1)?;
        Ok::<_, StoreError>(found[0].item.ordinal)
    };
    let (in_tx, after) = (wanted.clone(), wanted.clone());
    let undone = fixture.store.write(move |tx| {
        let documents = tx.team(sample::TEAM).documents();
        let mut chunks = documents.list_chunks(document_id, None, 7)?;
        for chunk in &mut chunks {
            chunk.embedding = Some(embedding("chunks", &[-1.0; 8]));
        }
        chunks[3].embedding = Some(in_tx.clone());
        documents.replace_chunks(document_id, &made_of("a.md"), &chunks, sample::time(5))?;
        assert_eq!(nearest(tx, &in_tx), Ok(3));
        Err::<(), _>(StoreError::Fenced)
    });
    assert_eq!(undone.await, Err(StoreError::Fenced));
    assert_eq!(fixture.store.read(move |conn| nearest(conn, &after)).await, Ok(7));
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(self.0 >> 48).unwrap()) / 32_768.0 - 1.0
    }
}

/// Vectors in clusters, as embeddings of texts are.
fn vectors(dimension: usize, count: usize) -> Vec<Vector> {
    let mut numbers = Numbers(7);
    let centres: Vec<Vec<f32>> = (0..40).map(|_| (0..dimension).map(|_| numbers.next()).collect()).collect();
    let near = |centre: &Vec<f32>, numbers: &mut Numbers| {
        let near: Vec<f32> = centre.iter().map(|number| number + 0.3 * numbers.next()).collect();
        Vector::try_from(near).unwrap()
    };
    (0..count).map(|index| near(&centres[index % centres.len()], &mut numbers)).collect()
}

/// Which share of the nearest was found, by comparing with all.
fn recall(all: &[Vector], is_wanted: impl Fn(usize) -> bool, wanted: &Vector, found: &[usize]) -> f64 {
    let compared = (0..all.len()).filter(|index| is_wanted(*index));
    let mut nearest: Vec<_> = compared.map(|index| (all[index].cosine(wanted), index)).collect();
    nearest.sort_by(|left, right| right.0.total_cmp(&left.0));
    nearest.truncate(10);
    assert_eq!(found.len(), nearest.len());
    let hits = nearest.iter().filter(|(_, index)| found.contains(index)).count();
    f64::from(u32::try_from(hits).unwrap()) / f64::from(u32::try_from(nearest.len()).unwrap())
}

async fn among_thousands_of_memories_the_nearest_are_found(fixture: &Fixture) {
    const COUNT: usize = 2_160;
    register(fixture, model("small", 48)).await.unwrap();
    // So few rows are compared one by one, also on PostgreSQL; its index would only make them slower to write.
    fixture.place().raw("DROP INDEX IF EXISTS memories_embedding_48").unwrap();
    let mut all = vectors(48, COUNT + 10);
    let queries = all.split_off(COUNT);
    let drafts = all.clone();
    let fill = move |tx: &Tx<'_>| {
        let memories = tx.team(sample::TEAM).memories();
        for (index, vector) in drafts.iter().enumerate() {
            let namespace = if index % 100 == 0 { "project:small" } else { "project:large" };
            let mut draft = draft(namespace, &index.to_string(), "text");
            draft.fact.memory_type = if index % 2 == 0 { MemoryType::Semantic } else { MemoryType::Episodic };
            draft.tags = if index % 20 == 0 { tags(&["rare"]) } else { tags(&["often"]) };
            let put = memories.put(Expected::New, &draft, &change(1)).unwrap();
            let embedding = embedding("small", vector.as_slice());
            memories.set_embedding(put.memory.id, &put.memory.content_sha256, &embedding)?;
        }
        Ok::<_, StoreError>(())
    };
    fixture.store.write(fill).await.unwrap();
    let any = MemoryFilter::default();
    type IsWanted = fn(usize) -> bool;
    let cases: [(MemoryFilter, IsWanted); 5] = [
        (any.clone(), |_| true),
        (MemoryFilter { namespaces: vec!["project:small".parse().unwrap()], ..any.clone() }, |index| {
            index % 100 == 0
        }),
        (MemoryFilter { namespaces: vec!["project:large".parse().unwrap()], ..any.clone() }, |index| {
            index % 100 != 0
        }),
        (MemoryFilter { memory_type: Some(MemoryType::Episodic), ..any.clone() }, |index| index % 2 == 1),
        (MemoryFilter { tags: tags(&["often"]).into_iter().collect(), ..any.clone() }, |index| {
            index % 20 != 0
        }),
    ];
    for (filter, is_wanted) in cases {
        let mut sum = 0.0;
        for vector in &queries {
            let wanted = embedding("small", vector.as_slice());
            let filter = filter.clone();
            let read = move |conn: &Conn| {
                conn.team(sample::TEAM).memories().search_by_embedding(&wanted, &filter, 10)
            };
            let found = keys(fixture.store.scan(read).await.unwrap());
            let found: Vec<usize> = found.iter().map(|key| key.parse().unwrap()).collect();
            sum += recall(&all, is_wanted, vector, &found);
        }
        assert!(sum >= 9.9, "{filter:?}: {sum} of 10");
    }
}

/// Fills a document with chunks and gives its id.
async fn insert_chunks(fixture: &Fixture, dimension: usize, count: usize) -> DocumentId {
    register(fixture, model("chunks", i64::try_from(dimension).unwrap())).await.unwrap();
    fill_document(fixture, sample::TEAM, "a.md", &vectors(dimension, count)).await
}

async fn fill_document(fixture: &Fixture, team_id: TeamId, path: &str, vectors: &[Vector]) -> DocumentId {
    let document = Document { team_id, ..document(path) };
    let (id, content) = (document.id, document.content_sha256);
    let chunks: Vec<_> =
        chunks(id, vectors).into_iter().map(|chunk| DocumentChunk { team_id, ..chunk }).collect();
    let fill = move |tx: &Tx<'_>| {
        let documents = tx.team(team_id).documents();
        documents.upsert(&document)?;
        documents.replace_chunks(id, &content, &chunks, sample::time(2)).map(|is_synced| assert!(is_synced))
    };
    fixture.store.write(fill).await.unwrap();
    id
}

fn chunks(document_id: DocumentId, vectors: &[Vector]) -> Vec<DocumentChunk> {
    let chunk = |(ordinal, vector): (i64, &Vector)| DocumentChunk {
        id: DocumentChunkId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        document_id,
        ordinal,
        heading_path: String::new(),
        content: String::new(),
        byte_start: 0,
        byte_end: 0,
        embedding: Some(embedding("chunks", vector.as_slice())),
        created_at: sample::time(1),
    };
    (0..).zip(vectors).map(chunk).collect()
}

async fn nearest_chunks(store: &Store, vector: &Vector) -> Vec<usize> {
    nearest_chunks_of(store, vector, ChunkFilter::default(), 10).await
}

async fn nearest_chunks_of(store: &Store, vector: &Vector, filter: ChunkFilter, limit: u32) -> Vec<usize> {
    let wanted = embedding("chunks", vector.as_slice());
    let read =
        move |conn: &Conn| conn.team(sample::TEAM).documents().search_by_embedding(&wanted, &filter, limit);
    let found = store.scan(read).await.unwrap();
    found.into_iter().map(|scored| usize::try_from(scored.item.ordinal).unwrap()).collect()
}

async fn among_tens_of_thousands_of_chunks_the_nearest_are_found(fixture: &Fixture) {
    const COUNT: usize = 20_100;
    // PostgreSQL's index is made of all rows at once, which is much faster than of one after the other.
    register(fixture, model("chunks", 16)).await.unwrap();
    let index = "DROP INDEX IF EXISTS document_chunks_embedding_16";
    fixture.place().raw(index).unwrap();
    insert_chunks(fixture, 16, COUNT).await;
    register(fixture, model("others", 16)).await.unwrap();
    let all = vectors(16, COUNT + 20);
    let mut sum = 0.0;
    for vector in &all[COUNT..] {
        let found = nearest_chunks(&fixture.store, vector).await;
        sum += recall(&all[..COUNT], |_| true, vector, &found);
    }
    // PostgreSQL's index is drawn by lot, so it may miss a neighbour now and then.
    let least = fixture.place().pick("20", "19").parse().unwrap();
    assert!(sum >= least, "{sum} of 20");
    // The plan of the statement for many rows, without a hint: by the index of distances.
    let by_index: Vec<String> = plan::issued("postgres")
        .into_iter()
        .filter(|sql| sql.contains("vector_dims(embedding) = 16"))
        .collect();
    let texts: usize = fixture.place().pick("0", "1").parse().unwrap();
    assert_eq!(by_index.len(), texts);
    for sql in by_index {
        fixture.place().raw("ANALYZE document_chunks").unwrap();
        let plan = fixture.place().raw(&format!("EXPLAIN (GENERIC_PLAN) {sql}")).unwrap();
        assert!(format!("{plan:?}").contains("document_chunks_embedding_16"), "{plan:?}");
    }
    what_others_have_nearer_hides_nothing(fixture, &all[..COUNT], &all[COUNT]).await;
}

/// The index of PostgreSQL is everybody's, and it is searched only so far.
async fn what_others_have_nearer_hides_nothing(fixture: &Fixture, all: &[Vector], wanted: &Vector) {
    let other = fixture.other_team().await;
    fill_document(fixture, other, "b.md", &vec![wanted.clone(); 1_000]).await;
    let not_far = "DO $$ BEGIN
             EXECUTE format('ALTER DATABASE %I SET hnsw.max_scan_tuples = 1', current_database());
         END $$";
    fixture.place().raw(fixture.place().pick("SELECT 1", not_far)).unwrap();
    let store = fixture.place().open();
    for limit in [10, 1_200] {
        let found = nearest_chunks_of(&store, wanted, ChunkFilter::default(), limit).await;
        assert_eq!(found.len(), limit as usize);
        assert_eq!(recall(all, |_| true, wanted, &found[..10]), 1.0);
    }
    store.close().await;
}

async fn what_is_wanted_is_found_behind_thousands_that_are_nearer(fixture: &Fixture) {
    let near = vectors(8, 3_000);
    let far: Vec<_> = vectors(8, 2_100)
        .iter()
        .map(|near| {
            Vector::try_from(near.as_slice().iter().map(|number| -number).collect::<Vec<_>>()).unwrap()
        })
        .collect();
    register(fixture, model("chunks", 8)).await.unwrap();
    fill_document(fixture, sample::TEAM, "near.md", &near).await;
    let document_id = Some(fill_document(fixture, sample::TEAM, "far.md", &far).await);
    let filter = ChunkFilter { document_id, ..ChunkFilter::default() };
    for wanted in &near[..3] {
        let found = nearest_chunks_of(&fixture.store, wanted, filter.clone(), 10).await;
        assert_eq!(recall(&far, |_| true, wanted, &found), 1.0);
    }
}

async fn what_was_imported_is_found(fixture: &Fixture) {
    const COUNT: usize = 2_100;
    let id = insert_chunks(fixture, 8, COUNT).await;
    let export = |conn: &Conn| {
        let mut lines = Vec::new();
        transfer::export(conn, &mut lines, sample::time(9), &mut |_| ControlFlow::Continue(()))?;
        Ok::<_, TransferError>(lines)
    };
    let lines = fixture.store.scan(export).await.unwrap();
    let text = String::from_utf8(lines.clone()).unwrap();
    assert!(!text.contains("\"embedding_change\"") && !text.contains("\"changes\""));
    let another = match fixture.place() {
        Place::Sqlite(_) => Place::on_postgres(),
        Place::Postgres(_) => Some(Place::on_sqlite()),
    };
    let Some(place) = another else { return };
    let store = place.open();
    let import = move |tx: &Tx<'_>| transfer::import(tx, &mut &lines[..], &mut |_| ControlFlow::Continue(()));
    store.write(import).await.unwrap();
    let all = vectors(8, COUNT + 2);
    for wanted in &all[COUNT..] {
        let found = nearest_chunks(&store, wanted).await;
        assert_eq!(recall(&all[..COUNT], |_| true, wanted, &found), 1.0);
    }
    // What comes after it is found beside it.
    let replaced = chunks(id, &all[1..]);
    let replace = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).documents().replace_chunks(id, &made_of("a.md"), &replaced, sample::time(3))
    };
    assert_eq!(store.write(replace).await, Ok(true));
    assert_eq!(nearest_chunks(&store, &all[COUNT + 1]).await[0], COUNT);
    if let Place::Postgres(_) = place {
        let indexes =
            place.raw("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% USING hnsw %' ORDER BY 1");
        assert_eq!(
            indexes.unwrap().concat(),
            [Some("document_chunks_embedding_8".to_owned()), Some("memories_embedding_8".to_owned())]
        );
    }
    store.close().await;
}

async fn what_another_store_wrote_is_found(fixture: &Fixture) {
    let count = 2_500;
    let id = insert_chunks(fixture, 8, count).await;
    let all = vectors(8, count);
    assert_eq!(nearest_chunks(&fixture.store, &all[3]).await[0], 3);
    let other = fixture.place().open();
    assert_eq!(nearest_chunks(&other, &all[4]).await[0], 4);
    let mut reversed = all.clone();
    reversed.reverse();
    let replaced = chunks(id, &reversed[..2_300]);
    let replace = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).documents().replace_chunks(id, &made_of("a.md"), &replaced, sample::time(3))
    };
    assert_eq!(other.write(replace).await, Ok(true));
    for store in [&fixture.store, &other] {
        assert_eq!(nearest_chunks(store, &reversed[3]).await[0], 3);
        let gone = nearest_chunks(store, &reversed[2_400]).await;
        assert!(gone.iter().all(|ordinal| *ordinal < 2_300), "{gone:?}");
    }
    other.close().await;
}
