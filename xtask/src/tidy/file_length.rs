//! A file holds one idea.

use super::violation::Violation;
use super::workspace::Workspace;

/// The most lines that a file may have outside its tests.
const LIMIT: usize = 600;

/// No file has more than 600 lines that are no tests.
pub(crate) fn files_stay_readable(workspace: &Workspace) -> Vec<Violation> {
    let sources = workspace.sources.iter().map(|source| (source, source.production_lines()));
    sources
        .filter(|(_, lines)| *lines > LIMIT)
        .map(|(source, lines)| {
            let wrong = format!("{lines} lines outside tests, {LIMIT} are the limit");
            Violation::new(&source.path, LIMIT, wrong, "split it by idea, one file per operation")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let found = |text: &str| files_stay_readable(&Workspace::of(&[("crates/app/src/a.rs", text)])).len();
        let lines = "const A: u8 = 1;\n".repeat(LIMIT);
        assert_eq!(found(&lines), 0);
        assert_eq!(found(&format!("{lines}const B: u8 = 2;\n")), 1);
        assert_eq!(found(&format!("{lines}#[cfg(test)]\nmod tests {{\n{lines}}}\n")), 0);
    }
}
