//! Approvals.

use std::collections::HashSet;

use domain::{
    approval::{Approval, ApprovalStatus, ApprovalVerdict},
    id::{ApprovalId, SessionId},
    permission::Decision,
    timeline::{Change, TimelineItem},
};
use provost_store::{ApprovalFilter, Guard, StoreError};
use serde_json::json;

use crate::{
    fixture::Fixture,
    governance::{answer, approval, asked, decided, decision},
    sample,
};

on_both_databases! {
    an_approval_is_found_as_it_was_asked_and_as_it_was_answered,
    another_team_neither_sees_nor_answers_an_approval,
    an_approval_of_another_team_than_its_session_is_refused,
    the_first_answer_wins,
    of_many_answers_at_once_one_wins_and_numbers_have_no_gaps,
    nobody_answers_when_time_is_over,
    the_inbox_is_paged_and_filtered,
    due_approvals_expire_with_a_number_in_their_timelines,
    expiring_and_answering_at_once_settles_each_once,
    an_approved_call_is_granted_once,
    of_two_who_use_a_grant_at_once_one_does,
    what_a_deleted_session_left_open_does_not_stop_the_others,
    no_more_expire_at_once_than_asked,
    a_deleted_session_hides_its_approvals_and_a_removed_one_takes_them_along,
}

const APPROVED: ApprovalVerdict = ApprovalVerdict::Approved { updated_input: None };

async fn respond(
    fixture: &Fixture,
    id: ApprovalId,
    verdict: ApprovalVerdict,
    at: i64,
) -> Result<i64, StoreError> {
    let answer = answer(verdict, sample::time(at));
    let write = fixture.store.write(move |tx| tx.team(sample::TEAM).approvals().answer(id, &answer));
    write.await.map(|entry| entry.sequence)
}

async fn find(fixture: &Fixture, id: ApprovalId) -> Approval {
    let found = fixture.store.read(move |conn| conn.team(sample::TEAM).approvals().find(id)).await;
    found.unwrap().unwrap()
}

async fn list(fixture: &Fixture, filter: ApprovalFilter) -> Vec<ApprovalId> {
    let list = move |conn: &provost_store::Conn| conn.team(sample::TEAM).approvals().list(filter, None, 100);
    fixture.store.read(list).await.unwrap().items.iter().map(|approval| approval.id).collect()
}

async fn an_approval_is_found_as_it_was_asked_and_as_it_was_answered(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let verdicts = [
        (ApprovalVerdict::Approved { updated_input: Some(json!({ "command": "true" })) }, 2),
        (ApprovalVerdict::Denied, 2),
        (ApprovalVerdict::Cancelled, 400),
        (ApprovalVerdict::Expired, 300),
    ];
    for (verdict, at) in verdicts {
        let new = approval(session);
        let pending = fixture.ask(new.clone()).await;
        assert_eq!(pending, Approval { sequence: pending.sequence, ..new });
        assert_eq!(find(fixture, pending.id).await, pending);
        let number = respond(fixture, pending.id, verdict.clone(), at).await.unwrap();
        let expected = pending.clone().answered(answer(verdict, sample::time(at))).unwrap();
        assert_eq!(find(fixture, pending.id).await, expected);
        assert_eq!(number, pending.sequence + 1, "the answer has a number of its own");
    }
    let timeline = fixture.timeline(session).await;
    let changes: Vec<_> = timeline.iter().map(|entry| entry.change).collect();
    assert_eq!(changes, [Change::Created, Change::Updated].repeat(4));
    fixture.assert_whole().await;
}

async fn another_team_neither_sees_nor_answers_an_approval(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (id, other) = (fixture.ask(approval(session)).await.id, fixture.other_team().await);
    let seen = fixture.store.read(move |conn| {
        let approvals = conn.team(other).approvals();
        let digest = approval(session).input_sha256;
        let listed = approvals.list(ApprovalFilter::default(), None, 10)?.items;
        Ok::<_, StoreError>((approvals.find(id)?, listed, approvals.find_grant(session, "Bash", &digest)?))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), None)));
    let answer = answer(APPROVED, sample::time(2));
    let answered = fixture.store.write(move |tx| tx.team(other).approvals().answer(id, &answer)).await;
    assert!(matches!(answered, Err(StoreError::Missing { .. })), "{answered:?}");
}

async fn an_approval_of_another_team_than_its_session_is_refused(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let foreign = Approval { team_id: other, ..approval(session) };
    let refused = fixture.change(session, vec![asked(foreign)]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let elsewhere = fixture.insert_session().await;
    let refused = fixture.change(session, vec![asked(approval(elsewhere))]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(fixture.timeline(session).await, Vec::new());
    fixture.assert_whole().await;
}

async fn the_first_answer_wins(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let pending = fixture.ask(approval(session)).await;
    respond(fixture, pending.id, ApprovalVerdict::Denied, 2).await.unwrap();
    let second = respond(fixture, pending.id, APPROVED, 3).await.unwrap_err();
    assert!(second.to_string().contains("from denied it can go to: nothing"), "{second}");
    // Who writes past the state machine is refused by the statement itself, and leaves no number behind.
    let forced = pending.answered(answer(APPROVED, sample::time(4))).unwrap();
    let forced = vec![(Change::Updated, TimelineItem::Approval(forced))];
    let refused = fixture.change(session, forced).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let untouched = vec![(Change::Updated, TimelineItem::Approval(fixture.ask(approval(session)).await))];
    let refused = fixture.change(session, untouched).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(fixture.timeline(session).await.len(), 3);
    fixture.assert_whole().await;
}

async fn of_many_answers_at_once_one_wins_and_numbers_have_no_gaps(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for _ in 0..5 {
        let id = fixture.ask(approval(session)).await.id;
        let tasks: Vec<_> = [APPROVED, ApprovalVerdict::Denied, APPROVED, ApprovalVerdict::Cancelled]
            .into_iter()
            .map(|verdict| {
                let (store, answer) = (fixture.store.clone(), answer(verdict, sample::time(2)));
                tokio::spawn(async move {
                    store.write(move |tx| tx.team(sample::TEAM).approvals().answer(id, &answer)).await
                })
            })
            .collect();
        let mut wins = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => wins += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
            }
        }
        assert_eq!(wins, 1);
    }
    assert_eq!(fixture.timeline(session).await.len(), 10);
    fixture.assert_whole().await;
}

async fn nobody_answers_when_time_is_over(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let id = fixture.ask(approval(session)).await.id;
    let late = respond(fixture, id, APPROVED, 300).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late:?}");
    assert_eq!(find(fixture, id).await.status, ApprovalStatus::Pending);
}

async fn the_inbox_is_paged_and_filtered(fixture: &Fixture) {
    let (first, second) = (fixture.insert_session().await, fixture.insert_session().await);
    let mut ids = Vec::new();
    for number in 0..6 {
        let session = if number % 2 == 0 { first } else { second };
        let new = Approval { requested_at: sample::time(number / 2), ..approval(session) };
        ids.push(fixture.ask(new).await.id);
    }
    respond(fixture, ids[0], APPROVED, 2).await.unwrap();
    let newest_first: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(list(fixture, ApprovalFilter::default()).await, newest_first);
    let pending = ApprovalFilter { status: Some(ApprovalStatus::Pending), session_id: None };
    assert_eq!(list(fixture, pending).await, newest_first[..5]);
    let of_first = ApprovalFilter { session_id: Some(first), ..pending };
    assert_eq!(list(fixture, of_first).await, [ids[4], ids[2]]);
    let page = |after| async move {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).approvals().list(ApprovalFilter::default(), after, 4)
        };
        fixture.store.read(list).await.unwrap()
    };
    let one = page(None).await;
    fixture.ask(Approval { requested_at: sample::time(9), ..approval(first) }).await;
    let two = page(one.next).await;
    let paged: Vec<_> = one.items.iter().chain(&two.items).map(|approval| approval.id).collect();
    assert_eq!((paged, two.next), (newest_first, None));
}

async fn expire(fixture: &Fixture, at: i64, limit: u32) -> Vec<ApprovalId> {
    let expire = move |tx: &provost_store::Tx<'_>| {
        tx.due_approvals().expire("system:approvals", sample::time(at), limit)
    };
    let expired = fixture.store.write(expire).await.unwrap();
    assert!(expired.iter().all(|approval| approval.status == ApprovalStatus::Expired));
    expired.iter().map(|approval| approval.id).collect()
}

async fn due_approvals_expire_with_a_number_in_their_timelines(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let foreign = sample::session(other);
    let foreign_id = foreign.id;
    fixture.store.write(move |tx| tx.team(other).sessions().insert(&foreign)).await.unwrap();
    let session = fixture.insert_session().await;
    let due = [fixture.ask(approval(session)).await.id, fixture.ask(approval(session)).await.id];
    let later = fixture.ask(Approval { expires_at: sample::time(301), ..approval(session) }).await.id;
    let answered = fixture.ask(approval(session)).await.id;
    respond(fixture, answered, ApprovalVerdict::Denied, 2).await.unwrap();
    let elsewhere = Approval { team_id: other, ..approval(foreign_id) };
    let elsewhere_id = elsewhere.id;
    let change = sample::change(foreign_id, Guard::Anyone, vec![asked(elsewhere)]);
    fixture.store.write(move |tx| tx.team(other).sessions().change(change)).await.unwrap();

    assert_eq!(expire(fixture, 299, 10).await, []);
    let expired: HashSet<_> = expire(fixture, 300, 10).await.into_iter().collect();
    assert_eq!(expired, HashSet::from([due[0], due[1], elsewhere_id]), "of all teams");
    assert_eq!(expire(fixture, 300, 10).await, [], "each once");
    assert_eq!(find(fixture, due[0]).await.decided_by.as_deref(), Some("system:approvals"));
    assert_eq!(find(fixture, answered).await.status, ApprovalStatus::Denied);
    assert_eq!(find(fixture, later).await.status, ApprovalStatus::Pending);
    let timeline = fixture.timeline(session).await;
    let last = timeline.iter().rev().take(2).map(|entry| (entry.change, *entry.item.row_id()));
    let updated = |id: ApprovalId| (Change::Updated, *id.as_uuid());
    assert_eq!(last.collect::<Vec<_>>(), [updated(due[1]), updated(due[0])]);
    assert_eq!(expire(fixture, 400, 1).await, [later]);
    fixture.assert_whole().await;
}

async fn expiring_and_answering_at_once_settles_each_once(fixture: &Fixture) {
    let mut tasks = Vec::new();
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let session = fixture.insert_session().await;
        sessions.push(session);
        for _ in 0..4 {
            let id = fixture.ask(approval(session)).await.id;
            // An agent may take its question back at any time.
            let (store, answer) =
                (fixture.store.clone(), answer(ApprovalVerdict::Cancelled, sample::time(300)));
            tasks.push(tokio::spawn(async move {
                let answer =
                    store.write(move |tx| tx.team(sample::TEAM).approvals().answer(id, &answer)).await;
                assert!(matches!(answer, Ok(_) | Err(StoreError::Conflict { .. })), "{answer:?}");
            }));
        }
    }
    for _ in 0..4 {
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..4 {
                let expire =
                    |tx: &provost_store::Tx<'_>| tx.due_approvals().expire("system:a", sample::time(300), 3);
                store.write(expire).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    expire(fixture, 300, 100).await;
    for session in sessions {
        assert_eq!(fixture.timeline(session).await.len(), 8, "asked and settled, each once");
    }
    fixture.assert_whole().await;
}

async fn grant(
    fixture: &Fixture,
    session: SessionId,
    tool: &'static str,
    command: &str,
) -> Option<ApprovalId> {
    let digest = Approval::input_digest(&json!({ "command": command }));
    let find = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).approvals().find_grant(session, tool, &digest)
    };
    fixture.store.read(find).await.unwrap().map(|approval| approval.id)
}

async fn an_approved_call_is_granted_once(fixture: &Fixture) {
    let (session, elsewhere) = (fixture.insert_session().await, fixture.insert_session().await);
    let denied = fixture.ask(approval(session)).await.id;
    respond(fixture, denied, ApprovalVerdict::Denied, 2).await.unwrap();
    let approved = fixture.ask(approval(session)).await.id;
    assert_eq!(grant(fixture, session, "Bash", "make").await, None, "nobody answered yet");
    respond(fixture, approved, APPROVED, 2).await.unwrap();
    assert_eq!(grant(fixture, session, "Bash", "make").await, Some(approved));
    assert_eq!(grant(fixture, session, "Bash", "make clean").await, None, "another input");
    assert_eq!(grant(fixture, session, "Read", "make").await, None, "another tool");
    assert_eq!(grant(fixture, elsewhere, "Bash", "make").await, None, "another session");
    let mut use_of_it = decision(session, Decision::Ask);
    use_of_it.approval_id = Some(approved);
    fixture.change(session, vec![decided(use_of_it.clone())]).await.unwrap();
    assert_eq!(grant(fixture, session, "Bash", "make").await, Some(approved), "asking is no use of it");
    use_of_it.id = decision(session, Decision::Allow).id;
    use_of_it.decision = Decision::Allow;
    fixture.change(session, vec![decided(use_of_it)]).await.unwrap();
    assert_eq!(grant(fixture, session, "Bash", "make").await, None, "used up");
}

async fn a_deleted_session_hides_its_approvals_and_a_removed_one_takes_them_along(fixture: &Fixture) {
    let (deleted, removed) = (fixture.insert_session().await, fixture.insert_session().await);
    let hidden = fixture.ask(approval(deleted)).await.id;
    fixture.ask(approval(removed)).await;
    let delete = fixture
        .store
        .write(move |tx| tx.team(sample::TEAM).sessions().delete(deleted, "user:ada", sample::time(3)));
    delete.await.unwrap();
    assert_eq!(list(fixture, ApprovalFilter::default()).await.len(), 1);
    let found = fixture.store.read(move |conn| conn.team(sample::TEAM).approvals().find(hidden)).await;
    assert_eq!(found, Ok(None));
    let sql = format!("PRAGMA foreign_keys = ON; DELETE FROM sessions WHERE id = '{removed}'");
    let sql = fixture.place().pick(&sql, sql.split_once("; ").unwrap().1).to_owned();
    fixture.place().raw(&sql).unwrap();
    assert_eq!(list(fixture, ApprovalFilter::default()).await, []);
    let status =
        fixture.place().raw(&format!("SELECT status, decided_by FROM approvals WHERE id = '{hidden}'"));
    let cancelled = [Some("cancelled".to_owned()), Some("user:ada".to_owned())];
    assert_eq!(status.unwrap(), [cancelled], "nobody waits for what nobody sees");
    assert_eq!(expire(fixture, 300, 10).await, []);
}

async fn of_two_who_use_a_grant_at_once_one_does(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let approved = fixture.ask(approval(session)).await.id;
    respond(fixture, approved, APPROVED, 2).await.unwrap();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = fixture.store.clone();
            let mut used = decision(session, Decision::Allow);
            used.approval_id = Some(approved);
            let change = sample::change(session, Guard::Anyone, vec![decided(used)]);
            tokio::spawn(async move {
                store.write(move |tx| tx.team(sample::TEAM).sessions().change(change)).await
            })
        })
        .collect();
    let mut uses = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => uses += 1,
            Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
        }
    }
    assert_eq!(uses, 1);
    for _ in 0..2 {
        let of_its_own = decided(decision(session, Decision::Allow));
        fixture.change(session, vec![of_its_own]).await.unwrap();
    }
    fixture.assert_whole().await;
}

async fn what_a_deleted_session_left_open_does_not_stop_the_others(fixture: &Fixture) {
    let (deleted, alive) = (fixture.insert_session().await, fixture.insert_session().await);
    fixture.ask(approval(deleted)).await;
    let due = fixture.ask(approval(alive)).await.id;
    let now = fixture.place().pick("1", "now()");
    fixture.place().raw(&format!("UPDATE sessions SET deleted_at = {now} WHERE id = '{deleted}'")).unwrap();
    assert_eq!(expire(fixture, 300, 10).await, [due]);
}

async fn no_more_expire_at_once_than_asked(fixture: &Fixture) {
    for _ in 0..3 {
        let session = fixture.insert_session().await;
        for _ in 0..3 {
            fixture.ask(approval(session)).await;
        }
    }
    let mut rounds = Vec::new();
    for _ in 0..4 {
        rounds.push(expire(fixture, 300, 4).await.len());
    }
    assert_eq!(rounds.iter().sum::<usize>(), 9);
    assert!(rounds.iter().all(|expired| *expired <= 4), "{rounds:?}");
}
