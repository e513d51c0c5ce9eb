//! Whatever is changed in whatever order, numbers have no gaps and counters say what the rows say.

use domain::{
    id::SessionId,
    message::Message,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! { random_changes_keep_numbers_and_counters }

const SESSIONS: usize = 12;

/// What one change does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Many messages at once.
    Say(usize),
    /// A message and the tool calls that it asks for.
    Call(usize),
    /// All open tool calls get their results.
    Finish,
    /// A message begins, or what was said of it so far is replaced; at the end it is whole.
    Stream { is_whole: bool },
    /// A person says what they think of the last message.
    Rate,
    /// A change whose last row is refused.
    Break(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..25).prop_map(Step::Say),
        (0_usize..4).prop_map(Step::Call),
        Just(Step::Finish),
        any::<bool>().prop_map(|is_whole| Step::Stream { is_whole }),
        Just(Step::Rate),
        (0_usize..3).prop_map(Step::Break),
    ]
}

/// What a session should hold.
#[derive(Debug, Default)]
struct Expected {
    changes: Vec<Change>,
    messages: i64,
    calls: i64,
    open: Vec<ToolCall>,
    partial: Option<Message>,
    last: Option<Message>,
}

async fn random_changes_keep_numbers_and_counters(fixture: &Fixture) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..SESSIONS {
        let steps = prop::collection::vec(step(), 1..15).new_tree(&mut runner).unwrap().current();
        let session = fixture.insert_session().await;
        let mut expected = Expected::default();
        for step in &steps {
            take(fixture, session, *step, &mut expected).await;
        }
        let timeline = fixture.timeline(session).await;
        assert!(
            timeline.iter().map(|entry| entry.sequence).eq((1..).take(expected.changes.len())),
            "{steps:?}"
        );
        assert!(timeline.iter().map(|entry| entry.change).eq(expected.changes.iter().copied()), "{steps:?}");
        let stored = fixture.session(session).await;
        let counted = (stored.totals.total_messages, stored.totals.total_tool_calls);
        assert_eq!(counted, (expected.messages, expected.calls), "{steps:?}");
    }
    fixture.assert_whole().await;
}

async fn take(fixture: &Fixture, session: SessionId, step: Step, expected: &mut Expected) {
    let items = match step {
        Step::Say(count) => (0..count).map(|_| sample::created_message(session, "said")).collect(),
        Step::Call(count) => {
            let calls =
                (0..count).map(|_| sample::created(TimelineItem::ToolCall(sample::tool_call(session))));
            std::iter::once(sample::created_message(session, "asked")).chain(calls).collect()
        }
        Step::Finish => {
            let finished = expected.open.drain(..).map(|call| {
                let call = ToolCall { status: ToolCallStatus::Success, ..call };
                (Change::Updated, TimelineItem::ToolCall(call))
            });
            finished.collect()
        }
        Step::Stream { is_whole } => vec![stream(session, is_whole, expected.partial.as_ref())],
        Step::Rate => {
            let Some(message) = expected.last.clone() else { return };
            vec![(Change::Updated, TimelineItem::Message(message))]
        }
        Step::Break(count) => {
            let mut items: Vec<_> = (0..count).map(|_| sample::created_message(session, "lost")).collect();
            items.push((Change::Updated, TimelineItem::ToolCall(sample::tool_call(session))));
            let refused = fixture.change(session, items).await.unwrap_err();
            assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
            return;
        }
    };
    for entry in fixture.change(session, items).await.unwrap() {
        note(entry, expected);
    }
}

fn stream(session: SessionId, is_whole: bool, partial: Option<&Message>) -> sample::Item {
    match partial {
        None => sample::created(TimelineItem::Message(Message {
            is_partial: !is_whole,
            ..sample::message(session, "so far")
        })),
        Some(partial) => {
            let message = Message { is_partial: !is_whole, ..partial.clone() };
            (Change::Replaced, TimelineItem::Message(message))
        }
    }
}

fn note(entry: TimelineEntry, expected: &mut Expected) {
    expected.changes.push(entry.change);
    let is_new = entry.change == Change::Created;
    match entry.item {
        TimelineItem::Message(message) => {
            expected.messages += i64::from(is_new);
            if is_new || entry.change == Change::Replaced {
                let is_streamed = expected.partial.as_ref().is_some_and(|partial| partial.id == message.id);
                if message.is_partial {
                    expected.partial = Some(message.clone());
                } else if is_streamed {
                    expected.partial = None;
                }
            }
            expected.last = Some(message);
        }
        TimelineItem::ToolCall(call) if is_new => {
            expected.calls += 1;
            expected.open.push(call);
        }
        _ => {}
    }
}
