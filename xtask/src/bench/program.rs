//! The whole program, from start to end.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;

use super::{
    measure::Durations,
    report::{Figure, Report},
};

const RUNS: usize = 30;

/// Measures the `provost` that was built beside this program; `folder` has the file with ten thousand sessions.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let program = self::folder()?.join("provost");
    if !program.exists() {
        return report
            .skip("provost", &format!("there is no {}: cargo build --release first", program.display()));
    }
    let database = folder.join("filled.db");
    let database = database.to_str().context("a folder with a readable name")?;
    let list = ["session", "list", "--database", database];
    for (name, arguments, most) in [
        ("provost --version, p50", &["--version"][..], 10.0),
        ("provost session list of 10,000, p50", &list, 50.0),
    ] {
        let mut durations = Durations::default();
        for _ in 0..RUNS {
            durations.time(|| run(&program, arguments))?;
        }
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

/// Where this program was built, and `provost` with it.
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("this program is in a folder")?.to_owned())
}

fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "provost {arguments:?}: {said}");
    Ok(())
}
