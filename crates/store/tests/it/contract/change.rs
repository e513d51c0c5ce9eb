//! The one way to change a session.

use domain::{
    command::CommandStatus,
    id::SessionId,
    money::MicroUsd,
    permission::Decision,
    permission::PermissionMode,
    session::SessionTotals,
    session_status::SessionStatus::{
        self, Active, Archived, Completed, Connecting, Created, Failed, Processing,
    },
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::ToolCallStatus,
    transition::Transition,
    usage::TokenUsage,
};
use provost_store::{Guard, SessionChange, SessionUpdate, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    entries_are_numbered_without_gaps_and_carry_their_rows,
    a_page_of_the_timeline_begins_after_a_number,
    a_tool_call_is_updated_in_place_under_a_new_number,
    a_command_is_updated_in_place_under_a_new_number,
    tool_calls_and_commands_are_open_until_they_are_finished,
    a_message_is_read_as_it_was_written,
    the_first_time_active_and_the_last_end_are_kept,
    resuming_clears_the_end_and_the_error,
    an_archived_session_ended_when_it_ended,
    a_transition_that_the_state_machine_does_not_have_is_refused_unless_forced,
    only_the_first_transition_comes_from_nowhere,
    a_transition_from_another_status_is_a_conflict_and_changes_nothing,
    an_earlier_fence_is_refused_and_changes_nothing,
    anybody_may_give_a_command_to_a_session_that_somebody_owns,
    totals_are_added_and_what_is_not_said_stays,
    a_change_of_an_unknown_session_is_refused,
    a_row_that_is_not_there_cannot_be_updated,
    an_agent_program_may_repeat_the_id_of_a_tool_use,
    a_whole_message_is_never_replaced_or_removed,
    a_row_of_another_session_is_refused,
}

async fn entries_are_numbered_without_gaps_and_carry_their_rows(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let first = fixture.change(session, vec![sample::moved(session, Created, Connecting)]).await.unwrap();
    let call = sample::created(TimelineItem::ToolCall(sample::tool_call(session)));
    let command = sample::created(TimelineItem::Command(sample::command(session)));
    let items = vec![sample::created_message(session, "a"), call, command];
    let second = fixture.change(session, items).await.unwrap();
    let numbers: Vec<_> = first.iter().chain(&second).map(|entry| entry.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let TimelineItem::ToolCall(call) = &second[1].item else { panic!("{second:?}") };
    assert_eq!(call.sequence, 3, "a row has the number of its entry");
    assert_eq!(fixture.timeline(session).await, [first, second].concat());
    assert_eq!(fixture.session(session).await.next_sequence, 5);
    fixture.assert_whole().await;
}

async fn a_page_of_the_timeline_begins_after_a_number(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let items = (0..5).map(|number| sample::created_message(session, &number.to_string())).collect();
    fixture.change(session, items).await.unwrap();
    let page = async |after, limit| -> Vec<i64> {
        let list = fixture
            .store
            .read(move |conn| conn.team(sample::TEAM).timeline().list(session, after, limit))
            .await;
        list.unwrap().iter().map(|entry: &TimelineEntry| entry.sequence).collect()
    };
    assert_eq!(page(0, 2).await, [1, 2]);
    assert_eq!(page(2, 2).await, [3, 4]);
    assert_eq!(page(4, 2).await, [5]);
    assert_eq!(page(5, 2).await, [0; 0]);
}

async fn a_tool_call_is_updated_in_place_under_a_new_number(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let call = sample::created(TimelineItem::ToolCall(sample::tool_call(session)));
    let created = fixture.change(session, vec![call]).await.unwrap();
    let TimelineItem::ToolCall(mut call) = created[0].item.clone() else { panic!("{created:?}") };
    call.tool_input = json!({"command": "false"});
    call.tool_output = Some(json!({"content": "no"}));
    call.status = ToolCallStatus::Error;
    call.error_message = Some("it said no".into());
    call.permission_decision = Some(Decision::Allow);
    call.permission_reason = Some("a person said so".into());
    call.started_at = Some(sample::time(3));
    call.completed_at = Some(sample::time(4));
    call.duration_ms = Some(1000);
    let update = vec![(Change::Updated, TimelineItem::ToolCall(call.clone()))];
    let updated = fixture.change(session, update).await.unwrap();
    assert_eq!((updated[0].sequence, updated[0].change), (2, Change::Updated));
    let timeline = fixture.timeline(session).await;
    assert_eq!(timeline.len(), 2);
    for entry in timeline {
        assert_eq!(
            entry.item,
            TimelineItem::ToolCall(call.clone()),
            "both entries show the row as it stands"
        );
    }
}

async fn a_command_is_updated_in_place_under_a_new_number(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let command = sample::created(TimelineItem::Command(sample::command(session)));
    let created = fixture.change(session, vec![command]).await.unwrap();
    let TimelineItem::Command(mut command) = created[0].item.clone() else { panic!("{created:?}") };
    command.status = CommandStatus::Done;
    command.updated_at = sample::time(9);
    let update = vec![(Change::Updated, TimelineItem::Command(command.clone()))];
    fixture.change(session, update).await.unwrap();
    let timeline = fixture.timeline(session).await;
    assert_eq!(timeline[1].sequence, 2);
    assert_eq!(timeline[1].item, TimelineItem::Command(command));
}

async fn tool_calls_and_commands_are_open_until_they_are_finished(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let other = fixture.insert_session().await;
    for &status in ToolCallStatus::ALL {
        let mut call = sample::tool_call(session);
        call.status = status;
        fixture.change(session, vec![sample::created(TimelineItem::ToolCall(call))]).await.unwrap();
    }
    for &status in CommandStatus::ALL {
        let mut command = sample::command(session);
        command.status = status;
        fixture.change(session, vec![sample::created(TimelineItem::Command(command))]).await.unwrap();
    }
    let foreign = sample::created(TimelineItem::Command(sample::command(other)));
    fixture.change(other, vec![foreign]).await.unwrap();
    let open = fixture.store.read(move |conn| {
        let calls = conn.team(sample::TEAM).timeline().list_open_tool_calls(session)?;
        Ok::<_, StoreError>((calls, conn.team(sample::TEAM).timeline().list_open_commands(session)?))
    });
    let (calls, commands) = open.await.unwrap();
    let calls: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(calls, [ToolCallStatus::Pending, ToolCallStatus::Running]);
    let commands: Vec<_> = commands.iter().map(|command| command.status).collect();
    assert_eq!(commands, [CommandStatus::Queued, CommandStatus::Delivered]);
}

async fn a_message_is_read_as_it_was_written(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let mut message = sample::message(session, "a");
    message.body.subtype = Some("init".into());
    message.body.model = Some("model".into());
    message.body.thinking_content = Some("hm".into());
    message.body.parent_tool_use_id = Some("toolu_1".into());
    message.body.external_id = Some("msg_1".into());
    message.body.usage = Some(json!({"input_tokens": 3}));
    message.body.content.extra.insert("request_id".into(), json!([null, 1.5, {"a": []}]));
    fixture.change(session, vec![sample::created(TimelineItem::Message(message.clone()))]).await.unwrap();
    message.sequence = 1;
    let stored =
        fixture.store.read(move |conn| conn.team(sample::TEAM).timeline().list(session, 0, 1)).await.unwrap();
    assert_eq!(stored[0].item, TimelineItem::Message(message));
}

async fn the_first_time_active_and_the_last_end_are_kept(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    walk(fixture, session, 10, Created, &[Connecting, Active, Processing, Active, Completed]).await;
    let ended = fixture.session(session).await;
    assert_eq!(ended.status, Completed);
    assert_eq!(ended.started_at, Some(sample::time(11)), "the first time");
    assert_eq!(ended.completed_at, Some(sample::time(14)));
    assert_eq!(ended.last_activity_at, sample::time(14));
    assert_eq!(ended.updated_at, sample::time(14));
}

async fn resuming_clears_the_end_and_the_error(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    walk(fixture, session, 10, Created, &[Connecting, Active]).await;
    let mut failing = sample::change(session, Guard::Anyone, vec![sample::moved(session, Active, Failed)]);
    failing.update.error_message = Some("it broke".into());
    fixture.apply(failing).await.unwrap();
    let failed = fixture.session(session).await;
    assert_eq!(failed.error_message.as_deref(), Some("it broke"));
    assert_eq!(failed.completed_at, Some(sample::time(2)));
    walk(fixture, session, 20, Failed, &[Connecting]).await;
    let resumed = fixture.session(session).await;
    assert_eq!((resumed.error_message, resumed.completed_at), (None, None));
    assert_eq!(resumed.started_at, Some(sample::time(11)));
}

async fn an_archived_session_ended_when_it_ended(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    walk(fixture, session, 10, Created, &[Connecting, Active, Completed, Archived]).await;
    let archived = fixture.session(session).await;
    assert_eq!((archived.status, archived.completed_at), (Archived, Some(sample::time(12))));
}

async fn a_transition_that_the_state_machine_does_not_have_is_refused_unless_forced(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let before = fixture.session(session).await;
    let refused = fixture.change(session, vec![sample::moved(session, Created, Active)]).await;
    let reason = Created.transition_to(Active).unwrap_err();
    assert_eq!(refused, Err(StoreError::Conflict { what: format!("session {session}: {reason}") }));
    assert_eq!(fixture.session(session).await, before);
    let forced = Transition { forced: true, ..sample::transition(session, Created, Active) };
    let written =
        fixture.change(session, vec![sample::created(TimelineItem::Transition(forced))]).await.unwrap();
    assert_eq!(fixture.session(session).await.status, Active);
    assert_eq!(fixture.timeline(session).await, written, "and it is on record that it was forced");
}

async fn only_the_first_transition_comes_from_nowhere(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let first = |to| {
        let beginning = Transition { from: None, to, ..sample::transition(session, Created, Created) };
        vec![sample::created(TimelineItem::Transition(beginning))]
    };
    let elsewhere = fixture.change(session, first(Active)).await;
    assert!(matches!(elsewhere, Err(StoreError::Conflict { .. })), "not as it stands: {elsewhere:?}");
    fixture.change(session, first(Created)).await.unwrap();
    let again = fixture.change(session, first(Created)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    assert_eq!(fixture.timeline(session).await.len(), 1);
}

async fn a_transition_from_another_status_is_a_conflict_and_changes_nothing(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let before = fixture.session(session).await;
    let items = vec![sample::created_message(session, "a"), sample::moved(session, Processing, Active)];
    let error = fixture.change(session, items).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    assert_eq!(fixture.session(session).await, before);
    assert_eq!(fixture.timeline(session).await, []);
}

async fn an_earlier_fence_is_refused_and_changes_nothing(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let first = fixture.acquire(session, 1, 60).await;
    let second = fixture.acquire(session, 1, 60).await;
    let before = fixture.session(session).await;
    let message = || vec![sample::created_message(session, "a")];
    let late = sample::change(session, Guard::Fence(first), message());
    assert_eq!(fixture.apply(late).await, Err(StoreError::Fenced));
    assert_eq!(fixture.session(session).await, before);
    assert_eq!(fixture.timeline(session).await, []);
    let timely = sample::change(session, Guard::Fence(second), message());
    assert_eq!(fixture.apply(timely).await.unwrap().len(), 1);
}

async fn anybody_may_give_a_command_to_a_session_that_somebody_owns(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    fixture.acquire(session, 1, 60).await;
    let command = sample::created(TimelineItem::Command(sample::command(session)));
    assert_eq!(fixture.change(session, vec![command]).await.unwrap().len(), 1);
    assert!(fixture.session(session).await.lease.is_some(), "the owner stays");
}

async fn totals_are_added_and_what_is_not_said_stays(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let added = SessionTotals {
        total_messages: 0,
        total_tool_calls: 0,
        total_hook_executions: 2,
        total_permission_checks: 3,
        total_errors: 4,
        total_retries: 5,
        usage: TokenUsage {
            input_tokens: 6,
            output_tokens: 7,
            cache_creation_tokens: 8,
            cache_read_tokens: 9,
        },
        cost: MicroUsd::from_micros(10),
        duration_ms: 11,
    };
    let update = SessionUpdate {
        added,
        external_id: Some("external".into()),
        model: Some("model".into()),
        permission_mode: Some(PermissionMode::Plan),
        reported_cost: Some(MicroUsd::from_micros(12)),
        working_directory: Some("/elsewhere".into()),
        result: Some(json!("done")),
        error_message: Some("odd".into()),
        release_lease: false,
    };
    let change = |update| SessionChange {
        session_id: session,
        guard: Guard::Anyone,
        at: sample::time(2),
        update,
        items: Vec::new(),
    };
    assert_eq!(fixture.apply(change(update)).await, Ok(Vec::new()));
    let said = fixture.session(session).await;
    assert_eq!(said.totals, added);
    let again = SessionUpdate { added, ..SessionUpdate::default() };
    assert_eq!(fixture.apply(change(again)).await, Ok(Vec::new()));
    let added_twice = fixture.session(session).await;
    assert_eq!(added_twice.totals.usage.total(), 60);
    assert_eq!(added_twice.totals.cost, MicroUsd::from_micros(20));
    assert_eq!(added_twice.totals.duration_ms, 22);
    assert_eq!((&said.external_id, &said.options.model), (&Some("external".into()), &Some("model".into())));
    assert_eq!(said.options.permission_mode, PermissionMode::Plan);
    assert_eq!((&said.result, said.reported_cost), (&Some(json!("done")), MicroUsd::from_micros(12)));
    assert_eq!(said.working_directory, "/elsewhere");
    let unsaid = domain::session::Session { totals: said.totals, ..added_twice };
    assert_eq!(unsaid, said);
}

async fn a_change_of_an_unknown_session_is_refused(fixture: &Fixture) {
    let session = SessionId::from_uuid(sample::uuid());
    let error = fixture.change(session, Vec::new()).await.unwrap_err();
    assert_eq!(error, StoreError::Missing { what: format!("session {session}") });
    let fenced = sample::change(session, Guard::Fence(0), Vec::new());
    assert_eq!(fixture.apply(fenced).await, Err(StoreError::Fenced));
}

async fn a_row_that_is_not_there_cannot_be_updated(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let rows =
        [TimelineItem::ToolCall(sample::tool_call(session)), TimelineItem::Command(sample::command(session))];
    for row in rows {
        let error = fixture.change(session, vec![(Change::Updated, row)]).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    }
    assert_eq!(fixture.timeline(session).await, []);
}

async fn an_agent_program_may_repeat_the_id_of_a_tool_use(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let call = sample::tool_call(session);
    let mut twin = sample::tool_call(session);
    twin.tool_use_id.clone_from(&call.tool_use_id);
    let items = [call, twin].map(TimelineItem::ToolCall).map(sample::created).to_vec();
    assert_eq!(fixture.change(session, items).await.unwrap().len(), 2);
    fixture.assert_whole().await;
}

async fn a_whole_message_is_never_replaced_or_removed(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let created = fixture.change(session, vec![sample::created_message(session, "a")]).await.unwrap();
    for change in [Change::Replaced, Change::Removed] {
        let error = fixture.change(session, vec![(change, created[0].item.clone())]).await.unwrap_err();
        assert!(matches!(error, StoreError::Other { .. } | StoreError::Conflict { .. }), "{error}");
    }
    assert_eq!(fixture.timeline(session).await, created);
}

async fn a_row_of_another_session_is_refused(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.insert_session().await);
    let call = sample::created(TimelineItem::ToolCall(sample::tool_call(other)));
    let created = fixture.change(other, vec![call]).await.unwrap();
    let TimelineItem::ToolCall(mut call) = created[0].item.clone() else { panic!("{created:?}") };
    for item in [sample::created_message(other, "a"), (Change::Updated, created[0].item.clone())] {
        let error = fixture.change(session, vec![item]).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
    }
    call.session_id = session;
    let error = fixture.change(session, vec![(Change::Updated, TimelineItem::ToolCall(call))]).await;
    assert!(matches!(error, Err(StoreError::Conflict { .. })), "{error:?}");
    assert_eq!(fixture.timeline(session).await, []);
    assert_eq!(fixture.timeline(other).await, created);
}

/// Moves through statuses, one a second.
async fn walk(fixture: &Fixture, id: SessionId, begin: i64, from: SessionStatus, to: &[SessionStatus]) {
    let mut from = from;
    for (seconds, &to) in (begin..).zip(to) {
        let mut change = sample::change(id, Guard::Anyone, vec![sample::moved(id, from, to)]);
        change.at = sample::time(seconds);
        fixture.apply(change).await.unwrap();
        from = to;
    }
}
