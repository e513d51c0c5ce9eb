//! `cargo xtask coverage`: which share of each crate's lines was run, from what `cargo llvm-cov report --json` wrote.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use serde_json::Value;

/// The least share of the lines of the crates that hold everything else up, in percent.
const FLOOR_OF_THE_BASE: f64 = 90.0;
/// The least share of the lines of every other crate, in percent.
const FLOOR: f64 = 80.0;

/// How many lines there are, and how many of them were run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Lines {
    all: u64,
    run: u64,
}

impl Lines {
    #[expect(clippy::cast_precision_loss, reason = "no crate has 2^52 lines")]
    fn percent(self) -> f64 {
        100.0 * self.run as f64 / self.all.max(1) as f64
    }
}

/// Prints a line per crate.
///
/// # Errors
/// When the report cannot be read, or when a crate has less than it must have.
pub(crate) fn run(report: &Path, workspace: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(report).with_context(|| format!("{}", report.display()))?;
    let crates = of_crates(&serde_json::from_str(&text)?, workspace)?;
    anyhow::ensure!(!crates.is_empty(), "{} names no file of this workspace", report.display());
    print(&crates);
    let low: Vec<_> = crates.iter().filter(|(name, lines)| lines.percent() < floor(name)).collect();
    anyhow::ensure!(low.is_empty(), "too few lines are run: {low:?}");
    Ok(())
}

fn floor(name: &str) -> f64 {
    if ["domain", "store"].contains(&name) { FLOOR_OF_THE_BASE } else { FLOOR }
}

/// Adds up the files of each crate; files outside of the workspace do not count.
fn of_crates(report: &Value, workspace: &Path) -> anyhow::Result<BTreeMap<String, Lines>> {
    let files = report["data"][0]["files"].as_array().context("the report lists no files")?;
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    for file in files {
        let name = file["filename"].as_str().context("a file without a name")?;
        let Ok(path) = Path::new(name).strip_prefix(workspace) else { continue };
        let path = path.strip_prefix("crates").unwrap_or(path);
        let Some(name) = path.iter().next() else { continue };
        let count = |what: &str| {
            let count = file["summary"]["lines"][what].as_u64();
            count.with_context(|| format!("{}: lines without {what}", path.display()))
        };
        let lines = crates.entry(name.to_string_lossy().into_owned()).or_default();
        lines.all += count("count")?;
        lines.run += count("covered")?;
    }
    Ok(crates)
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn print(crates: &BTreeMap<String, Lines>) {
    println!("{:10} {:>7} {:>7} {:>7}  at least", "crate", "lines", "run", "share");
    for (name, lines) in crates {
        println!("{name:10} {:7} {:7} {:6.1}%  {}%", lines.all, lines.run, lines.percent(), floor(name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(name: &str, count: u64, covered: u64) -> Value {
        json!({ "filename": name, "summary": { "lines": { "count": count, "covered": covered } } })
    }

    #[test]
    fn files_add_up_to_crates_and_strangers_do_not_count() {
        let files = [
            file("/w/crates/store/src/a.rs", 10, 9),
            file("/w/crates/store/src/b/c.rs", 30, 27),
            file("/w/xtask/src/main.rs", 4, 1),
            file("/elsewhere/crates/store/src/a.rs", 100, 0),
        ];
        let crates = of_crates(&json!({ "data": [{ "files": files }] }), Path::new("/w")).unwrap();
        let expected = [("store", Lines { all: 40, run: 36 }), ("xtask", Lines { all: 4, run: 1 })]
            .map(|(name, lines)| (name.to_owned(), lines));
        assert_eq!(crates, BTreeMap::from(expected));
        assert!((crates["store"].percent() - 90.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_report_that_is_none_and_a_crate_below_its_floor_are_errors() {
        let folder = tempfile::TempDir::new().unwrap();
        let report = folder.path().join("coverage.json");
        let judge = |files: Value| {
            fs::write(&report, files.to_string()).unwrap();
            run(&report, Path::new("/w")).map_err(|error| format!("{error:#}"))
        };
        let one = |name, covered| json!({ "data": [{ "files": [file(name, 100, covered)] }] });
        judge(one("/w/crates/store/src/a.rs", 90)).unwrap();
        judge(one("/w/crates/cli/src/a.rs", 80)).unwrap();
        assert!(judge(one("/w/crates/store/src/a.rs", 89)).unwrap_err().contains("store"));
        assert!(judge(one("/elsewhere/a.rs", 90)).unwrap_err().contains("no file of this workspace"));
        assert!(judge(json!({})).unwrap_err().contains("lists no files"));
    }
}
