//! The backlog at ten thousand and at a million tasks, beside the same statements by hand.

use std::time::{Duration, Instant};

use domain::{id::TaskId, task::Task};
use store::{ReadyFilter, StatusChange, Store, StoreError, TaskFilter};

use super::{
    backlog_fill::Size,
    backlog_raw::RawBacklog,
    measure::Durations,
    report::{Figure, Report},
    sample,
};

/// What is measured on.
pub(super) struct Backlog<'b> {
    /// `sqlite` or `postgres`.
    pub(super) database: &'static str,
    pub(super) store: &'b Store,
    pub(super) raw: RawBacklog,
    pub(super) size: Size,
    /// How long one figure is measured.
    pub(super) span: Duration,
}

impl Backlog<'_> {
    /// Measures everything; rows are added, so what is read is measured first.
    pub(super) async fn measure(&self, report: &mut Report) -> anyhow::Result<()> {
        self.find(report).await?;
        self.list(report).await?;
        self.ready(report).await?;
        self.change_status(report).await?;
        self.insert(report).await?;
        self.progress(report).await?;
        self.purge(report).await
    }

    async fn find(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let (begin, mut number) = (Instant::now(), 0);
        while begin.elapsed() < self.span {
            for _ in 0..50 {
                let key = Size::key(self.pick(number)).parse()?;
                let find = self.store.read(move |conn| conn.team(sample::TEAM).tasks().find_by_key(key));
                let found = ours.time_async(find).await?;
                anyhow::ensure!(found.is_some(), "a task that is not there: {key}");
                number += 1;
            }
            for _ in 0..50 {
                raw.time_async(self.raw.find(&Size::key(self.pick(number)))).await?;
                number += 1;
            }
        }
        self.compare(report, "get by key", &ours, &raw, 3.0)
    }

    async fn list(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let begin = Instant::now();
        while begin.elapsed() < self.span {
            let filter = TaskFilter {
                status: Some("todo".parse()?),
                agent_type: Some("coder".parse()?),
                ..TaskFilter::default()
            };
            let list = self.store.read(move |conn| conn.team(sample::TEAM).tasks().list(&filter, None, 50));
            let page = ours.time_async(list).await?;
            anyhow::ensure!(page.items.len() == 50, "a page of {}", page.items.len());
            raw.time_async(self.raw.list_50()).await?;
        }
        self.compare(report, "filtered list of 50", &ours, &raw, 1.3)
    }

    async fn ready(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut durations = Durations::default();
        let begin = Instant::now();
        while begin.elapsed() < self.span || durations.len() < 3 {
            let list = self.store.read(|conn| {
                conn.team(sample::TEAM).tasks().list_ready(&ReadyFilter::default(), sample::noon(), 10)
            });
            let ready = durations.time_async(list).await?;
            anyhow::ensure!(ready.len() == 10, "{} are ready", ready.len());
        }
        let milliseconds = durations.p50() / 1000.0;
        let is_judged = self.size.tasks == 10_000;
        report.add(&Figure {
            name: &self.name("first 10 of the ready queue, p50"),
            figure: format!("{milliseconds:.2} ms"),
            ratio: None,
            target: if is_judged { "≤ 3 ms (a tenth of beads)".into() } else { String::new() },
            is_met: is_judged.then_some(milliseconds <= 3.0),
        })
    }

    async fn change_status(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let (begin, mut number) = (Instant::now(), 0);
        while begin.elapsed() < self.span {
            for _ in 0..10 {
                let id = Size::id(Size::todo(self.pick(number)))?;
                ours.time_async(self.move_to(id, "in_progress")).await?;
                ours.time_async(self.move_to(id, "todo")).await?;
                number += 1;
            }
            for _ in 0..10 {
                let task = Size::todo(self.pick(number));
                raw.time_async(self.raw.change_status(task, "todo", "in_progress")).await?;
                raw.time_async(self.raw.change_status(task, "in_progress", "todo")).await?;
                number += 1;
            }
        }
        self.compare(report, "status change with history", &ours, &raw, 2.0)
    }

    async fn insert(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let begin = Instant::now();
        while begin.elapsed() < self.span {
            // Of its own, or the progress that is computed would be of more and more tasks.
            let Some(feature) = self.add_epic(1, 1).await?[0].feature_id else { continue };
            let tasks = sample::tasks(100)?;
            let insert = self.store.write(move |tx| {
                tx.team(sample::TEAM).tasks().insert_many(Some(feature), tasks, &sample::occasion())
            });
            let inserted: Vec<Task> = ours.time_async(insert).await?;
            raw.time_async(self.raw.insert(&inserted)).await?;
        }
        self.compare(report, "100 tasks at once", &ours, &raw, 1.5)
    }

    /// A change in an epic with fifty features, whose progress is computed from its thousand tasks.
    async fn progress(&self, report: &mut Report) -> anyhow::Result<()> {
        let tasks = self.add_epic(50, 20).await?;
        let mut durations = Durations::default();
        let begin = Instant::now();
        while begin.elapsed() < self.span {
            for to in ["in_progress", "todo"] {
                durations.time_async(self.move_to(tasks[tasks.len() / 2].id, to)).await?;
            }
        }
        self.tell(report, "status change in an epic of 50 features", &durations)
    }

    async fn purge(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut durations = Durations::default();
        for _ in 0..3 {
            let tasks = self.add_epic(100, 10).await?;
            let Some(epic) = tasks.first().and_then(|task| task.epic_id) else { continue };
            let maintenance = sample::maintenance();
            let purge = self.store.write(move |tx| {
                tx.team(sample::TEAM).epics().purge(epic, &maintenance, &sample::occasion())
            });
            durations.time_async(purge).await?;
        }
        self.tell(report, "purge of 100 features and 1,000 tasks", &durations)
    }

    pub(super) async fn add_epic(&self, features: usize, tasks: usize) -> anyhow::Result<Vec<Task>> {
        let epic = sample::epic()?;
        let id = epic.id;
        let features = (0..features).map(|_| sample::feature(id)).collect::<anyhow::Result<Vec<_>>>()?;
        let of_each = features.iter().map(|_| sample::tasks(tasks)).collect::<anyhow::Result<Vec<_>>>()?;
        let add = self.store.write(move |tx| {
            let team = tx.team(sample::TEAM);
            team.epics().insert(epic, sample::noon())?;
            let mut added = Vec::new();
            for (feature, tasks) in features.into_iter().zip(of_each) {
                let feature = team.features().insert(feature, sample::noon())?;
                added.extend(team.tasks().insert_many(Some(feature.id), tasks, &sample::occasion())?);
            }
            Ok::<_, StoreError>(added)
        });
        Ok(add.await?)
    }

    async fn move_to(&self, id: TaskId, to: &str) -> anyhow::Result<()> {
        let change =
            StatusChange { to: to.parse()?, reason: Some("measured".into()), forced: false, fence: None };
        let moved = self
            .store
            .write(move |tx| tx.team(sample::TEAM).tasks().change_status(id, &change, &sample::occasion()));
        Ok(moved.await.map(drop)?)
    }

    /// One of the tasks, another with each number.
    const fn pick(&self, number: u32) -> u32 {
        number.wrapping_mul(7919) % self.size.tasks
    }

    fn name(&self, what: &str) -> String {
        format!("{}, {}: {what}", self.database, self.size)
    }

    fn compare(
        &self,
        report: &mut Report,
        what: &str,
        ours: &Durations,
        raw: &Durations,
        most: f64,
    ) -> anyhow::Result<()> {
        let ratio = ours.p50() / raw.p50();
        report.add(&Figure {
            name: &self.name(&format!("{what}, p50")),
            figure: format!("{:.1} µs, raw {:.1} µs", ours.p50(), raw.p50()),
            ratio: Some(ratio),
            target: format!("≤ {most}×"),
            is_met: Some(ratio <= most),
        })
    }

    fn tell(&self, report: &mut Report, what: &str, durations: &Durations) -> anyhow::Result<()> {
        report.add(&Figure {
            name: &self.name(&format!("{what}, p50")),
            figure: format!("{:.2} ms", durations.p50() / 1000.0),
            ratio: None,
            target: String::new(),
            is_met: None,
        })
    }
}

/// What indexes cost those who write: a hundred tasks with their history, with all indexes and with the unique ones only.
pub(super) async fn index_price(
    raw: &RawBacklog,
    tasks: &[Task],
    drop_indexes: impl FnOnce() -> anyhow::Result<()>,
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let measure = async || {
        let mut durations = Durations::default();
        let begin = Instant::now();
        while begin.elapsed() < span {
            durations.time_async(raw.insert(tasks)).await?;
        }
        anyhow::Ok(durations)
    };
    let with = measure().await?;
    drop_indexes()?;
    let without = measure().await?;
    let price = (with.p50() / without.p50() - 1.0) * 100.0;
    report.add(&Figure {
        name: "sqlite: what indexes cost 100 tasks at once",
        figure: format!("{:.0} µs, without {:.0} µs", with.p50(), without.p50()),
        ratio: None,
        target: format!("{price:.0} % more"),
        is_met: None,
    })
}
