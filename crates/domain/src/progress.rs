//! How far work is: the mean of its tasks' weights, and the status that follows from it.

use crate::{
    epic::WorkStatus,
    workflow::{StatusKind, TaskStatus, WorkflowDefinition},
};

/// How far a feature or an epic is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// 0 to 100; 0 when there is nothing to do.
    pub percent: f64,
    /// The status that follows.
    pub status: WorkStatus,
}

impl Progress {
    /// Of what has no tasks.
    pub const NONE: Self = Self { percent: 0.0, status: WorkStatus::Draft };

    /// From how many tasks are in each status. Each counts its status' weight; archived tasks do not count. While all are in
    /// the initial status it is a draft, when all are done it is completed.
    pub fn of<'s>(
        tasks: impl IntoIterator<Item = (&'s TaskStatus, u32)>,
        workflow: &WorkflowDefinition,
    ) -> Self {
        let (mut all, mut begun, mut done, mut weight) = (0_u32, 0_u32, 0_u32, 0.0);
        for (status, count) in tasks {
            let kind = workflow.kind(status);
            if kind == Some(StatusKind::Archived) {
                continue;
            }
            all += count;
            weight += workflow.weight(status) * f64::from(count);
            begun += if status == workflow.initial() { 0 } else { count };
            done += if kind == Some(StatusKind::Done) { count } else { 0 };
        }
        if all == 0 {
            return Self::NONE;
        }
        let status = match (begun, done) {
            (0, _) => WorkStatus::Draft,
            (_, done) if done == all => WorkStatus::Completed,
            _ => WorkStatus::Active,
        };
        Self { percent: (100.0 * weight / f64::from(all)).clamp(0.0, 100.0), status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(counts: &[(&str, u32)]) -> Progress {
        let counts: Vec<(TaskStatus, u32)> =
            counts.iter().map(|(status, count)| (status.parse().expect("status"), *count)).collect();
        Progress::of(counts.iter().map(|(status, count)| (status, *count)), WorkflowDefinition::built_in())
    }

    #[test]
    fn progress_is_the_mean_weight() {
        assert_eq!(of(&[]), Progress::NONE);
        assert_eq!(of(&[("archived", 3)]), Progress::NONE);
        assert_eq!(of(&[("todo", 2)]), Progress::NONE);
        let all_stages = of(&[
            ("completed", 1),
            ("ready_for_review", 1),
            ("in_progress", 1),
            ("todo", 1),
            ("archived", 9),
        ]);
        assert_eq!(all_stages, Progress { percent: 56.25, status: WorkStatus::Active });
        assert_eq!(
            of(&[("completed", 7), ("archived", 1)]),
            Progress { percent: 100.0, status: WorkStatus::Completed }
        );
        assert_eq!(of(&[("blocked", 1)]), Progress { percent: 0.0, status: WorkStatus::Active });
    }

    proptest! {
        #[test]
        fn progress_stays_within_its_bounds(counts in proptest::collection::vec(0_u32..1000, 6)) {
            let workflow = WorkflowDefinition::built_in();
            let tasks: Vec<_> = workflow.statuses().iter().map(|rule| &rule.name).zip(counts).collect();
            let Progress { percent, status } = Progress::of(tasks, workflow);
            prop_assert!((0.0..=100.0).contains(&percent));
            prop_assert!(status != WorkStatus::Completed || (percent - 100.0).abs() < f64::EPSILON);
            prop_assert!(status != WorkStatus::Draft || percent == 0.0);
        }
    }
}
