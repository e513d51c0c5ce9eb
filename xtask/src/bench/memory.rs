//! What an idle store occupies.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::{
    report::{Figure, Report},
    sqlite,
};

const MOST_MEGABYTES: f64 = 20.0;

/// Opens a store, reads and writes once, and looks at the whole process.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let before = resident_megabytes("self")?;
    let store = sqlite::open(&folder.join("idle.db"))?;
    let team = super::sample::team()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        store.write(move |tx| tx.teams().insert_if_absent(&team)).await?;
        store.read(|conn| conn.leases().list()).await?;
        store.scan(|conn| conn.leases().list()).await
    })?;
    let after = resident_megabytes("self")?;
    report.add(&Figure {
        name: "idle store, resident in the whole process",
        figure: format!("{after:.1} MB, {before:.1} MB before"),
        ratio: None,
        target: format!("< {MOST_MEGABYTES} MB"),
        is_met: Some(after < MOST_MEGABYTES),
    })
}

/// What a process occupies, by its number.
pub(super) fn resident_megabytes(process: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kilobytes.context("no VmRSS in /proc/…/status")? / 1024.0)
}
