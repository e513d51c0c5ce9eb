//! Durations, and what they say taken together.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

/// Durations of one operation, repeated.
#[derive(Debug, Default)]
pub(super) struct Durations(Vec<Duration>);

impl Durations {
    /// Times one run of an operation.
    pub(super) fn time<T>(&mut self, operation: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let value = operation();
        self.0.push(begin.elapsed());
        value
    }

    /// Times one run of an operation that waits.
    pub(super) async fn time_async<T>(&mut self, operation: impl Future<Output = T>) -> T {
        let begin = Instant::now();
        let value = operation.await;
        self.0.push(begin.elapsed());
        value
    }

    /// Counts one that somebody else timed.
    pub(super) fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// Takes over what another counted.
    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The middle one, in microseconds.
    pub(super) fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// Ninety-nine of a hundred are not longer, in microseconds.
    pub(super) fn p99(&self) -> f64 {
        self.percentile(99)
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1e6)
    }
}

/// A file that is written in place and synchronised, as a write-ahead log in use is.
#[derive(Debug)]
pub(super) struct SyncedFile(File);

impl SyncedFile {
    const PAGES: &[u8] = &[7; 3 * 4096];

    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        let file = File::create(folder.join("fsync"))?;
        file.write_all_at(Self::PAGES, 0)?;
        file.sync_all()?;
        Ok(Self(file))
    }

    /// Writes a few pages and waits until they are on the disk.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.0.write_all_at(Self::PAGES, 0)?;
        self.0.sync_all()
    }
}

/// Repeats an operation for a span of time, and says how often it ran in a second.
pub(super) fn rate<E>(span: Duration, mut operation: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let begin = Instant::now();
    let mut count = 0_u32;
    while begin.elapsed() < span {
        operation()?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}
