//! What became of memories: versions, the log, uses.

use domain::{
    digest::Sha256Digest,
    id::{MemoryId, MemoryUseId},
    memory::{
        MemoryAction, MemoryLogEntry, MemorySource, MemoryStatus, MemoryTier, MemoryUse, MemoryVersion,
    },
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use provost_store::{Expected, MemoryFilter, PutError, StoreError};
use serde_json::json;

use super::memory::{change, draft, find, maintenance, put, put_new, tags, write};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    what_was_known_at_a_time_is_found_after_deletion,
    what_was_known_in_a_namespace_is_listed_in_pages,
    every_change_is_logged,
    redaction_blanks_everything_but_digests,
    what_is_purged_leaves_no_words,
    the_log_outlives_its_memory,
    uses_are_listed_by_memory_and_by_session,
    histories_refuse_to_be_changed,
    whatever_happens_versions_have_no_gaps_and_the_log_is_complete,
}

async fn versions(fixture: &Fixture, id: MemoryId) -> Vec<MemoryVersion> {
    let read =
        move |conn: &provost_store::Conn| conn.team(sample::TEAM).memories().list_versions(id, None, 100);
    fixture.store.read(read).await.unwrap()
}

async fn log_of(fixture: &Fixture, id: MemoryId) -> Vec<MemoryLogEntry> {
    let read =
        move |conn: &provost_store::Conn| conn.team(sample::TEAM).memories().list_log_of(id, None, 100);
    let mut log = fixture.store.read(read).await.unwrap().items;
    log.reverse();
    log
}

async fn what_was_known_at_a_time_is_found_after_deletion(fixture: &Fixture) {
    let id = put(fixture, Expected::New, draft("user:ada", "drink", "tea"), 10).await.unwrap().memory.id;
    put(fixture, Expected::Version(1), draft("user:ada", "drink", "coffee"), 20).await.unwrap();
    write(fixture, move |memories| memories.delete(id, None, &change(30))).await.unwrap();
    write(fixture, move |memories| memories.restore(id, &change(40))).await.unwrap();
    write(fixture, move |memories| memories.delete(id, None, &change(50))).await.unwrap();
    let known = async |seconds| {
        let read = move |conn: &provost_store::Conn| {
            let (namespace, key) = ("user:ada".parse().unwrap(), "drink".parse().unwrap());
            conn.team(sample::TEAM).memories().find_as_of(&namespace, &key, sample::time(seconds))
        };
        let version = fixture.store.read(read).await.unwrap();
        version
            .map(|version| (version.version, version.content.unwrap().as_str().to_owned(), version.valid_to))
    };
    let coffee = "coffee".to_owned();
    assert_eq!(known(9).await, None);
    assert_eq!(known(10).await, Some((1, "tea".to_owned(), Some(sample::time(20)))));
    assert_eq!(known(29).await, Some((2, coffee.clone(), Some(sample::time(30)))));
    assert_eq!(known(35).await, None);
    assert_eq!(known(45).await, Some((4, coffee, Some(sample::time(50)))));
    assert_eq!(known(55).await, None);
    let all = versions(fixture, id).await;
    assert_eq!(all.iter().map(|version| version.version).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!((all[0].is_deleted, &all[0].content, all[0].valid_to), (true, &None, None));
    let older =
        move |conn: &provost_store::Conn| conn.team(sample::TEAM).memories().list_versions(id, Some(4), 2);
    let older = fixture.store.read(older).await.unwrap();
    assert_eq!(older.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2]);
}

async fn what_was_known_in_a_namespace_is_listed_in_pages(fixture: &Fixture) {
    for (namespace, key) in [("user:ada", "a"), ("user:ada:x", "b"), ("user:ada:x", "c"), ("user:adam", "d")]
    {
        put(fixture, Expected::New, draft(namespace, key, "first"), 10).await.unwrap();
    }
    put(fixture, Expected::Version(1), draft("user:ada:x", "b", "second"), 20).await.unwrap();
    put(fixture, Expected::New, draft("user:ada", "late", ""), 30).await.unwrap();
    let read = |conn: &provost_store::Conn| {
        let memories = conn.team(sample::TEAM).memories();
        let (prefix, mut after, mut found) = ("user:ada".parse().unwrap(), None, Vec::new());
        loop {
            let last = after.as_ref().map(|version: &MemoryVersion| (&version.namespace, &version.key));
            let page = memories.list_as_of(&prefix, sample::time(25), last, 2)?;
            let Some(last) = page.last().cloned() else { return Ok::<_, StoreError>(found) };
            found.extend(page);
            after = Some(last);
        }
    };
    let found = fixture.store.read(read).await.unwrap();
    let said: Vec<_> = found
        .iter()
        .map(|version| (version.key.as_str(), version.content.as_ref().unwrap().as_str()))
        .collect();
    assert_eq!(said, [("a", "first"), ("b", "second"), ("c", "first")]);
}

async fn every_change_is_logged(fixture: &Fixture) {
    let first = put_new(fixture, draft("user:ada", "drink", "tea")).await;
    let id = first.id;
    let second =
        put(fixture, Expected::Version(1), draft("user:ada", "drink", "coffee"), 2).await.unwrap().memory;
    let steps = move |memories: &provost_store::Memories<'_, provost_store::Tx<'_>>| {
        memories.set_pinned(id, true, &change(3))?;
        memories.set_pinned(id, true, &change(3))?;
        memories.set_pinned(id, false, &change(4))?;
        memories.set_tier(id, MemoryTier::Hot, &change(5))?;
        memories.set_tier(id, MemoryTier::Hot, &change(5))?;
        memories.set_tier(id, MemoryTier::Cold, &change(6))?;
        memories.set_status(id, MemoryStatus::Disputed, None, &change(7))?;
        memories.set_status(id, MemoryStatus::Active, None, &change(8))?;
        memories.set_status(id, MemoryStatus::Superseded, None, &change(9))?;
        memories.set_status(id, MemoryStatus::Active, None, &change(10))?;
        memories.delete(id, None, &change(11))?;
        memories.restore(id, &change(12))
    };
    write(fixture, steps).await.unwrap();
    let log = log_of(fixture, id).await;
    use MemoryAction as A;
    let actions = [
        A::Created,
        A::Updated,
        A::Pinned,
        A::Unpinned,
        A::Promoted,
        A::Demoted,
        A::ContradictionDetected,
        A::ContradictionResolved,
        A::Superseded,
        A::Updated,
        A::Deleted,
        A::Restored,
    ];
    assert_eq!(log.iter().map(|entry| entry.action).collect::<Vec<_>>(), actions);
    let tea = json!({"content": "tea", "value": null});
    let coffee = json!({"content": "coffee", "value": null});
    assert_eq!((&log[0].old_value, &log[0].new_value), (&None, &Some(tea.clone())));
    assert_eq!((&log[1].old_value, &log[1].new_value), (&Some(tea), &Some(coffee)));
    assert_eq!(
        (log[1].old_sha256, log[1].new_sha256),
        (Some(first.content_sha256), Some(second.content_sha256))
    );
    assert_eq!((&log[5].old_value, &log[5].new_value), (&Some(json!("hot")), &Some(json!("cold"))));
    assert_eq!((log[10].new_sha256, &log[10].new_value), (None, &None));
    let mut made = draft("user:ada", "made", "of others");
    made.fact.source = MemorySource::Consolidation;
    let made = put_new(fixture, made).await.id;
    assert_eq!(log_of(fixture, made).await[0].action, A::Consolidated);
    assert_eq!((log[3].changed_by.as_str(), log[3].reason.as_deref()), ("user:ada", Some("she said so")));
    let of_team =
        fixture.store.read(|conn| conn.team(sample::TEAM).memories().list_log(None, 5)).await.unwrap();
    assert_eq!(of_team.items.len(), 5);
    assert_eq!(of_team.items[0], log[11]);
}

async fn redaction_blanks_everything_but_digests(fixture: &Fixture) {
    let mut secret = draft("user:ada", "drink", "absinthe");
    secret.fact.value = Some(json!("absinthe"));
    secret.fact.subject = Some("absinthe".parse().unwrap());
    secret.fact.metadata = json!({"drink": "absinthe"});
    secret.fact.author = Some("Absinthe".into());
    secret.tags = tags(&["absinthe"]);
    let first = put_new(fixture, secret.clone()).await;
    let id = first.id;
    secret.fact.content = "more absinthe".parse().unwrap();
    put(fixture, Expected::Version(1), secret, 2).await.unwrap();
    let kept = put_new(fixture, draft("user:ada", "other", "kept")).await;
    write(fixture, move |memories| memories.redact(id, &maintenance(), &change(3))).await.unwrap();
    let digests = |versions: Vec<MemoryVersion>| -> Vec<Sha256Digest> {
        assert!(versions.iter().all(|v| v.value.is_none() && v.content.is_none() && v.reason.is_none()));
        versions.iter().map(|version| version.content_sha256).collect()
    };
    let redacted = find(fixture, id).await.unwrap();
    let newest = versions(fixture, id).await.remove(0);
    assert_eq!(
        (newest.version, newest.is_deleted, newest.reason.as_deref()),
        (3, false, Some("she said so"))
    );
    let older = versions(fixture, id).await.split_off(1);
    assert_eq!(digests(older), [redacted.content_sha256, first.content_sha256]);
    assert_eq!((newest.value, newest.content, newest.content_sha256), (None, None, redacted.content_sha256));
    assert_eq!((redacted.fact.content.as_str(), redacted.version), ("", 3));
    for expected in [Expected::Version(2), Expected::Digest(redacted.content_sha256)] {
        let late = put(fixture, expected, draft("user:ada", "drink", "tea"), 4).await;
        assert!(matches!(late, Err(PutError::Changed { .. })), "who has not seen the redaction: {late:?}");
    }
    let log = log_of(fixture, id).await;
    assert_eq!(log.last().unwrap().action, MemoryAction::Redacted);
    assert!(log.iter().all(|entry| entry.old_value.is_none() && entry.new_value.is_none()));
    let search = |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).memories().search_by_text("absinthe", &MemoryFilter::default(), 9)
    };
    assert!(fixture.store.read(search).await.unwrap().is_empty());
    for table in ["memories", "memory_versions", "memory_log", "memory_tags"] {
        let rows = fixture.place().raw(&format!("SELECT * FROM {table}")).unwrap();
        assert!(!format!("{rows:?}").to_lowercase().contains("absinth"), "{table}");
    }
    assert!(!has_word_bytes(fixture, "bsinth"));
    assert_eq!(versions(fixture, kept.id).await[0].content, Some("kept".parse().unwrap()));
}

/// Whether SQLite's index of words holds these bytes anywhere, searchable or not.
fn has_word_bytes(fixture: &Fixture, bytes: &str) -> bool {
    let sql = fixture.place().pick("SELECT hex(block) FROM memory_words_data", "SELECT ''");
    let wanted: String = bytes.bytes().map(|byte| format!("{byte:02X}")).collect();
    let blocks = fixture.place().raw(sql).unwrap().concat();
    blocks.into_iter().flatten().any(|block| block.contains(&wanted))
}

async fn what_is_purged_leaves_no_words(fixture: &Fixture) {
    put_new(fixture, draft("user:ada", "other", "kept")).await;
    let id = put_new(fixture, draft("user:ada", "drink", "absinthe")).await.id;
    let is_sqlite = fixture.place().pick("yes", "no") == "yes";
    assert_eq!(has_word_bytes(fixture, "bsinth"), is_sqlite);
    write(fixture, move |memories| memories.purge(id, &maintenance(), &change(3))).await.unwrap();
    assert!(!has_word_bytes(fixture, "bsinth"));
    assert_eq!(has_word_bytes(fixture, "kept"), is_sqlite);
}

async fn the_log_outlives_its_memory(fixture: &Fixture) {
    let other = put_new(fixture, draft("user:ada", "other", "")).await.id;
    let id = put_new(fixture, draft("user:ada", "drink", "tea")).await.id;
    write(fixture, move |memories| {
        memories.set_status(other, MemoryStatus::Superseded, Some(id), &change(2))
    })
    .await
    .unwrap();
    write(fixture, move |memories| memories.delete(id, None, &change(3))).await.unwrap();
    write(fixture, move |memories| memories.purge(id, &maintenance(), &change(4))).await.unwrap();
    let again = write(fixture, move |memories| memories.purge(id, &maintenance(), &change(4))).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    assert_eq!(versions(fixture, id).await, []);
    let actions: Vec<_> = log_of(fixture, id).await.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [MemoryAction::Created, MemoryAction::Deleted, MemoryAction::Deleted]);
    assert_eq!(find(fixture, other).await.unwrap().superseded_by, None);
    let new = put(fixture, Expected::New, draft("user:ada", "drink", "tea"), 5).await.unwrap().memory;
    assert_eq!(new.version, 1);
    assert_ne!(new.id, id);
}

async fn uses_are_listed_by_memory_and_by_session(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let id = put_new(fixture, draft("user:ada", "drink", "tea")).await.id;
    let uses: Vec<_> = (0..12)
        .map(|number| MemoryUse {
            id: MemoryUseId::from_uuid(sample::uuid()),
            team_id: sample::TEAM,
            session_id: session,
            memory_id: if number < 11 { id } else { MemoryId::from_uuid(sample::uuid()) },
            version: 1,
            score: 0.5,
            at: sample::time(number),
        })
        .collect();
    let rows = uses.clone();
    write(fixture, move |memories| memories.insert_uses(&rows)).await.unwrap();
    let read = move |conn: &provost_store::Conn| {
        let memories = conn.team(sample::TEAM).memories();
        let first = memories.list_uses_of(id, None, 10)?;
        let second = memories.list_uses_of(id, first.next, 10)?;
        Ok::<_, StoreError>((first.items, second.items, memories.list_uses_in(session, None, 100)?.items))
    };
    let (first, second, in_session) = fixture.store.read(read).await.unwrap();
    assert_eq!((first.len(), &first[0], &second[..]), (10, &uses[10], &uses[..1]));
    assert_eq!(in_session.len(), 12);
    let foreign = MemoryUse { team_id: fixture.other_team().await, ..uses[0].clone() };
    let refused = write(fixture, move |memories| memories.insert_uses(&[foreign])).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

async fn histories_refuse_to_be_changed(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let id = put_new(fixture, draft("user:ada", "drink", "tea")).await.id;
    let used = MemoryUse {
        id: MemoryUseId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id: session,
        memory_id: id,
        version: 1,
        score: 1.0,
        at: sample::time(1),
    };
    write(fixture, move |memories| memories.insert_uses(&[used])).await.unwrap();
    let changes = [
        ("memory_versions", "version = 7"),
        ("memory_versions", "content = 'coffee'"),
        ("memory_versions", "content = NULL"),
        ("memory_log", "action = 'updated'"),
        ("memory_log", "new_value = NULL"),
        ("memory_uses", "score = 0"),
    ];
    for (table, change) in changes {
        for statement in [format!("UPDATE {table} SET {change}"), format!("DELETE FROM {table}")] {
            let error = fixture.place().raw(&statement).unwrap_err();
            assert!(error.contains("append-only"), "{statement}: {error}");
        }
    }
    assert_eq!((versions(fixture, id).await.len(), log_of(fixture, id).await.len()), (1, 1));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Put,
    Delete,
    Restore,
    Redact,
    Pin,
}

async fn whatever_happens_versions_have_no_gaps_and_the_log_is_complete(fixture: &Fixture) {
    let mut runner = TestRunner::deterministic();
    let step = prop::sample::select(
        &[Step::Put, Step::Put, Step::Delete, Step::Restore, Step::Redact, Step::Pin][..],
    );
    let steps = prop::collection::vec(step, 1..25);
    for round in 0..12 {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let key = format!("key {round}");
        let memory = put_new(fixture, draft("user:ada", &key, "0")).await;
        let (id, mut version, mut is_live, mut lines) = (memory.id, 1, true, 1);
        for (number, step) in (2_i64..).zip(&steps) {
            let pin = number % 2 == 0;
            let pinned_before = find(fixture, id).await.map(|memory| memory.is_pinned);
            let happened = match step {
                Step::Put => {
                    let expected = if is_live { Expected::Version(version) } else { Expected::New };
                    let put =
                        put(fixture, expected, draft("user:ada", &key, &number.to_string()), number).await;
                    put.map(drop).map_err(|error| panic!("{error}"))
                }
                Step::Delete => {
                    write(fixture, move |memories| memories.delete(id, None, &change(number))).await
                }
                Step::Restore => write(fixture, move |memories| memories.restore(id, &change(number))).await,
                Step::Redact => {
                    write(fixture, move |memories| memories.redact(id, &maintenance(), &change(number))).await
                }
                Step::Pin => {
                    write(fixture, move |memories| memories.set_pinned(id, pin, &change(number))).await
                }
            };
            let is_possible = match step {
                Step::Put | Step::Redact => true,
                Step::Delete | Step::Pin => is_live,
                Step::Restore => !is_live,
            };
            assert_eq!(happened.is_ok(), is_possible, "{step:?} of {steps:?}: {happened:?}");
            if !is_possible {
                continue;
            }
            version += i64::from(!matches!(step, Step::Pin));
            lines += usize::from(!matches!(step, Step::Pin) || pinned_before != Some(pin));
            is_live = !matches!(step, Step::Delete) && (is_live || !matches!(step, Step::Redact | Step::Pin));
        }
        let mut numbers: Vec<_> = versions(fixture, id).await.iter().map(|version| version.version).collect();
        numbers.reverse();
        assert_eq!(numbers, (1..=version).collect::<Vec<_>>(), "{steps:?}");
        assert_eq!(log_of(fixture, id).await.len(), lines, "{steps:?}");
        assert_eq!(
            find(fixture, id).await.map(|memory| memory.version),
            is_live.then_some(version),
            "{steps:?}"
        );
    }
}
