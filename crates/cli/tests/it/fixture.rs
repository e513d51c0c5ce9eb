//! A home of a test's own, and the real binary in it.

mod fake_agent;
mod filling;
mod process;
mod program;
mod running;
mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::TestDatabase;

pub(crate) use fake_agent::{GREETING, fake_agent};
pub(crate) use process::{Signal, send};
use program::BINARY;
pub(crate) use program::{Outcome, Provost};
pub(crate) use running::Running;
pub(crate) use terminal::OnTerminal;

/// Longer than anything here takes, even on a machine that is busy with something else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Makes of each `fn fact(home: &Home)` the tests `fact::sqlite` and `fact::postgres`.
macro_rules! on_both_databases {
    ($($fact:ident),+ $(,)?) => {$(
        mod $fact {
            #[test]
            fn sqlite() {
                super::$fact(&crate::fixture::Home::new());
            }

            #[test]
            fn postgres() {
                if let Some(home) = crate::fixture::Home::on_postgres() {
                    super::$fact(&home);
                }
            }
        }
    )+};
}

/// A home folder with a folder to work in, and a database. Nothing of the machine's own settings or logins is seen.
pub(crate) struct Home {
    folder: TempDir,
    database: Option<TestDatabase>,
    hook_server: Mutex<HookServer>,
}

/// Who judges events of sessions that Provost did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookServer {
    /// Each hook client by itself.
    Never,
    /// A server, where one runs; hook clients start one that stays for so many seconds.
    Stays(u32),
}

impl Home {
    /// With Provost's own SQLite file.
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    /// With a PostgreSQL database; `None` when tests without it were asked for.
    pub(crate) fn on_postgres() -> Option<Self> {
        TestDatabase::create().map(|database| Self::with(Some(database)))
    }

    fn with(database: Option<TestDatabase>) -> Self {
        let folder = TempDir::with_prefix("provost-cli-").expect("a temporary folder");
        for name in ["work", "tmp", "bin"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder, database, hook_server: Mutex::new(HookServer::Never) }
    }

    /// From now on, events are judged so.
    pub(crate) fn use_hook_server(&self, server: HookServer) {
        *self.hook_server.lock().expect("nothing panics with it") = server;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder commands are typed in and agents work in.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.path("work").join(name)
    }

    /// Where Provost keeps its things.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path(".local/share/provost").join(name)
    }

    /// Writes a file, with the folders it stands in.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new("/"))).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A command of the real binary, on this home's database.
    pub(crate) fn provost(&self, arguments: &[&str]) -> Provost {
        let provost = Provost::new(self, BINARY).args(arguments);
        match &self.database {
            Some(database) => provost.args(&["--database", database.url()]),
            None => provost,
        }
    }

    /// Says in a shell's command which database is meant, where it is not the home's own file.
    pub(crate) fn database_flag(&self) -> String {
        self.database.as_ref().map(|database| format!("--database '{}'", database.url())).unwrap_or_default()
    }

    /// What a person types into a shell here; `$provost` is the binary.
    pub(crate) fn shell(&self, script: &str) -> Provost {
        Provost::new(self, "sh").args(&["-c", script]).env("provost", BINARY)
    }

    /// `provost run` of a scripted agent that plays these turns, each a list of steps.
    pub(crate) fn play(&self, turns: &Value) -> Provost {
        let scenario = self.scenario(turns);
        self.provost(&["run", "go", "--runtime", "scripted", "--scenario", &scenario])
    }

    /// Writes a scenario file and gives its path.
    pub(crate) fn scenario(&self, turns: &Value) -> String {
        let turns = turns.as_array().expect("a list of turns").iter();
        let turns: Vec<_> = turns.map(|steps| json!({ "step": steps })).collect();
        let scenario = json!({ "turn": turns }).to_string();
        self.write("scenario.json", &scenario).display().to_string()
    }

    /// Goes on with the newest session, by the scenario written last.
    pub(crate) fn resume_last(&self) -> Provost {
        let scenario = self.path("scenario.json").display().to_string();
        self.provost(&["run", "go on", "--resume", "last", "--scenario", &scenario])
    }

    /// Brings the database into a state that Provost never leaves it in.
    pub(crate) fn execute(&self, statements: &str) {
        match &self.database {
            Some(database) => database.execute(statements),
            None => testkit::sqlite::execute(&self.data("provost.db"), statements),
        }
    }

    /// Brings the schema forward and puts a few rows into every table.
    pub(crate) fn fill(&self) {
        self.provost(&["db", "migrate"]).succeed();
        self.execute(&filling::statements(self.url()));
    }

    /// Where the PostgreSQL database is.
    pub(crate) fn url(&self) -> &str {
        self.database.as_ref().expect("a PostgreSQL database").url()
    }

    /// Ends every connection to a PostgreSQL database.
    pub(crate) fn cut_connections(&self) {
        self.database.as_ref().expect("a PostgreSQL database").cut_connections();
    }

    /// What a command that succeeds writes as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.provost(arguments).arg("--json").succeed().json()
    }

    /// All sessions, newest first.
    pub(crate) fn sessions(&self) -> Vec<Value> {
        let mut page = self.json(&["session", "list", "--limit", "1000"]);
        page["data"].as_array_mut().map(std::mem::take).expect("a list")
    }

    /// The newest session.
    pub(crate) fn last(&self) -> Value {
        self.json(&["session", "show", "last"])
    }

    /// Everything recorded in the newest session.
    pub(crate) fn timeline(&self) -> Vec<Value> {
        self.timeline_of("last")
    }

    pub(crate) fn timeline_of(&self, session: &str) -> Vec<Value> {
        let mut page = self.json(&["session", "timeline", session, "--limit", "10000"]);
        page["data"].as_array_mut().map(std::mem::take).expect("a list")
    }

    /// The tool calls of the newest session as they stand, in the order they were asked for.
    pub(crate) fn tool_calls(&self) -> Vec<Value> {
        let is_call = |entry: &Value| entry["kind"] == "tool_call" && entry["change"] == "created";
        self.timeline().into_iter().filter(is_call).map(|entry| entry["item"].clone()).collect()
    }

    /// The error message of the newest session, which must be in this status.
    pub(crate) fn error_of_last(&self, status: &str) -> String {
        let session = self.last();
        assert_eq!(session["status"], status, "{session:#}");
        session["error_message"].as_str().unwrap_or_default().to_owned()
    }

    /// Nothing started here runs any more, and everything stored is whole.
    pub(crate) fn assert_well(&self) {
        self.assert_no_process();
        self.provost(&["db", "check"]).succeed();
    }

    /// Every process of this home's is gone, tools of agents included.
    pub(crate) fn assert_no_process(&self) {
        let mut left = Vec::new();
        let is_empty = wait_until(|| {
            left = process::with_variable("HOME", self.folder.path());
            left.is_empty()
        });
        assert!(is_empty, "left running: {left:?}");
    }
}

impl Drop for Home {
    /// A failed test leaves nothing behind either.
    fn drop(&mut self) {
        process::kill_with_variable("HOME", self.folder.path());
    }
}

/// Whether it came true in time.
pub(crate) fn wait_until(mut is_true: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if is_true() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The numbers of entries, which must be 1..n.
pub(crate) fn assert_numbered_without_gaps(entries: &[Value]) {
    for (expected, entry) in (1_u64..).zip(entries) {
        assert_eq!(entry["sequence"], expected, "{entry:#}");
    }
}
