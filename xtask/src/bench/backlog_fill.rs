//! A backlog of any size, written by the database itself: epics of ten features of twenty tasks.

use std::fmt;

use anyhow::Context as _;
use domain::id::TaskId;

const TASKS_OF_FEATURE: u32 = 20;
const FEATURES_OF_EPIC: u32 = 10;
const TASKS_OF_EPIC: u32 = TASKS_OF_FEATURE * FEATURES_OF_EPIC;

/// How many tasks, a multiple of 200. Of ten, six are to do, one is under way, one is blocked and two are done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) tasks: u32,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tasks >= 1_000_000 {
            write!(f, "{} M tasks", self.tasks / 1_000_000)
        } else {
            write!(f, "{} k tasks", self.tasks / 1000)
        }
    }
}

/// Which database writes the rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// A table of the numbers `n` from 0.
    fn numbers(self, count: u32) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count}) \
                 SELECT n FROM numbers)"
            ),
            Self::Postgres => format!("generate_series(0, {count} - 1) AS numbers (n)"),
        }
    }

    /// An id made of a number.
    fn id(self, kind: &str, number: &str) -> String {
        match self {
            Self::Sqlite => format!("printf('01890000-{kind}-7000-8000-%012x', {number})"),
            Self::Postgres => {
                format!("('01890000-{kind}-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid")
            }
        }
    }

    /// A number of at least so many digits.
    fn padded(self, digits: usize, number: &str) -> String {
        match self {
            Self::Sqlite => format!("printf('%0{digits}d', {number})"),
            Self::Postgres => {
                format!("lpad(({number})::text, greatest({digits}, length(({number})::text)), '0')")
            }
        }
    }
}

impl Size {
    /// The key of the task of this number, from 0.
    pub(super) fn key(task: u32) -> String {
        let (feature, epic) = (task / TASKS_OF_FEATURE, task / TASKS_OF_EPIC);
        format!(
            "T-E{:02}-F{:02}-{:03}",
            epic + 1,
            feature % FEATURES_OF_EPIC + 1,
            task % TASKS_OF_FEATURE + 1
        )
    }

    /// The id of the task of this number.
    pub(super) fn id(task: u32) -> anyhow::Result<TaskId> {
        id("0003", task).parse().context("an id")
    }

    /// The id of the feature of this number.
    pub(super) fn feature_id(feature: u32) -> String {
        id("0002", feature)
    }

    /// The id of the epic of this number.
    pub(super) fn epic_id(epic: u32) -> String {
        id("0001", epic)
    }

    /// The id of the feature that this task is of.
    pub(super) fn feature_of(task: u32) -> String {
        Self::feature_id(task / TASKS_OF_FEATURE)
    }

    /// The id of the epic that this task is of.
    pub(super) fn epic_of(task: u32) -> String {
        Self::epic_id(task / TASKS_OF_EPIC)
    }

    /// A task to do near this one.
    pub(super) const fn todo(task: u32) -> u32 {
        task / 10 * 10 + task % 6
    }

    /// The statements that write it below the team of [`super::sample::TEAM`].
    pub(super) fn fill(self, dialect: Dialect) -> String {
        let team = super::sample::TEAM;
        let (epics, features) = (self.tasks / TASKS_OF_EPIC, self.tasks / TASKS_OF_FEATURE);
        let numbers = |count| dialect.numbers(count);
        let id = |kind, number| dialect.id(kind, number);
        let two = |number| dialect.padded(2, number);
        let (epic_number, feature_number) = (two("n + 1"), two("n % 10 + 1"));
        let (feature_epic, task_epic, task_feature) =
            (two("n / 10 + 1"), two("n / 200 + 1"), two("n / 20 % 10 + 1"));
        let task_number = dialect.padded(3, "n % 20 + 1");
        let (flag, at) = match dialect {
            Dialect::Sqlite => ("0", "1767225600000000 + n"),
            Dialect::Postgres => ("false", "'2026-01-01Z'::timestamptz + n * interval '1 microsecond'"),
        };
        format!(
            "INSERT INTO epics (id, team_id, key, title, description, status, is_status_overridden, priority, created_at, updated_at)
             SELECT {epic}, '{team}', 'E' || {epic_number}, 'An epic', '', 'active', {flag}, 'medium', {at}, {at} FROM {all_epics};
             INSERT INTO features (id, team_id, epic_id, key, title, description, status, is_status_overridden, created_at, updated_at)
             SELECT {feature}, '{team}', {of_epic}, 'E' || {feature_epic} || '-F' || {feature_number}, 'A feature', '', 'active',
                 {flag}, {at}, {at} FROM {all_features};
             INSERT INTO tasks (id, team_id, epic_id, feature_id, key, title, description, status, agent_type, priority, source,
                 max_retries, created_at, updated_at)
             SELECT {task}, '{team}', {task_of_epic}, {task_of_feature},
                 'T-E' || {task_epic} || '-F' || {task_feature} || '-' || {task_number},
                 'Make the failing test pass and say why it failed',
                 'The loop ends one step too early when the bound is even; see the log of the last run.',
                 CASE WHEN n % 10 < 6 THEN 'todo' WHEN n % 10 = 6 THEN 'in_progress' WHEN n % 10 = 7 THEN 'blocked' ELSE 'completed' END,
                 CASE n % 3 WHEN 0 THEN 'coder' WHEN 1 THEN 'reviewer' ELSE 'tester' END, n % 7 + 1, 'agent', 3, {at}, {at}
             FROM {all_tasks};
             INSERT INTO key_counters (team_id, scope, next) VALUES ('{team}', 'epics', {epics} + 1);
             INSERT INTO key_counters (team_id, scope, next) SELECT team_id, 'features of ' || key, 11 FROM epics;
             INSERT INTO key_counters (team_id, scope, next) SELECT team_id, 'tasks of ' || key, 21 FROM features;",
            epic = id("0001", "n"),
            feature = id("0002", "n"),
            task = id("0003", "n"),
            of_epic = id("0001", "n / 10"),
            task_of_epic = id("0001", "n / 200"),
            task_of_feature = id("0002", "n / 20"),
            all_epics = numbers(epics),
            all_features = numbers(features),
            all_tasks = numbers(self.tasks),
        )
    }
}

fn id(kind: &str, number: u32) -> String {
    format!("01890000-{kind}-7000-8000-{number:012x}")
}
