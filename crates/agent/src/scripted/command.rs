//! `Bash`: a shell command in a process group of its own.

use std::{
    io::{self, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child as Process, Command, ExitStatus, Stdio},
    sync::mpsc::SyncSender,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    inbox::Input,
    tool::ToolOutput,
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);
/// What is kept of each output stream.
const LARGEST_OUTPUT: u64 = 30_000;

/// A running command's group. Dropping it ends the command and what it started.
struct Group(Option<Pid>);

impl Group {
    /// The command ended and was cleaned up, so its number may be another's already.
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // The only error is that nobody is left.
            let _gone = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl<W: Write> Child<W> {
    /// Runs a command and stays open to the host meanwhile.
    pub(super) fn run_command(&mut self, input: &Value) -> Result<ToolOutput, Halt> {
        let Some(command) = input["command"].as_str() else {
            return Ok(ToolOutput::error("command is missing"));
        };
        self.commands += 1;
        let number = self.commands;
        let started = start(command, &self.cast.arguments.working_directory, number, self.inbox.sender());
        let group = match started {
            Ok(group) => group,
            Err(error) => return Ok(ToolOutput::error(format!("sh: {error}"))),
        };
        let timeout = timeout(input);
        let deadline = Instant::now() + timeout;
        loop {
            match self.receive(Some(deadline))? {
                Some(Input::CommandEnded { number: ended, output }) if ended == number => {
                    group.forget();
                    return Ok(output);
                }
                Some(_) => {}
                None => {
                    drop(group);
                    return Ok(ToolOutput::error(format!(
                        "Command timed out after {} ms",
                        timeout.as_millis()
                    )));
                }
            }
        }
    }
}

fn timeout(input: &Value) -> Duration {
    input["timeout"].as_u64().map_or(DEFAULT_TIMEOUT, Duration::from_millis).min(LONGEST_TIMEOUT)
}

fn start(command: &str, folder: &Path, number: u64, report: SyncSender<Input>) -> io::Result<Group> {
    let mut process = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let leader = i32::try_from(process.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    let (stdout, stderr) = (collect(process.stdout.take()), collect(process.stderr.take()));
    thread::spawn(move || {
        let output = finish(&mut process, leader, stdout, stderr);
        // Nobody waits after an interruption.
        let _ignored = report.send(Input::CommandEnded { number, output });
    });
    Ok(Group(Some(leader)))
}

/// Waits for the shell, ends what it left behind and gathers what was written.
fn finish(
    process: &mut Process,
    group: Pid,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
) -> ToolOutput {
    let status = process.wait();
    drop(Group(Some(group)));
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    match status {
        Ok(status) => output(status, &stdout, &stderr),
        Err(error) => ToolOutput::error(format!("sh: {error}")),
    }
}

fn output(status: ExitStatus, stdout: &str, stderr: &str) -> ToolOutput {
    let said: Vec<_> =
        [stdout.trim_end(), stderr.trim_end()].into_iter().filter(|text| !text.is_empty()).collect();
    let said = said.join("\n");
    match (status.code(), status.signal()) {
        (Some(0), _) => {
            let detail = json!({ "stdout": stdout, "stderr": stderr, "interrupted": false });
            ToolOutput::success(if said.is_empty() { "(no output)".to_owned() } else { said }, detail)
        }
        (_, Some(signal)) => ToolOutput::error(format!("Killed by signal {signal}\n{said}").trim_end()),
        (code, None) => ToolOutput::error(format!("Exit code {}\n{said}", code.unwrap_or(-1)).trim_end()),
    }
}

/// Reads a stream to its end and keeps its beginning.
fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let Some(mut stream) = stream else { return String::new() };
        let mut kept = Vec::new();
        let _partial = stream.by_ref().take(LARGEST_OUTPUT).read_to_end(&mut kept);
        let cut = io::copy(&mut stream, &mut io::sink()).unwrap_or(0);
        let mut text = String::from_utf8_lossy(&kept).into_owned();
        if cut > 0 {
            text.push_str(&format!("\n[{cut} more bytes were cut]"));
        }
        text
    })
}
