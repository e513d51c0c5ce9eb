//! One child process with everything it started: spawn, end, and the promise that nothing stays behind.

pub(crate) mod guard;
mod mark;
mod stderr_tail;
mod tree;

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use self::mark::Mark;
pub(crate) use self::stderr_tail::StderrTail;
pub(crate) use self::tree::Tree;
use crate::{Environment, StartError, command_line::CommandLine};

/// Inherited by whatever an agent starts.
pub const MARK_VARIABLE: &str = Mark::VARIABLE;

/// A child process that leads its own process group. Dropping it ends it, and whatever it started, at once.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    tree: Tree,
    pid: u32,
}

/// The three streams of a child process.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Process {
    /// Starts a program with exactly the variables given, in its own process group, so that a Ctrl-C on the terminal does
    /// not reach it.
    pub(crate) async fn spawn(
        command_line: CommandLine,
        working_directory: &Path,
        environment: &Environment,
    ) -> Result<(Self, Streams), StartError> {
        check_working_directory(working_directory)?;
        let CommandLine { program, arguments } = command_line;
        let spawn_error = |source| classify_spawn_error(&program, source);
        let mark = Mark::new();
        let mut command = Command::new(absolute(&program).map_err(spawn_error)?);
        command
            .args(arguments)
            .env_clear()
            .envs(environment.iter())
            .env("PWD", working_directory)
            .env(Mark::VARIABLE, mark.value())
            .current_dir(working_directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = spawn_unless_busy(&mut command).await.map_err(spawn_error)?;
        let streams =
            take_streams(&mut child).ok_or_else(|| spawn_error(io::ErrorKind::BrokenPipe.into()))?;
        let pid = child.id().unwrap_or_default();
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let tree = Tree::of(leader.ok_or_else(|| spawn_error(io::ErrorKind::NotFound.into()))?, mark);
        Ok((Self { child, tree, pid }, streams))
    }

    /// The process id, which is also the process group.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process ends, then ends what is left of its group. Cancel safe.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.tree.kill_survivors();
        status
    }

    /// Remembers what the process started, to end it with the process.
    pub(crate) fn observe(&mut self) {
        self.tree.look();
    }

    /// Asks the process and its group to end.
    pub(crate) fn terminate(&mut self) {
        self.tree.signal(Signal::TERM);
    }

    /// Ends the process and everything it started.
    pub(crate) fn kill(&mut self) {
        self.tree.kill();
    }

    /// Ends everything and waits for it.
    pub(crate) async fn kill_and_wait(&mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.wait().await
    }
}

/// The signal that ended a process, if one did.
pub(crate) fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Tells apart what a caller can do about a failed start.
pub(crate) fn classify_spawn_error(command: &Path, source: io::Error) -> StartError {
    let command = command.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => StartError::NotFound { command },
        io::ErrorKind::PermissionDenied => StartError::NotExecutable { command, source },
        _ if source.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            StartError::NotExecutable { command, source }
        }
        _ => StartError::Spawn { command, source },
    }
}

fn check_working_directory(path: &Path) -> Result<(), StartError> {
    let error = |source| StartError::WorkingDirectory { path: path.to_owned(), source };
    if !path.metadata().map_err(error)?.is_dir() {
        return Err(error(io::ErrorKind::NotADirectory.into()));
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).map_err(|errno| error(errno.into()))
}

/// A relative path would be looked up in the child's folder; a bare name stays one, for the `PATH`.
fn absolute(program: &Path) -> io::Result<PathBuf> {
    if program.components().count() > 1 { std::path::absolute(program) } else { Ok(program.to_owned()) }
}

/// A program that is just being replaced by its own updater is busy for a moment.
async fn spawn_unless_busy(command: &mut Command) -> io::Result<Child> {
    const TRIES: u32 = 10;
    for _ in 1..TRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
    command.spawn()
}

fn take_streams(child: &mut Child) -> Option<Streams> {
    Some(Streams { stdin: child.stdin.take()?, stdout: child.stdout.take()?, stderr: child.stderr.take()? })
}
