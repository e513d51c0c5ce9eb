//! Memories: putting, finding, changing.

use std::collections::BTreeSet;

use domain::{
    id::{AgentId, MaintenanceRunId, MemoryId, MemoryLogId, TeamId},
    memory::{
        Confidence, Importance, Memory, MemoryAction, MemoryDraft, MemoryFact, MemorySource, MemoryStatus,
        MemoryTag, MemoryTier, MemoryType,
    },
    timeline::TimelineItem,
};
use provost_store::{Expected, Maintenance, MemoryChange, MemoryFilter, Put, PutError, StoreError, Tx};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_memory_is_found_as_it_was_put,
    another_team_sees_no_memory,
    of_two_writers_one_wins,
    a_put_expects_a_version_or_a_digest,
    many_who_put_a_new_key_at_once_make_one_memory,
    temporary_memories_are_not_stored,
    a_deleted_key_continues_its_versions,
    lists_are_filtered,
    lists_are_paged_and_stable_under_puts,
    a_prefix_ends_where_a_segment_ends,
    every_move_of_status_is_made_or_refused,
    only_a_superseded_memory_has_a_successor_and_keeps_it_in_the_archive,
    a_memory_refers_to_what_the_team_has,
    a_digest_is_of_what_is_stored,
    looking_is_no_change,
    memories_expire_once,
    bad_input_leaves_nothing_behind,
}

/// A draft of a memory with a key in a namespace.
pub(crate) fn draft(namespace: &str, key: &str, content: &str) -> MemoryDraft {
    let content = content.parse().unwrap();
    MemoryDraft {
        id: MemoryId::from_uuid(sample::uuid()),
        namespace: namespace.parse().unwrap(),
        key: key.parse().unwrap(),
        fact: MemoryFact::new(content, MemoryType::Semantic, MemorySource::Explicit),
        tags: BTreeSet::new(),
    }
}

/// A change at so many seconds.
pub(crate) fn change(seconds: i64) -> MemoryChange {
    MemoryChange {
        log_id: MemoryLogId::from_uuid(sample::uuid()),
        by: "user:ada".into(),
        reason: Some("she said so".into()),
        session_id: None,
        at: sample::time(seconds),
    }
}

pub(crate) fn maintenance() -> Maintenance {
    Maintenance {
        id: MaintenanceRunId::from_uuid(sample::uuid()),
        team_id: Some(sample::TEAM),
        actor: "user:ada".into(),
        reason: "asked for".into(),
        at: sample::time(90),
    }
}

pub(crate) fn tags(words: &[&str]) -> BTreeSet<MemoryTag> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

pub(crate) async fn put(
    fixture: &Fixture,
    expected: Expected,
    draft: MemoryDraft,
    seconds: i64,
) -> Result<Put, PutError> {
    let change = change(seconds);
    fixture.store.write(move |tx| tx.team(sample::TEAM).memories().put(expected, &draft, &change)).await
}

/// Puts a new memory.
pub(crate) async fn put_new(fixture: &Fixture, draft: MemoryDraft) -> Memory {
    put(fixture, Expected::New, draft, 1).await.unwrap().memory
}

/// Does something to the team's memories.
pub(crate) async fn write<T: Send + 'static>(
    fixture: &Fixture,
    work: impl FnOnce(&provost_store::Memories<'_, Tx<'_>>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    fixture.store.write(move |tx| work(&tx.team(sample::TEAM).memories())).await
}

pub(crate) async fn find(fixture: &Fixture, id: MemoryId) -> Option<Memory> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).memories().find(id)).await.unwrap()
}

async fn list(fixture: &Fixture, filter: MemoryFilter) -> Vec<String> {
    let page =
        fixture.store.read(move |conn| conn.team(sample::TEAM).memories().list(&filter, None, 100)).await;
    page.unwrap().items.into_iter().map(|memory| memory.key.to_string()).collect()
}

async fn a_memory_is_found_as_it_was_put(fixture: &Fixture) {
    let other = put_new(fixture, draft("user:ada", "other", "")).await;
    let session = fixture.insert_session().await;
    for (index, (memory_type, source)) in MemoryType::ALL.iter().cycle().zip(MemorySource::ALL).enumerate() {
        let mut wanted = draft("user:ada:editor", &format!("key {index} / ä"), "She drinks tea\0.");
        wanted.fact = MemoryFact {
            value: Some(json!({"b": [1, 2.5], "a": null})),
            memory_type: *memory_type,
            source: *source,
            subject: Some("tea".parse().unwrap()),
            importance: Importance::try_from(10).unwrap(),
            confidence: Confidence::try_from(0.25).unwrap(),
            expires_at: Some(sample::time(100)),
            related_to: vec![other.id],
            contradicts: vec![other.id, wanted.id],
            source_session_id: Some(session),
            source_sequence: Some(3),
            author: Some("Ada".into()),
            occurred_at: Some(sample::time(-5)),
            user_id: Some(fixture.user),
            metadata: json!({"k": "v"}),
            ..wanted.fact
        };
        wanted.tags = tags(&["drinks", "habits"]);
        let put = put(fixture, Expected::New, wanted.clone(), 1).await.unwrap();
        assert!(put.is_new);
        assert_eq!((put.memory.id, &put.memory.fact), (wanted.id, &wanted.fact));
        assert_eq!(
            (put.memory.version, put.memory.tier, put.memory.status),
            (1, MemoryTier::Warm, MemoryStatus::Active)
        );
        assert_eq!(find(fixture, wanted.id).await, Some(put.memory.clone()));
        let found = fixture.store.read(move |conn| {
            let memories = conn.team(sample::TEAM).memories();
            let tags = memories.list_tags(&[wanted.id, other.id])?;
            Ok::<_, StoreError>((memories.find_by_key(&wanted.namespace, &wanted.key)?, tags))
        });
        let (by_key, found_tags) = found.await.unwrap();
        assert_eq!(by_key, Some(put.memory));
        assert_eq!(found_tags.into_iter().collect::<Vec<_>>(), [(wanted.id, wanted.tags)]);
    }
}

async fn another_team_sees_no_memory(fixture: &Fixture) {
    let own = put_new(fixture, draft("user:ada", "drink", "tea")).await;
    let other = fixture.other_team().await;
    let seen = fixture.store.read(move |conn| {
        let memories = conn.team(other).memories();
        let filter = MemoryFilter::default();
        Ok::<_, StoreError>((
            memories.find(own.id)?,
            memories.list(&filter, None, 10)?.items,
            memories.search_by_text("tea", &filter, 10)?,
            memories.list_versions(own.id, None, 10)?,
            memories.list_log_of(own.id, None, 10)?.items,
            memories.list_log(None, 10)?.items.len(),
        ))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0)));
    for step in 0..7 {
        let refused = fixture.store.write(move |tx| {
            let memories = tx.team(other).memories();
            match step {
                0 => memories.delete(own.id, None, &change(2)),
                1 => memories.restore(own.id, &change(2)),
                2 => memories.set_pinned(own.id, true, &change(2)),
                3 => memories.set_tier(own.id, MemoryTier::Hot, &change(2)),
                4 => memories.set_status(own.id, MemoryStatus::Archived, None, &change(2)),
                5 => memories.redact(own.id, &maintenance(), &change(2)),
                _ => memories.purge(own.id, &maintenance(), &change(2)),
            }
        });
        assert!(matches!(refused.await, Err(StoreError::Missing { .. })), "{step}");
    }
    let looked =
        fixture.store.write(move |tx| tx.team(other).memories().record_access(&[own.id], sample::time(3)));
    looked.await.unwrap();
    let own_key = draft("user:ada", "drink", "coffee");
    let put_there =
        fixture.store.write(move |tx| tx.team(other).memories().put(Expected::New, &own_key, &change(2)));
    assert!(put_there.await.unwrap().is_new, "each team has its own keys");
    assert_eq!(find(fixture, own.id).await, Some(own));
}

async fn of_two_writers_one_wins(fixture: &Fixture) {
    let first = put_new(fixture, draft("project:a", "port", "80")).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = fixture.store.clone();
            let draft = draft("project:a", "port", &format!("{number}"));
            tokio::spawn(async move {
                let put = move |tx: &Tx<'_>| {
                    tx.team(sample::TEAM).memories().put(Expected::Version(1), &draft, &change(2))
                };
                store.write(put).await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(put) => winners.push(put.memory),
            Err(PutError::Changed { current }) => assert_eq!((current.id, current.version), (first.id, 2)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(find(fixture, first.id).await.as_ref(), winners.first());
}

async fn a_put_expects_a_version_or_a_digest(fixture: &Fixture) {
    let wanted = draft("project:a", "port", "80");
    for expected in [Expected::Version(1), Expected::Digest(wanted.fact.digest())] {
        let nothing = put(fixture, expected, wanted.clone(), 1).await.unwrap_err();
        assert!(matches!(nothing, PutError::Store(StoreError::Missing { .. })), "{nothing}");
    }
    let first = put_new(fixture, wanted.clone()).await;
    for expected in
        [Expected::New, Expected::Version(2), Expected::Digest(draft("user:b", "c", "81").fact.digest())]
            .into_iter()
    {
        match put(fixture, expected, draft("project:a", "port", "81"), 2).await.unwrap_err() {
            PutError::Changed { current } => assert_eq!(*current, first),
            error => panic!("{error}"),
        }
    }
    let next = draft("project:a", "port", "8080");
    let second = put(fixture, Expected::Digest(first.content_sha256), next.clone(), 3).await.unwrap();
    assert!(!second.is_new);
    assert_eq!((second.memory.id, second.memory.version), (first.id, 2));
    assert_eq!(second.memory.content_sha256, next.fact.digest());
    assert_eq!((second.memory.created_at, second.memory.updated_at), (sample::time(1), sample::time(3)));
}

async fn many_who_put_a_new_key_at_once_make_one_memory(fixture: &Fixture) {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let store = fixture.store.clone();
            let draft = draft("project:a", "port", &format!("{number}"));
            tokio::spawn(async move {
                let put = move |tx: &Tx<'_>| {
                    tx.team(sample::TEAM).memories().put(Expected::New, &draft, &change(2))
                };
                store.write(put).await
            })
        })
        .collect();
    let mut is_new = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(put) => is_new += i32::from(put.is_new),
            Err(PutError::Changed { current }) => assert_eq!(current.version, 1),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(is_new, 1);
    assert_eq!(list(fixture, MemoryFilter::default()).await, ["port"]);
}

async fn temporary_memories_are_not_stored(fixture: &Fixture) {
    let refused = put(fixture, Expected::New, draft("temp:x", "a", "b"), 1).await.unwrap_err();
    let PutError::Store(StoreError::Invalid { field: "namespace", value, .. }) = &refused else {
        panic!("{refused}")
    };
    assert_eq!(value, "temp:x");
}

async fn a_deleted_key_continues_its_versions(fixture: &Fixture) {
    let first =
        put_new(fixture, MemoryDraft { tags: tags(&["old"]), ..draft("user:ada", "drink", "tea") }).await;
    let id = first.id;
    write(fixture, move |memories| memories.set_pinned(id, true, &change(2))).await.unwrap();
    let stale = write(fixture, move |memories| memories.delete(id, Some(7), &change(2))).await.unwrap_err();
    assert_eq!(stale, StoreError::Stale { what: format!("memory {id}"), expected: 7, current: 1 });
    write(fixture, move |memories| memories.delete(id, Some(1), &change(2))).await.unwrap();
    let again = write(fixture, move |memories| memories.delete(id, None, &change(2))).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    assert_eq!(find(fixture, id).await, None);
    let over = put(fixture, Expected::Version(2), draft("user:ada", "drink", "coffee"), 3).await.unwrap_err();
    assert!(matches!(over, PutError::Store(StoreError::Missing { .. })), "{over}");
    let new = put(fixture, Expected::New, draft("user:ada", "drink", "coffee"), 3).await.unwrap();
    assert!(new.is_new);
    assert_eq!((new.memory.id, new.memory.version, new.memory.is_pinned), (id, 3, false));
    assert_eq!(find(fixture, id).await, Some(new.memory));
    let left = fixture.store.read(move |conn| conn.team(sample::TEAM).memories().list_tags(&[id])).await;
    assert!(left.unwrap().is_empty());
    let live = write(fixture, move |memories| memories.restore(id, &change(4))).await;
    assert!(matches!(live, Err(StoreError::Conflict { .. })), "{live:?}");
}

async fn lists_are_filtered(fixture: &Fixture) {
    let mut plain = draft("user:ada", "plain", "a");
    plain.fact.memory_type = MemoryType::Episodic;
    let plain = put_new(fixture, plain).await;
    let mut rich = draft("user:ada:x", "rich", "b");
    rich.fact.subject = Some("tea".parse().unwrap());
    rich.fact.user_id = Some(fixture.user);
    rich.tags = tags(&["a", "b"]);
    let rich = put_new(fixture, rich).await;
    write(fixture, move |memories| memories.set_tier(rich.id, MemoryTier::Hot, &change(2))).await.unwrap();
    write(fixture, move |memories| memories.set_status(plain.id, MemoryStatus::Disputed, None, &change(2)))
        .await
        .unwrap();
    let any = MemoryFilter::default();
    let tagged = |words: &[&str]| MemoryFilter { tags: tags(words).into_iter().collect(), ..any.clone() };
    let cases = [
        (any.clone(), &["rich", "plain"][..]),
        (MemoryFilter { memory_type: Some(MemoryType::Episodic), ..any.clone() }, &["plain"]),
        (MemoryFilter { tier: Some(MemoryTier::Hot), ..any.clone() }, &["rich"]),
        (MemoryFilter { status: Some(MemoryStatus::Disputed), ..any.clone() }, &["plain"]),
        (MemoryFilter { subject: Some("tea".parse().unwrap()), ..any.clone() }, &["rich"]),
        (MemoryFilter { user_id: Some(fixture.user), ..any.clone() }, &["rich"]),
        (MemoryFilter { agent_id: Some(AgentId::from_uuid(sample::uuid())), ..any.clone() }, &[]),
        (tagged(&["a"]), &["rich"]),
        (tagged(&["a", "b"]), &["rich"]),
        (tagged(&["a", "c"]), &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(list(fixture, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn lists_are_paged_and_stable_under_puts(fixture: &Fixture) {
    for number in 0..5 {
        put(fixture, Expected::New, draft("user:ada", &format!("{number}"), ""), number).await.unwrap();
    }
    let page = async |after| {
        let read = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).memories().list(&MemoryFilter::default(), after, 2)
        };
        fixture.store.read(read).await.unwrap()
    };
    let keys = |page: &provost_store::Page<Memory>| {
        page.items.iter().map(|memory| memory.key.to_string()).collect::<Vec<_>>()
    };
    let first = page(None).await;
    put(fixture, Expected::New, draft("user:ada", "later", ""), 9).await.unwrap();
    let second = page(first.next).await;
    let third = page(second.next).await;
    assert_eq!([keys(&first), keys(&second), keys(&third)].concat(), ["4", "3", "2", "1", "0"]);
    assert_eq!(third.next, None);
}

async fn a_prefix_ends_where_a_segment_ends(fixture: &Fixture) {
    let namespaces = [
        "user:alice",
        "user:alice:editor",
        "user:alice-2",
        "user:alicey",
        "user:alice;",
        "user:Alice",
        "team:alice",
    ];
    for namespace in namespaces {
        put_new(fixture, draft(namespace, namespace, "tea")).await;
    }
    let within = |prefixes: &[&str]| MemoryFilter {
        namespaces: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        ..MemoryFilter::default()
    };
    let sorted = async |prefixes: &[&str]| {
        let mut keys = list(fixture, within(prefixes)).await;
        keys.sort();
        let filter = within(prefixes);
        let found = fixture
            .store
            .read(move |conn| conn.team(sample::TEAM).memories().search_by_text("tea", &filter, 100))
            .await
            .unwrap();
        let mut searched: Vec<_> = found.into_iter().map(|scored| scored.item.key.to_string()).collect();
        searched.sort();
        assert_eq!(keys, searched);
        keys
    };
    assert_eq!(sorted(&["user:alice"]).await, ["user:alice", "user:alice:editor"]);
    assert_eq!(sorted(&["user:alicey", "team:alice"]).await, ["team:alice", "user:alicey"]);
    assert_eq!(sorted(&["user:alice:editor:x"]).await, [""; 0]);
}

async fn every_move_of_status_is_made_or_refused(fixture: &Fixture) {
    let other = put_new(fixture, draft("user:ada", "other", "")).await.id;
    for (number, &from) in MemoryStatus::ALL.iter().enumerate() {
        for &to in MemoryStatus::ALL {
            let id = put_new(fixture, draft("user:ada", &format!("{number} {to}"), "")).await.id;
            if from != MemoryStatus::Active {
                write(fixture, move |memories| memories.set_status(id, from, None, &change(2)))
                    .await
                    .unwrap();
            }
            let successor = (to == MemoryStatus::Superseded).then_some(other);
            let moved =
                write(fixture, move |memories| memories.set_status(id, to, successor, &change(3))).await;
            let found = find(fixture, id).await.unwrap();
            if from.move_to(to).is_ok() {
                assert_eq!(moved, Ok(()), "{from} to {to}");
                assert_eq!((found.status, found.superseded_by, found.version), (to, successor, 1));
                assert_eq!((found.updated_at, found.created_at), (sample::time(3), sample::time(1)));
            } else {
                assert!(matches!(moved, Err(StoreError::Invalid { field: "status", .. })), "{from} to {to}");
                assert_eq!(found.status, from);
            }
        }
    }
}

async fn only_a_superseded_memory_has_a_successor_and_keeps_it_in_the_archive(fixture: &Fixture) {
    use MemoryStatus::{Active, Archived, Disputed, Superseded};
    let id = put_new(fixture, draft("user:ada", "old", "")).await.id;
    let successor = put_new(fixture, draft("user:ada", "new", "")).await.id;
    let set = async |to, superseded_by| {
        write(fixture, move |memories| memories.set_status(id, to, superseded_by, &change(2))).await
    };
    for (to, wrong) in [(Superseded, id), (Disputed, successor), (Archived, successor)] {
        let refused = set(to, Some(wrong)).await;
        let Err(StoreError::Invalid { field: "superseded_by", value, .. }) = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!(value, &wrong.to_string());
    }
    let nobody = MemoryId::from_uuid(sample::uuid());
    let refused = set(Superseded, Some(nobody)).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let moves = [(Superseded, Some(successor)), (Archived, None), (Active, None), (Superseded, None)];
    let kept = [Some(successor), Some(successor), None, None];
    for ((to, superseded_by), kept) in moves.into_iter().zip(kept) {
        set(to, superseded_by).await.unwrap();
        assert_eq!(find(fixture, id).await.unwrap().superseded_by, kept, "{to}");
    }
}

async fn a_memory_refers_to_what_the_team_has(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let said = fixture.change(session, vec![sample::created_message(session, "tea")]).await.unwrap();
    let TimelineItem::Message(message) = &said[0].item else { panic!("{said:?}") };
    let mut wanted = draft("user:ada", "drink", "tea");
    wanted.fact.source_session_id = Some(session);
    wanted.fact.source_message_id = Some(message.id);
    let first = put_new(fixture, wanted.clone()).await;
    let other = fixture.other_team().await;
    let refused = async |team: TeamId, fact: MemoryFact| {
        let wanted = MemoryDraft { fact, ..draft("user:ada", "new", "") };
        let put = move |tx: &Tx<'_>| tx.team(team).memories().put(Expected::New, &wanted, &change(2));
        let refused = fixture.store.write(put).await;
        assert!(matches!(refused, Err(PutError::Store(StoreError::Missing { .. }))), "{refused:?}");
    };
    let nothing = || draft("user:ada", "new", "").fact;
    let agent = AgentId::from_uuid(sample::uuid());
    for team in [sample::TEAM, other] {
        refused(team, MemoryFact { agent_id: Some(agent), ..nothing() }).await;
    }
    refused(other, MemoryFact { source_session_id: Some(session), ..nothing() }).await;
    refused(other, MemoryFact { source_message_id: Some(message.id), ..nothing() }).await;
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(5))).await.unwrap();
    refused(sample::TEAM, MemoryFact { source_session_id: Some(session), ..nothing() }).await;
    refused(sample::TEAM, MemoryFact { source_message_id: Some(message.id), ..nothing() }).await;
    // What it referred to before, it goes on referring to.
    wanted.fact.content = "coffee".parse().unwrap();
    let second = put(fixture, Expected::Version(first.version), wanted, 6).await.unwrap();
    assert_eq!(second.memory.fact.source_session_id, Some(session));
}

async fn a_digest_is_of_what_is_stored(fixture: &Fixture) {
    let mut wanted = draft("user:ada", "drink", "a\0b");
    wanted.fact.value = Some(json!({"k\0": ["a\0b", 1.5]}));
    wanted.fact.metadata = json!({"m": "\0"});
    let put = put_new(fixture, wanted.clone()).await;
    let found = find(fixture, put.id).await.unwrap();
    assert_eq!(found, put);
    assert_eq!(found.content_sha256, found.fact.digest());
    assert_eq!(found.content_sha256, wanted.fact.digest());
}

async fn looking_is_no_change(fixture: &Fixture) {
    let one = put_new(fixture, draft("user:ada", "one", "")).await;
    let two = put_new(fixture, draft("user:ada", "two", "")).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (store, ids) =
                (fixture.store.clone(), if number % 2 == 0 { [one.id, two.id] } else { [two.id, one.id] });
            tokio::spawn(async move {
                let look = move |tx: &Tx<'_>| {
                    let ids = [ids, ids].concat();
                    tx.team(sample::TEAM).memories().record_access(&ids, sample::time(10 + number))
                };
                store.write(look).await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for before in [one, two] {
        let looked_at =
            Memory { access_count: 8, last_accessed_at: Some(sample::time(17)), ..before.clone() };
        assert_eq!(find(fixture, before.id).await, Some(looked_at));
    }
}

async fn memories_expire_once(fixture: &Fixture) {
    for (key, expires_at) in [("late", Some(9)), ("early", Some(3)), ("earliest", Some(2)), ("never", None)] {
        let mut wanted = draft("user:ada", key, "");
        wanted.fact.expires_at = expires_at.map(sample::time);
        put_new(fixture, wanted).await;
    }
    let expired = async |limit| {
        let read = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).memories().list_expired(sample::time(5), limit)
        };
        fixture.store.read(read).await.unwrap()
    };
    assert_eq!(expired(1).await.len(), 1);
    let found = expired(10).await;
    assert_eq!(found.iter().map(|memory| memory.key.as_str()).collect::<Vec<_>>(), ["earliest", "early"]);
    for memory in found {
        write(fixture, move |memories| memories.expire(memory.id, &change(6))).await.unwrap();
        let archived = find(fixture, memory.id).await.unwrap();
        assert_eq!((archived.status, archived.tier), (MemoryStatus::Archived, MemoryTier::Cold));
        let log = fixture
            .store
            .read(move |conn| conn.team(sample::TEAM).memories().list_log_of(memory.id, None, 1))
            .await
            .unwrap();
        assert_eq!(log.items[0].action, MemoryAction::Expired);
    }
    assert!(expired(10).await.is_empty());
}

async fn bad_input_leaves_nothing_behind(fixture: &Fixture) {
    let mut wanted = draft("user:ada", "a", "b");
    wanted.fact.user_id = Some(domain::id::UserId::from_uuid(sample::uuid()));
    let refused = put(fixture, Expected::New, wanted, 1).await.unwrap_err();
    assert!(matches!(refused, PutError::Store(StoreError::Conflict { .. })), "{refused}");
    let first = put_new(fixture, draft("user:ada", "a", "b")).await;
    let taken = MemoryDraft { id: first.id, ..draft("user:ada", "other", "b") };
    let refused = put(fixture, Expected::New, taken, 1).await.unwrap_err();
    assert!(matches!(refused, PutError::Store(StoreError::Conflict { .. })), "{refused}");
    let log = fixture.store.read(|conn| conn.team(sample::TEAM).memories().list_log(None, 10)).await.unwrap();
    assert_eq!((list(fixture, MemoryFilter::default()).await.len(), log.items.len()), (1, 1));
}
