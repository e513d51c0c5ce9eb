//! Real PostgreSQL for tests: a database of its own on the shared server, or a server of its own.
//!
//! `./test` starts the shared server and exports where it is. A test that finds no server fails; only
//! `PROVOST_TEST_SKIP_POSTGRES=1` turns that into a test that says `SKIPPED` and does nothing.

mod private_server;
mod sql;
mod test_database;
mod url;

use std::ffi::OsString;

use crate::environment;

pub use private_server::PrivateServer;
pub use test_database::TestDatabase;

/// What `variable` says, or `None` when someone asked for tests without PostgreSQL.
///
/// # Panics
/// When neither is set: a test that silently did nothing would look like one that passed.
fn setting_or_skip(variable: &str) -> Option<OsString> {
    if environment::read(environment::SKIP_POSTGRES).is_some_and(|value| value == "1") {
        environment::print_skipped("PROVOST_TEST_SKIP_POSTGRES is set");
        return None;
    }
    let setting = environment::read(variable);
    assert!(
        setting.is_some(),
        "{variable} is not set: run the tests by ./test, which starts a PostgreSQL, \
         or set {}=1 to do without",
        environment::SKIP_POSTGRES
    );
    setting
}
