//! The order of the ready queue: a score from 0 to 100 made of five parts.

use std::time::Duration;

use crate::{priority::Priority, task::TaskSource, time::Timestamp};

/// What the score of a task is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSignals {
    /// How pressing it is.
    pub priority: Priority,
    /// How many tasks wait for it.
    pub dependents: i64,
    /// When it must be done.
    pub deadline: Option<Timestamp>,
    /// How long it is thought to take.
    pub estimated_seconds: Option<i64>,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// Who came up with it.
    pub source: TaskSource,
}

/// The parts of a score, each 0 to 100, for people who ask why.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct TaskScore {
    /// 100 at priority 1, ten less with each step: weighs .30.
    pub priority: f64,
    /// 33.3 · log10(dependents + 1), at most 100: weighs .25.
    pub unblocking: f64,
    /// 50 without a deadline, 100 when it has passed, else 100 · e^(−t / (2 · estimate)): weighs .25.
    pub urgency: f64,
    /// Grows to 100 within [`TaskScore::LONGEST_WAIT`], so that nothing starves: weighs .15.
    pub waiting: f64,
    /// 100 from a person or another system, 50 from an agent: weighs .05.
    pub source: f64,
    /// The weighted sum.
    pub total: f64,
}

impl TaskScore {
    /// A task that waited this long gains nothing by waiting longer.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);
    /// The estimate of a task that has none.
    pub const DEFAULT_ESTIMATE: Duration = Duration::from_secs(8 * 3600);

    /// The score of a task at this time.
    #[must_use]
    pub fn of(signals: &TaskSignals, now: Timestamp) -> Self {
        let priority = 10.0 * f64::from(11 - signals.priority.get());
        let unblocking = unblocking(signals.dependents);
        let urgency = urgency(signals, now);
        let waited = now.since(signals.created_at).as_secs_f64();
        let waiting = (100.0 * waited / Self::LONGEST_WAIT.as_secs_f64()).min(100.0);
        let source = if signals.source == TaskSource::Agent { 50.0 } else { 100.0 };
        let total = 0.30 * priority + 0.25 * unblocking + 0.25 * urgency + 0.15 * waiting + 0.05 * source;
        Self { priority, unblocking, urgency, waiting, source, total }
    }
}

fn unblocking(dependents: i64) -> f64 {
    let dependents = f64::from(u32::try_from(dependents).unwrap_or(0));
    if dependents == 0.0 { 0.0 } else { (33.3 * (dependents + 1.0).log10()).min(100.0) }
}

fn urgency(signals: &TaskSignals, now: Timestamp) -> f64 {
    let Some(deadline) = signals.deadline else { return 50.0 };
    let left = deadline.since(now).as_secs_f64();
    let estimate = signals.estimated_seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let estimate = estimate.map_or(TaskScore::DEFAULT_ESTIMATE.as_secs_f64(), f64::from);
    100.0 * (-left / (2.0 * estimate.max(1.0))).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_767_225_600_000_000;

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW + seconds * 1_000_000)
    }

    fn plain() -> TaskSignals {
        TaskSignals {
            priority: Priority::DEFAULT,
            dependents: 0,
            deadline: None,
            estimated_seconds: None,
            created_at: after(0),
            source: TaskSource::Human,
        }
    }

    fn score(signals: TaskSignals) -> TaskScore {
        TaskScore::of(&signals, after(0))
    }

    #[test]
    fn the_parts_are_as_documented() {
        let plain = score(plain());
        assert_eq!((plain.priority, plain.unblocking, plain.urgency), (60.0, 0.0, 50.0));
        assert_eq!((plain.waiting, plain.source), (0.0, 100.0));
        assert!((plain.total - (18.0 + 12.5 + 5.0)).abs() < 1e-9);
    }

    #[test]
    fn a_deadline_presses_more_the_less_time_is_left() {
        let at = |seconds| {
            score(TaskSignals { deadline: Some(after(seconds)), estimated_seconds: Some(3600), ..plain() })
                .urgency
        };
        assert_eq!((at(-5), at(0)), (100.0, 100.0));
        assert!((at(7200) - 100.0 / std::f64::consts::E).abs() < 1e-9);
        assert!(at(100) > at(1000) && at(1000) > at(100_000));
    }

    #[test]
    fn many_dependents_and_long_waits_count_at_most_100() {
        assert!((score(TaskSignals { dependents: 9, ..plain() }).unblocking - 33.3).abs() < 1e-9);
        assert_eq!(score(TaskSignals { dependents: 100_000, ..plain() }).unblocking, 100.0);
        assert_eq!(score(TaskSignals { created_at: after(-90 * 86_400), ..plain() }).waiting, 100.0);
        assert_eq!(score(TaskSignals { created_at: after(-15 * 86_400), ..plain() }).waiting, 50.0);
    }

    proptest! {
        #[test]
        fn every_part_is_between_0_and_100(
            priority in 1_i64..=10, dependents in any::<i64>(), deadline in proptest::option::of(any::<i64>()),
            estimated_seconds in proptest::option::of(any::<i64>()), created_at in any::<i64>(), now in any::<i64>(),
        ) {
            let signals = TaskSignals {
                priority: priority.try_into().expect("priority"),
                dependents,
                deadline: deadline.map(Timestamp::from_micros),
                estimated_seconds,
                created_at: Timestamp::from_micros(created_at),
                source: TaskSource::Agent,
            };
            let TaskScore { priority, unblocking, urgency, waiting, source, total } =
                TaskScore::of(&signals, Timestamp::from_micros(now));
            for part in [priority, unblocking, urgency, waiting, source, total] {
                prop_assert!((0.0..=100.0).contains(&part), "{part}");
            }
        }
    }
}
