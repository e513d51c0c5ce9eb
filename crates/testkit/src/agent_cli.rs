//! Finds the real agent CLI, for the tests named `real_cli_…` that `./test --full` runs.

use std::path::PathBuf;

use crate::environment;

/// Where the real agent CLI is, or `None` after printing `SKIPPED (…)`, when `PROVOST_TEST_AGENT_CLI` is unset.
///
/// # Panics
/// When the variable names no file: a test must not pass because of a typing error.
pub fn find() -> Option<PathBuf> {
    let Some(path) = environment::read(environment::AGENT_CLI).map(PathBuf::from) else {
        environment::print_skipped("PROVOST_TEST_AGENT_CLI is not set; ./test --full sets it");
        return None;
    };
    assert!(path.is_file(), "{} names no file: {}", environment::AGENT_CLI, path.display());
    Some(path)
}
