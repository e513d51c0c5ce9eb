//! Whatever is done in whatever order, the record stays whole.

use domain::{
    approval::ApprovalVerdict,
    id::SessionId,
    permission::Decision,
    timeline::{Change, TimelineEntry, TimelineItem},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::{
    fixture::{Fixture, Place, block_on},
    governance, sample,
};

/// A row of a change: what to do, and with which of the earlier rows.
#[derive(Debug, Clone)]
enum Step {
    Message(String),
    ToolCall,
    Command,
    HookExecution,
    Decision,
    Approval,
    UpdateToolCall(prop::sample::Index),
    UpdateCommand(prop::sample::Index),
    /// Fails when it was answered before.
    Answer(prop::sample::Index),
    /// Fails, and so undoes the change it is in.
    UpdateNothing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        ".{0,20}".prop_map(Step::Message),
        Just(Step::ToolCall),
        Just(Step::Command),
        Just(Step::HookExecution),
        Just(Step::Decision),
        Just(Step::Approval),
        any::<prop::sample::Index>().prop_map(Step::UpdateToolCall),
        any::<prop::sample::Index>().prop_map(Step::UpdateCommand),
        any::<prop::sample::Index>().prop_map(Step::Answer),
        Just(Step::UpdateNothing),
    ]
}

#[test]
fn any_sequence_of_changes_leaves_a_whole_record_on_sqlite() {
    assert_whole_after_anything(Place::on_sqlite());
}

#[test]
fn any_sequence_of_changes_leaves_a_whole_record_on_postgres() {
    if let Some(place) = Place::on_postgres() {
        assert_whole_after_anything(place);
    }
}

fn assert_whole_after_anything(place: Place) {
    let fixture = block_on(Fixture::create(place));
    let changes = prop::collection::vec(prop::collection::vec(step(), 0..4), 0..12);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(24) });
    let outcome = runner.run(&changes, |changes| {
        block_on(async {
            let session = fixture.insert_session().await;
            let mut expected: Vec<TimelineEntry> = Vec::new();
            for steps in changes {
                let items = steps.into_iter().map(|step| item(session, step, &expected)).collect();
                // A failed change leaves no trace.
                expected.extend(fixture.change(session, items).await.unwrap_or_default());
            }
            let timeline = fixture.timeline(session).await;
            let key = |entry: &TimelineEntry| (entry.sequence, entry.change, *entry.item.row_id());
            prop_assert_eq!(
                timeline.iter().map(key).collect::<Vec<_>>(),
                expected.iter().map(key).collect::<Vec<_>>()
            );
            let numbers: Vec<_> = timeline.iter().map(|entry| entry.sequence).collect();
            prop_assert_eq!(&numbers, &(1..).take(numbers.len()).collect::<Vec<_>>());
            Ok(())
        })
    });
    outcome.unwrap();
    block_on(fixture.assert_whole());
}

fn item(session: SessionId, step: Step, earlier: &[TimelineEntry]) -> sample::Item {
    let pick = |index: prop::sample::Index, is_wanted: fn(&TimelineItem) -> bool| {
        let rows: Vec<_> = earlier.iter().map(|entry| &entry.item).filter(|item| is_wanted(item)).collect();
        if rows.is_empty() { None } else { Some((Change::Updated, (*index.get(&rows)).clone())) }
    };
    let nothing = || (Change::Updated, TimelineItem::ToolCall(sample::tool_call(session)));
    match step {
        Step::Message(text) => sample::created_message(session, &text),
        Step::ToolCall => sample::created(TimelineItem::ToolCall(sample::tool_call(session))),
        Step::Command => sample::created(TimelineItem::Command(sample::command(session))),
        Step::HookExecution => governance::ran(governance::hook_execution(session, "guard")),
        Step::Decision => governance::decided(governance::decision(session, Decision::Ask)),
        Step::Approval => governance::asked(governance::approval(session)),
        Step::Answer(index) => match pick(index, |item| matches!(item, TimelineItem::Approval(_))) {
            Some((change, TimelineItem::Approval(approval))) => {
                let answer = governance::answer(ApprovalVerdict::Denied, sample::time(2));
                let answered = approval.clone().answered(answer).unwrap_or(approval);
                (change, TimelineItem::Approval(answered))
            }
            _ => nothing(),
        },
        Step::UpdateToolCall(index) => {
            pick(index, |item| matches!(item, TimelineItem::ToolCall(_))).unwrap_or_else(nothing)
        }
        Step::UpdateCommand(index) => {
            pick(index, |item| matches!(item, TimelineItem::Command(_))).unwrap_or_else(nothing)
        }
        Step::UpdateNothing => nothing(),
    }
}
