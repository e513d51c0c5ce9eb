//! `cargo xtask …`: the chores of this repository that are programs rather than scripts.

mod bench;
mod coverage;
mod tidy;

use std::path::{Path, PathBuf};

use clap::Parser;

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Measures the store beside a raw database, built with --release.
    Bench(bench::Options),
    /// Prints which share of each crate's lines was run; `./test --coverage` makes the report.
    Coverage {
        /// What `cargo llvm-cov report --json` wrote.
        report: PathBuf,
    },
    /// Checks the rules of the architecture that no compiler checks; `cargo test` does so too.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::Bench(options) => bench::run(&options),
        Chore::Coverage { report } => coverage::run(&report, workspace_root()),
        Chore::Tidy => tidy::run(workspace_root()),
    }
}

/// The folder of the workspace's own `Cargo.toml`.
fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}
