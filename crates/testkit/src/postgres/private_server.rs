//! A PostgreSQL server of the test's own, to be stopped and started at will.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::setting_or_skip;
use crate::environment;

/// The user and group that run the server when the tests run as root, whom PostgreSQL refuses to serve.
const UNPRIVILEGED: u32 = 65534;

/// Between asking for a free port and using it another program may take it.
const PORTS_TRIED: usize = 5;

/// A server with an empty data folder of its own; dropping it stops it and removes the folder.
#[derive(Debug)]
pub struct PrivateServer {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    is_running: bool,
}

impl PrivateServer {
    /// Starts a new server, or gives `None` after printing `SKIPPED (…)` when `PROVOST_TEST_SKIP_POSTGRES=1`.
    ///
    /// # Panics
    /// When `PROVOST_TEST_POSTGRES_BIN` names no PostgreSQL, or the server does not start.
    pub fn start() -> Option<Self> {
        let programs = PathBuf::from(setting_or_skip(environment::POSTGRES_BIN)?);
        let folder = TempDir::with_prefix("provost-postgres-").expect("a temporary folder");
        if is_root() {
            chown(folder.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED))
                .expect("root may give a folder away");
        }
        let mut server = Self { programs, folder, port: 0, is_running: false };
        server.create_data();
        server.start_on_a_free_port();
        Some(server)
    }

    /// Where the server is, as its superuser reaches it; the same for its whole life, stops included.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops the server as a crash would: connections are cut and nothing is finished. Does nothing when it is
    /// stopped already.
    ///
    /// # Panics
    /// When the server cannot be stopped.
    pub fn stop(&mut self) {
        if self.is_running {
            self.run("pg_ctl", &["stop", "-m", "immediate"])
                .unwrap_or_else(|output| panic!("PostgreSQL did not stop:\n{output}"));
            self.is_running = false;
        }
    }

    /// Where it listens while it runs.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts the stopped server on the same port and data; returns when it accepts connections. Does nothing
    /// when it is running already.
    ///
    /// # Panics
    /// When the server does not start.
    pub fn start_again(&mut self) {
        if !self.is_running {
            self.launch().unwrap_or_else(|output| panic!("PostgreSQL did not start again:\n{output}"));
        }
    }

    fn create_data(&self) {
        let options =
            ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"];
        self.run("initdb", &options).unwrap_or_else(|output| panic!("initdb failed:\n{output}"));
    }

    fn start_on_a_free_port(&mut self) {
        for tries_left in (0..PORTS_TRIED).rev() {
            self.port = free_port();
            match self.launch() {
                Ok(()) => return,
                Err(output) => assert!(tries_left > 0, "PostgreSQL did not start:\n{output}"),
            }
        }
    }

    fn launch(&mut self) -> Result<(), String> {
        let options =
            format!("-p {} -k '{}' -c listen_addresses=127.0.0.1", self.port, self.folder().display());
        self.run("pg_ctl", &["start", "-w", "-o", &options])?;
        self.is_running = true;
        Ok(())
    }

    /// Runs one of PostgreSQL's programs on the data folder, as the user who owns it. An error is what was printed.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        // The server keeps the output that pg_ctl had: a pipe would stay open for as long as the server runs.
        let path = self.folder().join("output");
        let output = File::create(&path).expect("a file in the server's folder");
        let errors = output.try_clone().expect("a second handle of the file");
        let status = self
            .command(program)
            .arg("-D")
            .arg(self.folder().join("data"))
            .args(arguments)
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .status()
            .map_err(|error| format!("{program} does not run: {error}"))?;
        if status.success() { Ok(()) } else { Err(fs::read_to_string(path).unwrap_or_default()) }
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        if !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={UNPRIVILEGED}")).arg(format!("--regid={UNPRIVILEGED}"));
        command.arg("--clear-groups").arg(path);
        command
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if self.is_running {
            // A panic here would hide why the test failed; `./test` stops what is left in its folder.
            let _ = self.run("pg_ctl", &["stop", "-m", "immediate"]);
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound listener has an address").port()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::sql;

    #[test]
    fn what_was_committed_survives_a_crash() {
        let Some(mut server) = PrivateServer::start() else { return };
        let url = server.url();
        sql::execute(&url, "CREATE TABLE kept (number int); INSERT INTO kept VALUES (1)").unwrap();
        server.stop();
        assert!(sql::execute(&url, "SELECT 1").is_err());
        server.start_again();
        assert_eq!(server.url(), url);
        sql::execute(&url, "SELECT 1 / count(*) FROM kept").unwrap();
        let folder = server.folder().to_owned();
        drop(server);
        assert!(sql::execute(&url, "SELECT 1").is_err());
        assert!(!folder.exists());
    }
}
