//! How long it takes until a database can be used.

use std::path::Path;

use super::{
    measure::Durations,
    report::{Figure, Report},
    sqlite,
};

const RUNS: usize = 20;

/// Creates databases with the whole schema, and opens one that has it.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (mut created, mut opened) = (Durations::default(), Durations::default());
    for run in 0..RUNS {
        let path = folder.join(format!("new-{run}.db"));
        created.time(|| sqlite::open(&path))?;
        opened.time(|| sqlite::open(&path))?;
    }
    for (name, durations, most) in [
        ("sqlite: creating a database, p50", created, 100.0),
        ("sqlite: opening an existing one, p50", opened, 20.0),
    ] {
        let milliseconds = durations.p50() / 1000.0;
        report.add(&Figure {
            name,
            figure: format!("{milliseconds:.1} ms"),
            ratio: None,
            target: format!("< {most} ms"),
            is_met: Some(milliseconds < most),
        })?;
    }
    Ok(())
}
