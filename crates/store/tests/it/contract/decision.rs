//! Decisions on tool calls, and runs of hooks: what the timeline records besides what was said and done.

use domain::{
    decision::{DecidedBy, PermissionDecision},
    hook_execution::HookExecution,
    id::{SessionId, ToolCallId},
    permission::Decision,
    session::SessionTotals,
    timeline::{Change, EntryKind, TimelineItem},
};
use provost_store::{Guard, HookExecutionFilter, SessionChange, SessionUpdate, StoreError};

use crate::{
    fixture::Fixture,
    governance::{approval, asked, decided, decision, hook_execution, ran},
    sample,
};

on_both_databases! {
    every_kind_of_row_stands_in_the_timeline_in_its_order,
    a_decision_is_found_as_it_was_taken,
    what_was_decided_about_an_approval_is_found,
    a_run_of_a_hook_is_found_as_it_was,
    another_team_sees_neither_decisions_nor_runs_of_hooks,
    what_was_decided_and_run_is_never_updated,
}

async fn every_kind_of_row_stands_in_the_timeline_in_its_order(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let items = vec![
        sample::created(TimelineItem::Command(sample::command(session))),
        sample::created_message(session, "a"),
        ran(hook_execution(session, "guard")),
        decided(decision(session, Decision::Ask)),
        asked(approval(session)),
        sample::created(TimelineItem::ToolCall(sample::tool_call(session))),
        ran(hook_execution(session, "audit")),
    ];
    let added = SessionTotals {
        total_messages: 1,
        total_tool_calls: 1,
        total_hook_executions: 2,
        total_permission_checks: 1,
        ..SessionTotals::default()
    };
    let change = SessionChange {
        session_id: session,
        guard: Guard::Anyone,
        at: sample::time(2),
        update: SessionUpdate { added, ..SessionUpdate::default() },
        items,
    };
    let written = fixture.apply(change).await.unwrap();
    let timeline = fixture.timeline(session).await;
    assert_eq!(timeline, written);
    let kinds: Vec<_> = timeline.iter().map(|entry| (entry.sequence, entry.item.kind())).collect();
    let expected = [
        EntryKind::Command,
        EntryKind::Message,
        EntryKind::HookExecution,
        EntryKind::Decision,
        EntryKind::Approval,
        EntryKind::ToolCall,
        EntryKind::HookExecution,
    ];
    assert_eq!(kinds, (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(fixture.session(session).await.totals, added);
    let page = fixture.store.read(move |conn| conn.team(sample::TEAM).timeline().list(session, 2, 3)).await;
    assert_eq!(page.unwrap(), written[2..5]);
    fixture.assert_whole().await;
}

async fn decisions(
    fixture: &Fixture,
    session: SessionId,
    said: Option<Decision>,
    after: i64,
) -> Vec<PermissionDecision> {
    let list =
        move |conn: &provost_store::Conn| conn.team(sample::TEAM).decisions().list(session, said, after, 100);
    fixture.store.read(list).await.unwrap()
}

async fn a_decision_is_found_as_it_was_taken(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let mut taken = Vec::new();
    for (index, &decided_by) in DecidedBy::ALL.iter().enumerate() {
        let said = Decision::ALL[index % Decision::ALL.len()];
        let sequence = i64::try_from(index).unwrap() + 1;
        taken.push(PermissionDecision {
            decided_by,
            sequence,
            interrupted: index == 2,
            ..decision(session, said)
        });
    }
    let bare = PermissionDecision {
        sequence: i64::try_from(taken.len()).unwrap() + 1,
        tool_use_id: None,
        input_data: None,
        context: None,
        policy_name: None,
        reason: None,
        approval_id: Some(approval(session).id),
        tool_call_id: Some(ToolCallId::from_uuid(sample::uuid())),
        ..decision(session, Decision::Deny)
    };
    taken.push(bare);
    fixture.change(session, taken.iter().cloned().map(decided).collect()).await.unwrap();
    assert_eq!(decisions(fixture, session, None, 0).await, taken);
    assert_eq!(decisions(fixture, session, None, 3).await, taken[3..]);
    for &said in Decision::ALL {
        let expected: Vec<_> = taken.iter().filter(|taken| taken.decision == said).cloned().collect();
        assert_eq!(decisions(fixture, session, Some(said), 0).await, expected);
    }
    let first =
        fixture.store.read(move |conn| conn.team(sample::TEAM).decisions().list(session, None, 0, 1)).await;
    assert_eq!(first.unwrap(), taken[..1]);
}

async fn what_was_decided_about_an_approval_is_found(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let of_use = |said, use_id: &str| PermissionDecision {
        tool_use_id: Some(use_id.into()),
        ..decision(session, said)
    };
    let items = vec![
        decided(of_use(Decision::Ask, "toolu_1")),
        decided(of_use(Decision::Allow, "toolu_1")),
        decided(of_use(Decision::Ask, "toolu_2")),
    ];
    fixture.change(session, items).await.unwrap();
    let approval = fixture.ask(approval(session)).await;
    let answered = PermissionDecision { approval_id: Some(approval.id), ..of_use(Decision::Deny, "toolu_3") };
    let items = vec![decided(answered), decided(of_use(Decision::Ask, "toolu_1"))];
    fixture.change(session, items).await.unwrap();
    let asked = approval.clone();
    let about = |team| {
        let asked = asked.clone();
        fixture.store.read(move |conn: &provost_store::Conn| conn.team(team).decisions().list_about(&asked))
    };
    let found = about(sample::TEAM).await.unwrap();
    assert_eq!(found.iter().map(|found| found.sequence).collect::<Vec<_>>(), [1, 5]);
    assert_eq!(about(fixture.other_team().await).await.unwrap(), []);
}

async fn runs(
    fixture: &Fixture,
    session: SessionId,
    filter: HookExecutionFilter,
    after: i64,
) -> Vec<HookExecution> {
    let list = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).hook_executions().list(session, &filter, after, 100)
    };
    fixture.store.read(list).await.unwrap()
}

async fn a_run_of_a_hook_is_found_as_it_was(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let call = ToolCallId::from_uuid(sample::uuid());
    let ran_at = |sequence, run| HookExecution { sequence, ..run };
    let all = [
        ran_at(1, hook_execution(session, "guard")),
        ran_at(2, HookExecution { tool_call_id: Some(call), ..hook_execution(session, "audit") }),
        ran_at(
            3,
            HookExecution {
                hook_type: "Stop".parse().unwrap(),
                tool_use_id: None,
                tool_name: None,
                input_data: None,
                output_data: None,
                context_data: Some(serde_json::json!({ "cwd": "/" })),
                continue_execution: false,
                error_message: Some("it said no".into()),
                ..hook_execution(session, "gate")
            },
        ),
    ];
    fixture.change(session, all.iter().cloned().map(ran).collect()).await.unwrap();
    let any = HookExecutionFilter::default;
    assert_eq!(runs(fixture, session, any(), 0).await, all);
    assert_eq!(runs(fixture, session, any(), 1).await, all[1..]);
    let of_type = HookExecutionFilter { hook_type: Some("Stop".parse().unwrap()), ..any() };
    assert_eq!(runs(fixture, session, of_type, 0).await, all[2..]);
    let of_call = HookExecutionFilter { tool_call_id: Some(call), ..any() };
    assert_eq!(runs(fixture, session, of_call, 0).await, all[1..2]);
}

async fn another_team_sees_neither_decisions_nor_runs_of_hooks(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let items = vec![ran(hook_execution(session, "a")), decided(decision(session, Decision::Allow))];
    fixture.change(session, items).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let (decisions, runs) = (conn.team(other).decisions(), conn.team(other).hook_executions());
        let runs = runs.list(session, &HookExecutionFilter::default(), 0, 10)?;
        Ok::<_, StoreError>((decisions.list(session, None, 0, 10)?.len(), runs.len()))
    });
    assert_eq!(seen.await, Ok((0, 0)));
}

async fn what_was_decided_and_run_is_never_updated(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let items = vec![ran(hook_execution(session, "a")), decided(decision(session, Decision::Allow))];
    let entries = fixture.change(session, items).await.unwrap();
    for entry in entries {
        for change in [Change::Updated, Change::Replaced, Change::Removed] {
            let refused = fixture.change(session, vec![(change, entry.item.clone())]).await;
            assert!(matches!(refused, Err(StoreError::Other { .. })), "{refused:?}");
        }
    }
    let rubbish = HookExecution { duration_us: -1, ..hook_execution(session, "a") };
    let refused = fixture.change(session, vec![sample::created_message(session, "a"), ran(rubbish)]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(fixture.timeline(session).await.len(), 2, "nothing is half done");
    fixture.assert_whole().await;
}
