//! `provost hook-client`, from the start of its process to its answer, with everything it records on the disk; beside what no such
//! program can be faster than, and beside the same hook in languages that people write hooks in.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;
use serde_json::json;

use super::{
    measure::{Durations, SyncedFile},
    program,
    report::{Figure, Report},
};

/// The target, in milliseconds.
const MOST: f64 = 3.0;
const WARM_UP: usize = 20;

/// Reads the event, looks at the command, writes a line durably, answers.
const PYTHON: &str = r#"
import json, os, re, sys
event = json.load(sys.stdin)
denied = re.search(r"\brm\s+-rf\s+/", event["tool_input"]["command"])
with open(sys.argv[1], "a") as log:
    log.write(json.dumps(event) + "\n")
    log.flush()
    os.fsync(log.fileno())
if denied:
    print(json.dumps({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny"}}))
"#;
const NODE: &str = r#"
const fs = require("fs");
const event = JSON.parse(fs.readFileSync(0, "utf8"));
const denied = /\brm\s+-rf\s+\//.test(event.tool_input.command);
const log = fs.openSync(process.argv[2], "a");
fs.writeSync(log, JSON.stringify(event) + "\n");
fs.fsyncSync(log);
if (denied) {
    console.log(JSON.stringify({ hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny" } }));
}
"#;

/// A program that is started for one event.
struct Hook {
    name: &'static str,
    command: Command,
    /// The command that is about to run, if it is asked about one.
    asks: Option<&'static str>,
    /// What its answer holds.
    says: &'static str,
    durations: Durations,
}

impl Hook {
    fn is_ours(&self) -> bool {
        self.name.starts_with("provost")
    }

    fn run(&mut self, round: usize) -> anyhow::Result<()> {
        let command = &mut self.command;
        let event = self.asks.map(|command| event_of(command, round));
        let stdin = if event.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = self.durations.time(|| {
            let mut child = command.spawn()?;
            if let (Some(mut pipe), Some(event)) = (child.stdin.take(), &event) {
                pipe.write_all(event.as_bytes())?;
            }
            child.wait_with_output()
        })?;
        let (answer, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(
            output.status.success() && answer.contains(self.says),
            "{}: {answer}{complaint}",
            self.name
        );
        Ok(())
    }
}

/// Measures the `provost` that was built beside this program.
pub(super) fn measure(folder: &Path, runs: usize, report: &mut Report) -> anyhow::Result<()> {
    let provost = program::folder()?.join("provost");
    if !provost.exists() {
        let why = format!("there is no {}: cargo build --release first", provost.display());
        return report.skip("provost hook-client", &why);
    }
    let home = folder.join("home");
    fs::create_dir(&home)?;
    let initialised = scrubbed(&provost, &home).arg("init").stderr(Stdio::null()).status()?;
    anyhow::ensure!(initialised.success(), "provost init failed");
    let mut hooks = hooks(&provost, &home)?;
    let file = SyncedFile::create(folder)?;
    let mut synced = Durations::default();
    for round in 0..WARM_UP + runs {
        if round == WARM_UP {
            synced = Durations::default();
            hooks.iter_mut().for_each(|hook| hook.durations = Durations::default());
        }
        synced.time(|| file.sync())?;
        hooks.iter_mut().try_for_each(|hook| hook.run(round))?;
    }
    tell(report, "a write and its fsync on this disk", &synced, None, None)?;
    // The least there is: a process, and what it writes on the disk.
    let least = hooks.first().context("a hook")?.durations.p50() + synced.p50();
    for hook in &hooks {
        let most = hook.is_ours().then_some(MOST);
        tell(report, hook.name, &hook.durations, Some(hook.durations.p50() / least), most)?;
    }
    // Above, what others left in the caches of the processor is in the way, as it is beside an agent at work.
    for hook in hooks.iter_mut().filter(|hook| hook.is_ours()) {
        hook.durations = Durations::default();
        (0..runs).try_for_each(|round| hook.run(WARM_UP + runs + round))?;
        let name = format!("{}, right after itself", hook.name);
        tell(report, &name, &hook.durations, Some(hook.durations.p50() / least), Some(MOST))?;
    }
    Ok(())
}

fn hooks(provost: &Path, home: &Path) -> anyhow::Result<Vec<Hook>> {
    let hook =
        |name, command, asks, says| Hook { name, command, asks, says, durations: Durations::default() };
    let client = || {
        let mut command = scrubbed(provost, home);
        command.arg("hook-client");
        command
    };
    let mut hooks = vec![
        hook("a process that does nothing", scrubbed(Path::new("/bin/true"), home), None, ""),
        hook("provost hook-client, denied", client(), Some("rm -rf /"), "\"deny\""),
        hook("provost hook-client, left alone", client(), Some("ls"), ""),
    ];
    for (name, program, text) in
        [("the same in Python, denied", "python3", PYTHON), ("the same in Node, denied", "node", NODE)]
    {
        let Some(program) = find(program) else { continue };
        let script = home.join(format!("{}.hook", name.len()));
        fs::write(&script, text)?;
        let mut command = scrubbed(&program, home);
        command.arg(&script).arg(home.join("log"));
        hooks.push(hook(name, command, Some("rm -rf /"), "\"deny\""));
    }
    Ok(hooks)
}

/// Each use of a tool has an id of its own.
fn event_of(command: &str, round: usize) -> String {
    let event = json!({
        "session_id": "measured", "transcript_path": "/nowhere.jsonl", "cwd": "/tmp", "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": command },
        "tool_use_id": format!("toolu_{}_{round}", command.len()),
    });
    event.to_string()
}

fn scrubbed(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("USER", "ada").env("PATH", "/usr/bin:/bin").current_dir(home);
    // As whoever is logged in to a machine has one.
    command.env("XDG_RUNTIME_DIR", home);
    // The server that the first one starts does not outlive this for long.
    command.env("PROVOST_HOOK__SERVER_IDLE_SECONDS", "5");
    command
}

/// A program itself, not what chooses between versions of it.
fn find(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/local/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

fn tell(
    report: &mut Report,
    name: &str,
    durations: &Durations,
    ratio: Option<f64>,
    most: Option<f64>,
) -> anyhow::Result<()> {
    let (p50, p99) = (durations.p50() / 1000.0, durations.p99() / 1000.0);
    report.add(&Figure {
        name,
        figure: format!("p50 {p50:.2} ms, p99 {p99:.2} ms"),
        ratio,
        target: most.map_or_else(String::new, |most| format!("p50 < {most} ms")),
        is_met: most.map(|most| p50 < most),
    })
}
