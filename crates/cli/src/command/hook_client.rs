//! `provost hook-client`: the program behind a command hook of an agent CLI that Provost did not start.
//!
//! To the agent CLI exit code 2 blocks and every other failure lets it go on. So whatever goes wrong here ends in 2 where a tool
//! is about to run, unless it is to fail open.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use agent::{
    Environment, EnvironmentPolicy,
    command_hook::{CommandHook, answer_event, answer_gate},
};
use app::{
    App,
    captured::{Capture, CapturedAnswer},
    clock::{SystemClock, SystemIds},
    owner,
};
use clap::{Args, ValueEnum};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    time::{Instant, sleep_until},
};

use crate::{
    command_line::Global,
    composition::Context,
    failure::{Code, Failure},
    guarding::Guarding,
    sealing::Sealing,
    settings,
    signals::{Interruption, Signals},
    surroundings::Surroundings,
    telemetry,
    terminal::{Terminal, text},
    variable,
};

/// The most that an event may be.
const LONGEST_EVENT: u64 = 16 * 1024 * 1024;
/// By this exit code a command hook blocks.
const BLOCKS: u8 = 2;
/// The part of the time that is left to record and answer when others took theirs: one in so many.
const LEFT_TO_ANSWER: u32 = 5;
/// How long hooks at work have to end when somebody ends this.
const TO_END: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct HookClient {
    /// Whether a tool runs when Provost itself fails: closed, it does not; open, it does.
    #[arg(long, value_enum, default_value_t = Fail::Closed)]
    fail: Fail,
    /// How long it may take, in seconds; the agent CLI must give its hooks longer.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fail {
    /// What cannot be judged does not run.
    Closed,
    /// What cannot be judged runs.
    Open,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "accepted: 0.1 to 600 seconds".to_owned())
}

impl HookClient {
    /// Ends by itself, and says nothing on standard output but the answer.
    pub(crate) fn run(self, global: Global) -> ExitCode {
        let fail = self.fail;
        // As long as nobody knows what happened, a tool may be about to run.
        let is_gate = Arc::new(AtomicBool::new(true));
        let answer = self.answer(global, Arc::clone(&is_gate)).and_then(|answer| match answer {
            Some(answer) => say(&answer),
            None => Ok(()),
        });
        match answer {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => end(&failure, fail, is_gate.load(Ordering::Acquire)),
        }
    }

    /// The work is a thread's, so that neither it nor a disk that hangs keeps anybody waiting for longer than there is time.
    fn answer(self, global: Global, is_gate: Arc<AtomicBool>) -> Result<Option<String>, Failure> {
        let until = Instant::now() + self.timeout;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let outcome = runtime.block_on(async {
            let mut signals = Signals::listen()?;
            let (answers, answer) = oneshot::channel();
            let (wanted, unwanted) = oneshot::channel::<()>();
            let work = move || {
                let outcome = work(&handle, &self, global, (until, &is_gate), unwanted);
                // Nobody is left to be told when it took too long.
                drop(answers.send(outcome));
            };
            thread::Builder::new().name("hook-client".to_owned()).spawn(work)?;
            tokio::pin!(answer);
            let why = tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or_else(|_| Err(panicked())),
                interruption = signals.next() => match interruption {
                    Interruption::CtrlC => "it was interrupted",
                    Interruption::End => "it was told to end",
                },
                () = sleep_until(until) => "it took too long",
            };
            drop(wanted);
            let _ended = tokio::time::timeout(TO_END, answer).await;
            Err(Failure::new(Code::Failed, why))
        });
        runtime.shutdown_background();
        outcome
    }
}

/// Reads the event, judges and records it; `None` is nothing to say. Dropping the other end of `unwanted` ends it.
fn work(
    handle: &Handle,
    command: &HookClient,
    global: Global,
    (until, is_gate): (Instant, &AtomicBool),
    unwanted: oneshot::Receiver<()>,
) -> Result<Option<String>, Failure> {
    let hook = CommandHook::read(&event()?).map_err(|error| Failure::new(Code::Usage, error))?;
    is_gate.store(hook.is_gate(), Ordering::Release);
    let context = context(global)?;
    // There is to be time left to say what was wrong.
    let soon = until.checked_sub(command.timeout / LEFT_TO_ANSWER).unwrap_or(until);
    let store = context.open_current(soon.saturating_duration_since(Instant::now()))?;
    let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
    let capture = Capture {
        hook,
        project: context.surroundings.text(variable::CLAUDE_PROJECT_DIR).map(PathBuf::from),
        environment: Environment::select(context.surroundings.variables.clone(), EnvironmentPolicy::OwnLogin)
            .basic(),
        default_hooks: context.default_hooks(),
        default_policies: context.default_policies(),
        until: soon,
        fails_open: command.fail == Fail::Open,
    };
    let capture = async {
        let caller = app.install(&context.surroundings.user_name()).await?;
        Ok::<_, Failure>(app.capture(caller, capture).await?)
    };
    let captured = handle.block_on(async {
        tokio::select! {
            captured = capture => captured,
            _ = unwanted => Err(Failure::new(Code::Failed, "nobody waits for it any more")),
        }
    });
    Ok(match captured? {
        CapturedAnswer::Elsewhere => None,
        CapturedAnswer::Gate { decision, input, context } => {
            let decision = decision.as_ref().map(|(decision, reason)| (*decision, reason.as_str()));
            answer_gate(decision, input, context)
        }
        CapturedAnswer::Event(event, answer) => answer_event(&event, answer),
    })
}

fn event() -> Result<Vec<u8>, Failure> {
    let mut event = Vec::new();
    let read = io::stdin().lock().take(LONGEST_EVENT + 1).read_to_end(&mut event);
    read.map_err(|error| Failure::new(Code::Failed, format!("standard input cannot be read: {error}")))?;
    if event.len() as u64 > LONGEST_EVENT {
        let megabytes = LONGEST_EVENT / (1024 * 1024);
        let refused = format!("the event is longer than {megabytes} MiB, the most that is accepted");
        return Err(Failure::new(Code::Usage, refused));
    }
    Ok(event)
}

fn context(global: Global) -> Result<Context, Failure> {
    let surroundings = Surroundings::read()?;
    let terminal = Terminal::new(&surroundings, global.json, true);
    let flags = settings::Flags { database: global.database, config: global.config };
    let layers = settings::load(&surroundings, flags)?;
    let settings = layers.settings()?;
    telemetry::start(&settings.log.level, terminal)?;
    let (sealing, guarding) = (Sealing::default(), Guarding::default());
    Ok(Context { layers, settings, surroundings, terminal, sealing, guarding })
}

fn say(answer: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{answer}").and_then(|()| stdout.flush());
    written.map_err(|error| Failure::new(Code::Failed, format!("the answer cannot be written: {error}")))
}

fn panicked() -> Failure {
    Failure::new(Code::Internal, "it fell over; what is above says where")
}

/// Says why there is no answer, and lets the agent CLI go on or not.
fn end(failure: &Failure, fail: Fail, is_gate: bool) -> ExitCode {
    let is_blocked = is_gate && fail == Fail::Closed;
    let outcome = match (is_gate, is_blocked) {
        (_, true) => "this tool call could not be judged, so it does not run",
        (true, false) => "this tool call could not be judged, and runs all the same",
        (false, false) => "this event could not be recorded",
    };
    let mut lines = vec![format!("provost: {outcome}: {}", text::printable(&failure.message))];
    lines.extend(failure.hints.iter().map(|hint| format!("hint: {}", text::printable(hint))));
    for line in lines {
        // Nobody is left to be told that nobody listens.
        drop(io::stderr().write_fmt(format_args!("{line}\n")));
    }
    if is_blocked { ExitCode::from(BLOCKS) } else { ExitCode::SUCCESS }
}
