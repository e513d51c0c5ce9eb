//! The audit log and its seals.

use std::net::IpAddr;

use domain::{
    audit::{ActorKind, AuditEntry, AuditEvent, AuditOutcome},
    audit_export::{ExportReader, ExportVerification},
    audit_key::{KeyRing, SigningKey},
    audit_seal::{AuditFault, AuditSeal, AuditVerification},
    digest::Sha256Digest,
    id::{AuditEntryId, SessionId, TeamId},
};
use provost_store::{AuditFilter, Conn, StoreError, Tx};
use serde_json::json;

use crate::{
    fixture::Fixture,
    governance::{audit_event, maintenance},
    sample,
};

on_both_databases! {
    a_line_is_found_as_it_was_appended,
    details_come_back_as_they_were_digested,
    another_team_sees_no_line_and_appends_none,
    lines_are_filtered_and_paged,
    lines_are_sealed_in_order_and_in_bounded_batches,
    many_writers_and_sealers_at_once_number_without_gaps,
    teams_with_unsealed_lines_are_found,
    a_seal_is_verified_with_the_key_that_was_kept_of_it,
    many_pages_are_verified_and_exported,
    a_broken_log_is_exported_as_it_is,
    lines_in_another_order_are_found,
    an_exchanged_line_is_found,
    a_line_inserted_in_the_past_is_found,
    a_changed_line_is_found,
    a_removed_line_is_found,
    a_removed_or_changed_seal_is_found,
    a_line_numbered_without_a_seal_is_found,
    a_redacted_line_still_verifies,
}

async fn append(fixture: &Fixture, events: Vec<AuditEvent>) -> Result<Vec<AuditEntry>, StoreError> {
    let append = |tx: &Tx<'_>| {
        events.into_iter().map(|event| tx.team(sample::TEAM).audit_log().append(event)).collect()
    };
    fixture.store.write(append).await
}

/// Appends this many lines and gives their ids in order.
async fn append_many(fixture: &Fixture, count: usize) -> Vec<AuditEntryId> {
    let events: Vec<_> = (0..count).map(|_| audit_event(sample::TEAM, "session.create")).collect();
    append(fixture, events).await.unwrap().iter().map(|line| line.event.id).collect()
}

async fn seal(fixture: &Fixture, limit: u32) -> Option<AuditSeal> {
    let seal = move |tx: &Tx<'_>| tx.team(sample::TEAM).audit_seals().seal(sample::time(9), limit, &key());
    fixture.store.write(seal).await.unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

async fn verify(fixture: &Fixture) -> AuditVerification {
    let verify = |conn: &Conn| {
        let keys: KeyRing = conn.audit_keys().list()?.into_iter().collect();
        conn.team(sample::TEAM).audit_seals().verify(keys, sample::time(9))
    };
    fixture.store.scan(verify).await.unwrap()
}

/// Seals, lines and redacted lines of a whole log.
async fn verified(fixture: &Fixture) -> (i64, i64, i64) {
    let AuditVerification { seals, lines, redacted, broken, .. } = verify(fixture).await;
    assert_eq!(broken, None);
    (seals, lines, redacted)
}

async fn list(fixture: &Fixture, filter: AuditFilter) -> Vec<AuditEntryId> {
    let list = move |conn: &Conn| conn.team(sample::TEAM).audit_log().list(&filter, None, 100);
    fixture.store.read(list).await.unwrap().items.iter().map(|line| line.event.id).collect()
}

async fn find(fixture: &Fixture, id: AuditEntryId) -> AuditEntry {
    fixture.store.read(move |conn| conn.team(sample::TEAM).audit_log().find(id)).await.unwrap().unwrap()
}

async fn a_line_is_found_as_it_was_appended(fixture: &Fixture) {
    let mut events = Vec::new();
    for (index, &actor_kind) in ActorKind::ALL.iter().enumerate() {
        let outcome = AuditOutcome::ALL[index % AuditOutcome::ALL.len()];
        events.push(AuditEvent { actor_kind, outcome, ..audit_event(sample::TEAM, "session.create") });
    }
    events.push(AuditEvent {
        session_id: Some(SessionId::from_uuid(sample::uuid())),
        memory_operation: Some("put".into()),
        memory_namespace: Some("team:a".into()),
        request_id: Some("r-1".into()),
        ip: Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
        ..audit_event(sample::TEAM, "memory.write")
    });
    events.push(AuditEvent { detail: None, target_id: None, ..audit_event(sample::TEAM, "session.list") });
    for line in append(fixture, events).await.unwrap() {
        let found = find(fixture, line.event.id).await;
        assert!(found.is_intact() && found.number.is_none() && !found.is_redacted());
        assert_eq!(found, line);
    }
}

async fn details_come_back_as_they_were_digested(fixture: &Fixture) {
    let details = [
        json!(null),
        json!({ "z": 1, "a": { "y": [1, 2, { "b": null, "a": true }] } }),
        json!([1e16, 1e300, -0.0, 0.1, 1.0, 123_456_789.123_456_79, 5e-324]),
        json!([i64::MIN, u64::MAX, 0, -1]),
        json!({ "nul\0": "a\0b", "é": "\u{1F600} \\u0000 \" \\ / \n" }),
    ];
    for detail in details {
        let event = AuditEvent {
            detail: Some(detail.into()),
            actor_id: "a\0b".into(),
            ..audit_event(sample::TEAM, "session.create")
        };
        let line = append(fixture, vec![event]).await.unwrap().remove(0);
        let found = find(fixture, line.event.id).await;
        assert_eq!(found.event.detail, line.event.detail);
        assert!(found.is_intact(), "{found:?}");
    }
}

async fn another_team_sees_no_line_and_appends_none(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let id = append_many(fixture, 1).await[0];
    seal(fixture, 10).await.unwrap();
    let seen = fixture.store.read(move |conn: &Conn| {
        let (log, seals) = (conn.team(other).audit_log(), conn.team(other).audit_seals());
        let listed = log.list(&AuditFilter::default(), None, 10)?.items;
        let verification = seals.verify(KeyRing::default(), sample::time(9))?;
        Ok::<_, StoreError>((
            log.find(id)?,
            listed,
            seals.find_last()?,
            seals.list_lines(0, 10)?,
            verification,
        ))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), None, Vec::new(), AuditVerification::default())));
    let foreign = audit_event(other, "session.create");
    let refused = append(fixture, vec![audit_event(sample::TEAM, "session.create"), foreign]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(list(fixture, AuditFilter::default()).await, [id], "nothing is half done");
    let redacted =
        fixture.store.write(move |tx| tx.team(other).audit_log().redact(id, &maintenance(3))).await;
    assert!(matches!(redacted, Err(StoreError::Missing { .. })), "{redacted:?}");
    assert!(!find(fixture, id).await.is_redacted());
}

async fn lines_are_filtered_and_paged(fixture: &Fixture) {
    let session = SessionId::from_uuid(sample::uuid());
    let base = || audit_event(sample::TEAM, "session.create");
    let events = vec![
        AuditEvent { at: sample::time(1), actor_id: "bob".into(), ..base() },
        AuditEvent { at: sample::time(2), actor_kind: ActorKind::System, ..base() },
        AuditEvent { at: sample::time(3), target_id: Some("2".into()), ..base() },
        AuditEvent { at: sample::time(3), target_kind: "task".into(), ..base() },
        AuditEvent {
            at: sample::time(4),
            session_id: Some(session),
            outcome: AuditOutcome::Denied,
            ..base()
        },
        AuditEvent { at: sample::time(5), ..audit_event(sample::TEAM, "session_template.create") },
    ];
    let lines = append(fixture, events).await.unwrap();
    let at = |indexes: &[usize]| indexes.iter().map(|&index| lines[index].event.id).collect::<Vec<_>>();
    let any = AuditFilter::default;
    assert_eq!(list(fixture, any()).await, at(&[5, 4, 3, 2, 1, 0]));
    let cases = [
        (AuditFilter { actor: Some((ActorKind::User, "bob".into())), ..any() }, at(&[0])),
        (AuditFilter { actor: Some((ActorKind::System, "ada".into())), ..any() }, at(&[1])),
        (AuditFilter { target_kind: Some("task".into()), ..any() }, at(&[3])),
        (AuditFilter { target_kind: Some("session".into()), target_id: Some("2".into()), ..any() }, at(&[2])),
        (AuditFilter { session_id: Some(session), ..any() }, at(&[4])),
        (AuditFilter { action_prefix: Some("session.".into()), ..any() }, at(&[4, 3, 2, 1, 0])),
        (AuditFilter { action_prefix: Some("session_%".into()), ..any() }, at(&[])),
        (AuditFilter { outcome: Some(AuditOutcome::Denied), ..any() }, at(&[4])),
        (AuditFilter { since: Some(sample::time(2)), until: Some(sample::time(4)), ..any() }, at(&[3, 2, 1])),
    ];
    for (filter, expected) in cases {
        assert_eq!(list(fixture, filter.clone()).await, expected, "{filter:?}");
    }
    let page = |after| async move {
        let list =
            move |conn: &Conn| conn.team(sample::TEAM).audit_log().list(&AuditFilter::default(), after, 3);
        fixture.store.read(list).await.unwrap()
    };
    let of_sessions = |after| async move {
        let filter = AuditFilter { action_prefix: Some("session".into()), ..AuditFilter::default() };
        let list = move |conn: &Conn| conn.team(sample::TEAM).audit_log().list(&filter, after, 4);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|line| line.event.id).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = of_sessions(None).await;
    let (second, end) = of_sessions(next).await;
    assert_eq!(([first, second].concat(), end), (at(&[5, 4, 3, 2, 1, 0]), None), "of all its actions");
    let one = page(None).await;
    append(fixture, vec![AuditEvent { at: sample::time(6), ..base() }]).await.unwrap();
    let two = page(one.next).await;
    let paged: Vec<_> = one.items.iter().chain(&two.items).map(|line| line.event.id).collect();
    assert_eq!((paged, two.next), (at(&[5, 4, 3, 2, 1, 0]), None));
}

async fn lines_are_sealed_in_order_and_in_bounded_batches(fixture: &Fixture) {
    assert_eq!(seal(fixture, 10).await, None, "there is nothing to seal");
    let base = || audit_event(sample::TEAM, "session.create");
    let late = AuditEvent { at: sample::time(5), ..base() };
    let events = vec![late, base(), base()];
    let ids: Vec<_> = events.iter().map(|event| event.id).collect();
    append(fixture, events).await.unwrap();
    let first = seal(fixture, 2).await.unwrap();
    assert_eq!((first.number, first.first_number, first.last_number), (1, 1, 2));
    assert_eq!(first.previous, Sha256Digest::ZERO);
    // What comes late with an earlier time is numbered after what was sealed before.
    ids_are_numbered(fixture, &[(ids[1], 1), (ids[2], 2)]).await;
    let early = append_many(fixture, 1).await[0];
    let second = seal(fixture, 100).await.unwrap();
    assert_eq!((second.number, second.first_number, second.last_number), (2, 3, 4));
    assert_eq!(second.previous, first.digest);
    ids_are_numbered(fixture, &[(early, 3), (ids[0], 4)]).await;
    let seals = fixture.store.read(|conn| {
        let seals = conn.team(sample::TEAM).audit_seals();
        Ok::<_, StoreError>((seals.list(0, 10)?, seals.list(1, 10)?.len(), seals.find_last()?))
    });
    assert_eq!(seals.await, Ok((vec![first, second.clone()], 1, Some(second))));
    assert_eq!(verified(fixture).await, (2, 4, 0));
}

async fn ids_are_numbered(fixture: &Fixture, expected: &[(AuditEntryId, i64)]) {
    for &(id, number) in expected {
        assert_eq!(find(fixture, id).await.number, Some(number));
    }
}

async fn many_writers_and_sealers_at_once_number_without_gaps(fixture: &Fixture) {
    const WRITERS: i64 = 8;
    const LINES: i64 = 12;
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..LINES {
                let event = audit_event(sample::TEAM, "session.create");
                store.write(move |tx| tx.team(sample::TEAM).audit_log().append(event)).await.unwrap();
            }
        }));
    }
    for _ in 0..2 {
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..LINES {
                let seal = |tx: &Tx<'_>| tx.team(sample::TEAM).audit_seals().seal(sample::time(9), 7, &key());
                store.write(seal).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    while seal(fixture, 7).await.is_some() {}
    let lines = fixture.store.scan(|conn| conn.team(sample::TEAM).audit_seals().list_lines(0, 1000)).await;
    let numbers: Vec<_> = lines.unwrap().iter().map(|line| line.number).collect();
    assert_eq!(numbers, (1..=WRITERS * LINES).map(Some).collect::<Vec<_>>());
    let verification = verify(fixture).await;
    assert_eq!((verification.lines, verification.broken), (WRITERS * LINES, None));
}

async fn teams_with_unsealed_lines_are_found(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let teams =
        |limit| async move { fixture.store.read(move |conn| conn.unsealed_audit().list_teams(limit)).await };
    assert_eq!(teams(10).await, Ok(Vec::new()));
    append_many(fixture, 3).await;
    let event = audit_event(other, "session.create");
    fixture.store.write(move |tx| tx.team(other).audit_log().append(event)).await.unwrap();
    let mut both: Vec<TeamId> = vec![sample::TEAM, other];
    both.sort_unstable();
    assert_eq!(teams(10).await, Ok(both.clone()));
    assert_eq!(teams(1).await, Ok(both[..1].to_vec()));
    seal(fixture, 10).await.unwrap();
    assert_eq!(teams(10).await, Ok(vec![other]));
}

async fn a_seal_is_verified_with_the_key_that_was_kept_of_it(fixture: &Fixture) {
    let other = SigningKey::from_seed([2; 32]);
    for key in [key(), other.clone(), key()] {
        append_many(fixture, 1).await;
        let seal = move |tx: &Tx<'_>| tx.team(sample::TEAM).audit_seals().seal(sample::time(9), 10, &key);
        fixture.store.write(seal).await.unwrap().unwrap();
    }
    let kept = fixture.store.read(|conn| conn.audit_keys().list()).await.unwrap();
    let mut expected = vec![key().public(sample::time(9)), other.public(sample::time(9))];
    expected.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(kept, expected);
    let found = verify(fixture).await;
    assert_eq!((found.seals, found.broken, found.keys.len()), (3, None, 2));
    let trusted = fixture.store.scan(move |conn| {
        let keys: KeyRing = conn.audit_keys().list()?.into_iter().collect();
        conn.team(sample::TEAM).audit_seals().verify(keys.only(&[key().id()]), sample::time(9))
    });
    let broken = trusted.await.unwrap().broken.unwrap();
    assert_eq!((broken.fault, broken.seal, broken.line), (AuditFault::KeyUnknown, Some(2), Some(2)));
    tamper(fixture, "UPDATE audit_seals SET key_id = NULL, signature = NULL WHERE number = 1");
    broken_at(fixture, 1, AuditFault::SignatureMissing).await;
}

async fn many_pages_are_verified_and_exported(fixture: &Fixture) {
    for _ in 0..3 {
        append_many(fixture, 900).await;
        seal(fixture, 700).await.unwrap();
    }
    while seal(fixture, 200).await.is_some() {}
    append_many(fixture, 1100).await;
    let found = verify(fixture).await;
    assert_eq!((found.lines, found.unsealed, found.broken.clone()), (2700, 1100, None));
    let ExportVerification { verification, last_seal, .. } = read_export(&export(fixture).await);
    assert_eq!(verification, found);
    let last = fixture.store.read(|conn| conn.team(sample::TEAM).audit_seals().find_last()).await.unwrap();
    assert_eq!(last_seal, last);
}

async fn export(fixture: &Fixture) -> String {
    let export = |conn: &Conn| {
        let mut out = Vec::new();
        conn.team(sample::TEAM).audit_seals().export(&mut out, sample::time(9)).unwrap();
        Ok::<_, StoreError>(String::from_utf8(out).unwrap())
    };
    fixture.store.scan(export).await.unwrap()
}

fn read_export(text: &str) -> ExportVerification {
    let mut reader = ExportReader::new(Vec::new());
    text.lines().for_each(|line| reader.line(line).unwrap());
    reader.finish().unwrap()
}

async fn a_broken_log_is_exported_as_it_is(fixture: &Fixture) {
    let ids = sealed(fixture).await;
    tamper(fixture, &format!("UPDATE audit_log SET actor_id = 'eve' WHERE id = '{}'", ids[3]));
    let exported = read_export(&export(fixture).await).verification;
    assert_eq!(exported.broken, verify(fixture).await.broken);
    assert_eq!(exported.broken.unwrap().id, Some(ids[3]));
    tamper(fixture, "DELETE FROM audit_log WHERE number >= 3");
    assert_eq!(read_export(&export(fixture).await).verification, verify(fixture).await);
    broken_at(fixture, 3, AuditFault::LineMissing).await;
}

async fn lines_in_another_order_are_found(fixture: &Fixture) {
    sealed(fixture).await;
    tamper(
        fixture,
        "UPDATE audit_log SET number = 99 WHERE number = 3; UPDATE audit_log SET number = 3 WHERE number = 4;
         UPDATE audit_log SET number = 4 WHERE number = 99",
    );
    broken_at(fixture, 3, AuditFault::LineReordered).await;
}

async fn an_exchanged_line_is_found(fixture: &Fixture) {
    let ids = sealed(fixture).await;
    let replacement = AuditEntry::new(audit_event(sample::TEAM, "session.create"));
    append(fixture, vec![replacement.event.clone()]).await.unwrap();
    tamper(
        fixture,
        &format!(
            "DELETE FROM audit_log WHERE id = '{}'; UPDATE audit_log SET number = 4 WHERE id = '{}'",
            ids[3], replacement.event.id
        ),
    );
    broken_at(fixture, 3, AuditFault::LinesExchanged).await;
}

async fn a_line_inserted_in_the_past_is_found(fixture: &Fixture) {
    sealed(fixture).await;
    let past = AuditEvent { at: sample::time(9 - 601), ..audit_event(sample::TEAM, "session.create") };
    let id = past.id;
    append(fixture, vec![past]).await.unwrap();
    let broken = verify(fixture).await.broken.unwrap();
    assert_eq!((broken.fault, broken.line, broken.id), (AuditFault::LineBackdated, None, Some(id)));
    seal(fixture, 10).await.unwrap();
    broken_at(fixture, 7, AuditFault::LineBackdated).await;
}

/// Three seals over two lines each.
async fn sealed(fixture: &Fixture) -> Vec<AuditEntryId> {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.extend(append_many(fixture, 2).await);
        seal(fixture, 10).await.unwrap();
    }
    assert_eq!(verify(fixture).await.broken, None);
    ids
}

/// Changes what nobody may, as somebody with the database in hand would.
fn tamper(fixture: &Fixture, sql: &str) {
    let forced = format!("SET session_replication_role = replica; {sql}");
    let triggers = [
        "audit_log_keep",
        "audit_log_number_once",
        "audit_log_blank",
        "audit_log_remain",
        "audit_seals_keep",
        "audit_seals_remain",
    ];
    let dropped: String =
        triggers.iter().map(|trigger| format!("DROP TRIGGER IF EXISTS {trigger}; ")).collect();
    fixture.place().raw(fixture.place().pick(&format!("{dropped}{sql}"), &forced)).unwrap();
}

async fn broken_at(fixture: &Fixture, number: i64, fault: AuditFault) {
    let broken = verify(fixture).await.broken.unwrap();
    assert_eq!((broken.line, broken.fault), (Some(number), fault), "{broken}");
}

async fn a_changed_line_is_found(fixture: &Fixture) {
    let ids = sealed(fixture).await;
    tamper(fixture, &format!("UPDATE audit_log SET actor_id = 'eve' WHERE id = '{}'", ids[3]));
    broken_at(fixture, 4, AuditFault::LineChanged).await;
    // With details changed as well, the earlier line is found first.
    tamper(fixture, &format!("UPDATE audit_log SET detail = '{{}}' WHERE id = '{}'", ids[1]));
    broken_at(fixture, 2, AuditFault::LineChanged).await;
}

async fn a_removed_line_is_found(fixture: &Fixture) {
    let ids = sealed(fixture).await;
    tamper(fixture, &format!("DELETE FROM audit_log WHERE id = '{}'", ids[5]));
    broken_at(fixture, 6, AuditFault::LineMissing).await;
    tamper(fixture, &format!("DELETE FROM audit_log WHERE id = '{}'", ids[2]));
    broken_at(fixture, 3, AuditFault::LineMissing).await;
}

async fn a_removed_or_changed_seal_is_found(fixture: &Fixture) {
    sealed(fixture).await;
    let zero = fixture.place().pick("zeroblob(32)", "decode(repeat('00', 32), 'hex')").to_owned();
    tamper(fixture, &format!("UPDATE audit_seals SET digest = {zero} WHERE number = 3"));
    broken_at(fixture, 5, AuditFault::SealChanged).await;
    tamper(fixture, "DELETE FROM audit_seals WHERE number = 2");
    broken_at(fixture, 3, AuditFault::SealMissing).await;
}

async fn a_line_numbered_without_a_seal_is_found(fixture: &Fixture) {
    sealed(fixture).await;
    tamper(fixture, "DELETE FROM audit_seals WHERE number = 3");
    broken_at(fixture, 5, AuditFault::LineUnsealed).await;
}

async fn a_redacted_line_still_verifies(fixture: &Fixture) {
    let ids = sealed(fixture).await;
    let (sealed_id, unsealed_id) = (ids[2], append_many(fixture, 1).await[0]);
    for id in [sealed_id, unsealed_id] {
        let redact = move |tx: &Tx<'_>| tx.team(sample::TEAM).audit_log().redact(id, &maintenance(3));
        fixture.store.write(redact).await.unwrap();
        let line = find(fixture, id).await;
        assert!(line.is_redacted() && line.event.detail.is_none());
    }
    seal(fixture, 10).await.unwrap();
    assert_eq!(verified(fixture).await, (4, 7, 2));
    tamper(fixture, &format!("UPDATE audit_log SET actor_id = 'eve' WHERE id = '{sealed_id}'"));
    broken_at(fixture, 3, AuditFault::LineChanged).await;
}
