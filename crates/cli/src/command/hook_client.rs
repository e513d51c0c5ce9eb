//! `provost hook-client`: the program behind a command hook of an agent CLI that Provost did not start.
//!
//! To the agent CLI exit code 2 blocks and every other failure lets it go on. So whatever goes wrong here ends in 2 where a tool
//! is about to run, unless it is to fail open.

use std::{
    cell::Cell,
    ffi::OsString,
    fs::File,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::{self, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use agent::command_hook::{CommandHook, LONGEST_EVENT, answer_event, answer_gate};
use app::{
    App,
    captured::{Capture, CapturedAnswer, Wanted},
    clock::{SystemClock, SystemIds},
    owner,
};
use clap::{Args, Parser, ValueEnum};
use rustix::fs::{FileType, Stat};
use tokio::{runtime::Builder, sync::oneshot};

use crate::{
    command_line::Global,
    composition::Context,
    failure::{Code, Failure},
    hook_server::{self, Asked, Place, Question},
    settings::Flags,
    surroundings::Surroundings,
    telemetry,
    terminal::{Terminal, text},
    variable,
    watch::Watch,
};

/// How it is called.
pub(crate) const SUBCOMMAND: &str = "hook-client";
/// What it is for.
pub(crate) const ABOUT: &str =
    "Judge and record an event of an agent CLI that Provost did not start; its settings call this";
/// How long it may take unless it is told otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// By this exit code a command hook blocks.
const BLOCKS: u8 = 2;
/// The part of the time that is left to record and answer when others took theirs: one in so many.
const LEFT_TO_ANSWER: u32 = 5;
/// How long hooks at work have to end when somebody ends this.
const TO_END: Duration = Duration::from_millis(500);

/// Its command line by itself: it runs at each event of an agent, and to build all other commands takes longer than its work.
#[derive(Debug, Default, Parser)]
#[command(name = "provost hook-client", bin_name = "provost hook-client", version, about = ABOUT, long_about = None)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    pub(crate) command: HookClient,
}

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

impl Line {
    /// What follows the name of the command. Where nothing does, nothing needs to be parsed.
    pub(crate) fn read(mut arguments: impl Iterator<Item = OsString>) -> Self {
        match arguments.next() {
            None => Self::default(),
            Some(first) => Self::parse_from([SUBCOMMAND.into(), first].into_iter().chain(arguments)),
        }
    }
}

impl Default for HookClient {
    fn default() -> Self {
        Self { fail: Fail::Closed, timeout: TIMEOUT }
    }
}

impl HookClient {
    /// Ends by itself, and says nothing on standard output but the answer.
    pub(crate) fn run(self, global: Global) -> ExitCode {
        let fail = self.fail;
        // As long as nobody knows what happened, a tool may be about to run.
        let mut is_gate = true;
        let last_resort = LastResort::default();
        let answer = || {
            let Answer { text, after } = self.answer(global, &mut is_gate, &last_resort)?;
            text.iter().try_for_each(|text| say(text))?;
            last_resort.lets_go();
            Ok(after)
        };
        let answer = panic::catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| Err(panicked()));
        match answer {
            Ok(after) => {
                // What was said stands, whatever comes of this.
                drop(panic::catch_unwind(AssertUnwindSafe(|| after.map(After::tidy))));
                ExitCode::SUCCESS
            }
            Err(failure) => end(&failure, fail, is_gate),
        }
    }

    /// Reads the event and has it judged and recorded: by the server, and where there is none, here.
    fn answer(self, global: Global, is_gate: &mut bool, last_resort: &LastResort) -> Result<Answer, Failure> {
        let watch = Watch::until(Instant::now() + self.timeout)?;
        // Past the buffer of standard input, which knows of no waiting.
        let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from)?;
        let event = watch.read_to_end("standard input", stdin, LONGEST_EVENT + 1).and_then(not_too_long)?;
        *is_gate = CommandHook::may_be_gate(&event);
        let surroundings = Surroundings::read()?;
        if !*is_gate || self.fail == Fail::Open {
            last_resort.lets_go();
        }
        let place = Place::of(&surroundings);
        if place.as_ref().is_some_and(Place::may_hang) {
            last_resort.start(&watch)?;
        }
        let terms = (self.fail == Fail::Open, self.patience(&watch));
        if let Some(place) = &place
            && let Some(question) = Question::new((&surroundings, &global), &event, terms)
            && let Asked::Answered(text) = hook_server::ask(&watch, place, &question)?
        {
            return Ok(Answer { text, after: None });
        }
        last_resort.start(&watch)?;
        let work = Work { command: self, global, surroundings, place, event };
        work.answer_in_time(&watch)
    }

    /// How long hooks may work: there is to be time left to say what was wrong.
    fn patience(&self, watch: &Watch) -> Duration {
        watch.left().saturating_sub(self.timeout / LEFT_TO_ANSWER)
    }
}

/// Ends this process when a disk that hangs keeps it from ending in time, which no signal would.
#[derive(Debug, Default)]
struct LastResort {
    lets_go: Arc<AtomicBool>,
    is_started: Cell<bool>,
}

impl LastResort {
    /// The agent program may go on, whatever happens now.
    fn lets_go(&self) {
        self.lets_go.store(true, Ordering::Release);
    }

    #[expect(clippy::disallowed_methods, reason = "nothing else ends a thread that waits for a disk")]
    fn start(&self, watch: &Watch) -> Result<(), Failure> {
        if self.is_started.replace(true) {
            return Ok(());
        }
        let (lets_go, patience) = (Arc::clone(&self.lets_go), watch.left() + 2 * TO_END);
        let end = move || {
            thread::sleep(patience);
            let lets_go = lets_go.load(Ordering::Acquire);
            let line = b"provost: it hung, and was ended: a disk does not answer\n";
            drop(io::stderr().write_all(line));
            process::exit(if lets_go { 0 } else { i32::from(BLOCKS) });
        };
        thread::Builder::new().name("last-resort".to_owned()).spawn(end)?;
        Ok(())
    }
}

/// What there is to say to the agent CLI, and what is left to do then.
#[derive(Debug)]
struct Answer {
    text: Option<String>,
    after: Option<After>,
}

/// Who judged an event itself has something to tidy up, and may want somebody else to judge the next one.
#[derive(Debug)]
struct After {
    app: App,
    surroundings: Surroundings,
    next: Option<(Place, Duration)>,
}

impl After {
    fn tidy(self) {
        if let Some((place, idle)) = &self.next
            && let Err(failure) = hook_server::start(&self.surroundings, place, *idle)
        {
            tracing::debug!(error = failure.message, "there is no hook server");
        }
        // A long log is worked into the file when nobody waits for it.
        drop(self.app);
    }
}

/// An event that this process judges itself.
struct Work {
    command: HookClient,
    global: Global,
    surroundings: Surroundings,
    place: Option<Place>,
    event: Vec<u8>,
}

impl Work {
    /// The work is a thread's, so that neither it nor a disk that hangs keeps anybody waiting for longer than there is time.
    fn answer_in_time(self, watch: &Watch) -> Result<Answer, Failure> {
        let patience = self.command.patience(watch);
        let (ended, end) = UnixStream::pair()?;
        let is_given_up = Arc::new(AtomicBool::new(false));
        let given_up = Arc::clone(&is_given_up);
        let wanted = Wanted::unless(move || given_up.load(Ordering::Acquire));
        let (waits, unwanted) = oneshot::channel::<()>();
        let work = move || {
            // Dropped when the work has ended, however it did.
            let _end = end;
            self.answer(patience, (wanted, unwanted))
        };
        let work = thread::Builder::new().name("hook-client".to_owned()).spawn(work)?;
        let waited = watch.readable_in_time(&ended);
        if let Err(why) = waited {
            is_given_up.store(true, Ordering::Release);
            drop(waits);
            // Whatever comes of it, nobody waits for it any more.
            drop(ended.set_read_timeout(Some(TO_END)).and_then(|()| (&ended).read(&mut [0])));
            return Err(why);
        }
        work.join().unwrap_or_else(|_| Err(panicked()))
    }

    /// Judges and records the event. Dropping the other end of `unwanted` ends it.
    fn answer(
        self,
        patience: Duration,
        (wanted, unwanted): (Wanted, oneshot::Receiver<()>),
    ) -> Result<Answer, Failure> {
        let until = tokio::time::Instant::now() + patience;
        let hook = CommandHook::read(&self.event).map_err(|error| Failure::new(Code::Usage, error))?;
        let terminal = Terminal::new(&self.surroundings, self.global.json, true);
        let context = Context::new(self.surroundings, terminal, Flags::of(&self.global))?;
        telemetry::start(&context.settings.log.level, terminal)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let store = context.open_current(patience)?;
        let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
        let fails_open = self.command.fail == Fail::Open;
        let judging = judge(&app, &context, hook, Terms { fails_open, until, wanted });
        let text = runtime.block_on(async {
            tokio::select! {
                biased;
                _ = unwanted => Err(Failure::new(Code::Failed, "nobody waits for it any more")),
                text = judging => text,
            }
        });
        runtime.shutdown_background();
        let idle = Duration::from_secs(context.settings.hook.server_idle_seconds.into());
        // What is started inside of a session that Provost runs ends with it.
        let is_inside = context.surroundings.text(variable::AGENT_PROCESS_MARK).is_some();
        let next = self.place.filter(|_| !idle.is_zero() && !is_inside).map(|place| (place, idle));
        Ok(Answer { text: text?, after: Some(After { app, surroundings: context.surroundings, next }) })
    }
}

/// On which terms an event is judged.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) fails_open: bool,
    pub(crate) until: tokio::time::Instant,
    pub(crate) wanted: Wanted,
}

/// Judges and records an event; `None` is nothing to say. Hooks that are still at work then are ended.
pub(crate) async fn judge(
    app: &App,
    context: &Context,
    hook: CommandHook,
    Terms { fails_open, until, wanted }: Terms,
) -> Result<Option<String>, Failure> {
    let capture = Capture {
        hook,
        project: context.surroundings.text(variable::CLAUDE_PROJECT_DIR).map(PathBuf::from),
        environment: context.basic_environment(),
        default_hooks: context.default_hooks(),
        default_policies: context.default_policies(),
        until,
        fails_open,
        wanted,
    };
    let caller = app.install(&context.surroundings.user_name()).await?;
    Ok(match app.capture(caller, capture).await? {
        CapturedAnswer::Elsewhere => None,
        CapturedAnswer::Gate { decision, input, context } => {
            let decision = decision.as_ref().map(|(decision, reason)| (*decision, reason.as_str()));
            answer_gate(decision, input, context)
        }
        CapturedAnswer::Event(event, answer) => answer_event(&event, answer),
    })
}

/// An event that is no longer than one may be.
pub(super) fn not_too_long(event: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if event.len() as u64 > LONGEST_EVENT {
        let megabytes = LONGEST_EVENT / (1024 * 1024);
        let refused = format!("the event is longer than {megabytes} MiB, the most that is accepted");
        return Err(Failure::new(Code::Usage, refused));
    }
    Ok(event)
}

pub(super) fn say(answer: &str) -> Result<(), Failure> {
    // One that was closed is this by now.
    if is_null_device(io::stdout()) {
        return Err(Failure::new(
            Code::Failed,
            "nobody reads the answer: standard output is closed, or /dev/null",
        ));
    }
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{answer}").and_then(|()| stdout.flush());
    written.map_err(|error| Failure::new(Code::Failed, format!("the answer cannot be written: {error}")))
}

fn is_null_device(stream: impl AsFd) -> bool {
    let number = |file: rustix::io::Result<Stat>| file.ok().filter(is_device).map(|file| file.st_rdev);
    let (stream, null) = (number(rustix::fs::fstat(stream)), number(rustix::fs::stat("/dev/null")));
    stream.is_some() && stream == null
}

fn is_device(file: &Stat) -> bool {
    FileType::from_raw_mode(file.st_mode) == FileType::CharacterDevice
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_arguments_it_is_as_its_help_says() {
        let parsed = Line::parse_from([SUBCOMMAND]);
        let assumed = Line::read(std::iter::empty());
        assert_eq!(format!("{assumed:?}"), format!("{parsed:?}"));
        let told = Line::read(["--fail", "open"].into_iter().map(OsString::from));
        assert_eq!(told.command.fail, Fail::Open);
    }
}
