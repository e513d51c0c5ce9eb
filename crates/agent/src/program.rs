//! Runs one program to its end: input in, a bounded answer out, and nothing left behind. Knows nothing of agents.

use std::{ffi::OsString, io, path::PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Environment, StartError,
    command_line::CommandLine,
    process::{Process, StderrTail, Streams, signal_of},
};

/// How much of the end of standard error is kept.
const STDERR_BYTES: usize = 16 * 1024;

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// A path, or a bare name that is looked up in the `PATH` of the environment.
    pub program: PathBuf,
    /// Its arguments; no shell reads them.
    pub arguments: Vec<OsString>,
    /// Where it works: an existing folder.
    pub working_directory: PathBuf,
    /// The variables it sees, and no others.
    pub environment: Environment,
}

/// How a program ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The end of what it wrote to standard error.
    pub stderr: String,
}

/// Why a program gave no answer. It does not run any more, nor does anything it started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// No file of this name exists, or none on the `PATH`.
    #[error("the program {} was not found", .0.display())]
    NotFound(PathBuf),
    /// It could not be started.
    #[error("{0}{because}", because = because(.0))]
    Start(StartError),
    /// It wrote more than that, and was ended.
    #[error("it wrote more than {0} bytes")]
    TooMuch(usize),
    /// Its output could not be read.
    #[error("its output could not be read: {0}")]
    Io(#[from] io::Error),
}

impl From<StartError> for ProgramError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NotFound { command } => Self::NotFound(command),
            error => Self::Start(error),
        }
    }
}

impl Program {
    /// Runs it with `input` on its standard input, which it need not read; at most `limit` bytes are taken from its standard
    /// output. Dropping the future ends the program and whatever it started, at once.
    ///
    /// # Errors
    /// See [`ProgramError`]. An exit code other than 0 is none.
    pub async fn run(self, input: &[u8], limit: usize) -> Result<ProgramOutput, ProgramError> {
        let command_line = CommandLine { program: self.program, arguments: self.arguments };
        let started = Process::spawn(command_line, &self.working_directory, &self.environment).await;
        let (mut process, Streams { mut stdin, stdout, stderr }) = started?;
        let stderr = StderrTail::read(stderr, STDERR_BYTES);
        let write = async move {
            // One that ends without reading it all had no use for the rest.
            let _unread = stdin.write_all(input).await;
            Ok::<_, ProgramError>(())
        };
        let read = async move {
            let mut bytes = Vec::new();
            stdout.take(limit as u64 + 1).read_to_end(&mut bytes).await?;
            if bytes.len() > limit { Err(ProgramError::TooMuch(limit)) } else { Ok(bytes) }
        };
        // Its end also ends what it started, which then holds none of the streams any more.
        let wait = async { Ok(process.wait().await?) };
        let ((), stdout, status) = tokio::try_join!(write, read, wait)?;
        let stderr = stderr.finish().await;
        Ok(ProgramOutput { code: status.code(), signal: signal_of(status), stdout, stderr })
    }
}

fn because(error: &StartError) -> String {
    std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tempfile::TempDir;

    use super::*;

    const LIMIT: usize = 1000;

    fn shell(folder: &TempDir, script: &str) -> Program {
        Program {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            working_directory: folder.path().to_owned(),
            environment: Environment::default().with("PATH", "/usr/bin:/bin"),
        }
    }

    async fn run(script: &str, input: &[u8]) -> Result<ProgramOutput, ProgramError> {
        let folder = tempfile::tempdir().expect("a folder");
        shell(&folder, script).run(input, LIMIT).await
    }

    fn is_alive(pid: &str) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn what_it_says_and_how_it_ends_is_given() {
        let output = run("cat; echo why >&2; exit 7", b"{}").await.expect("it ran");
        assert_eq!(
            (output.code, output.stdout.as_slice(), output.stderr.as_str()),
            (Some(7), &b"{}"[..], "why\n")
        );
    }

    #[tokio::test]
    async fn one_that_never_reads_does_not_hang() {
        let output = run("echo done", &vec![b'x'; 1024 * 1024]).await.expect("it ran");
        assert_eq!((output.code, output.stdout.as_slice()), (Some(0), &b"done\n"[..]));
    }

    #[tokio::test]
    async fn a_flood_ends_it() {
        let flood = run("while :; do echo more; done", b"").await;
        assert!(matches!(flood, Err(ProgramError::TooMuch(LIMIT))), "{flood:?}");
    }

    #[tokio::test]
    async fn what_is_left_behind_does_not_outlive_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "sleep 1000 & echo $! > pid; echo done";
        let output = shell(&folder, script).run(b"", LIMIT).await.expect("it ran");
        assert_eq!(output.stdout, b"done\n");
        let pid = fs::read_to_string(folder.path().join("pid")).expect("a number");
        for _ in 0..1000 {
            if !is_alive(&pid) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{pid} is still there");
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = Program { program: "/nowhere/at-all".into(), ..shell(&folder, "") };
        let error = missing.run(b"", LIMIT).await.expect_err("not there");
        assert_eq!(error.to_string(), "the program /nowhere/at-all was not found");
    }
}
