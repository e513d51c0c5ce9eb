//! The environment variables through which `./test` tells the tests what it set up.

use std::ffi::OsString;

/// URL of a PostgreSQL superuser on a server that tests may create databases on.
pub(crate) const POSTGRES: &str = "PROVOST_TEST_POSTGRES";

/// Folder with `initdb` and `pg_ctl`, for tests that start a server of their own.
pub(crate) const POSTGRES_BIN: &str = "PROVOST_TEST_POSTGRES_BIN";

/// Set to `1` by someone who wants the tests to run without PostgreSQL.
pub(crate) const SKIP_POSTGRES: &str = "PROVOST_TEST_SKIP_POSTGRES";

/// Path of the real agent CLI; set by `./test --full`.
pub(crate) const AGENT_CLI: &str = "PROVOST_TEST_AGENT_CLI";

/// Set to `1` by `./test --full`: faults may take their full size and time.
const TORTURE: &str = "PROVOST_TEST_TORTURE";

/// Whether tests of faults are to do their worst, and not only what is quick.
#[must_use]
pub fn is_torture() -> bool {
    read(TORTURE).is_some()
}

/// Where a program that counts its executed lines leaves the counts; set by `./test --coverage`.
const COVERAGE: &str = "LLVM_PROFILE_FILE";

/// What the program under test must be told so that its lines count too.
#[must_use]
pub fn coverage_variable() -> Option<(&'static str, OsString)> {
    read(COVERAGE).map(|pattern| (COVERAGE, pattern))
}

/// The variable's value; one that is set to nothing counts as unset.
#[expect(clippy::disallowed_methods, reason = "this crate is the tests' link to what `./test` exported")]
pub(crate) fn read(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Says on the test's output that it did nothing, in the words `./test` and people look for.
#[expect(clippy::print_stdout, reason = "a test that does nothing must say so")]
pub(crate) fn print_skipped(why: &str) {
    println!("SKIPPED ({why})");
}
