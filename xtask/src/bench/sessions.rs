//! Two hundred sessions at once in one process, each with a scripted agent program of its own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::{Environment, EnvironmentPolicy, Limits, Runtime, SettingSources};
use anyhow::Context as _;
use app::{
    App, Caller,
    clock::{Clock as _, SystemClock, SystemIds},
    hook::DefaultHooks,
    owner,
    permission::DefaultPolicies,
    session::{
        Answer, Asker, BoxFuture, LaunchSettings, NewSession, Question, SessionUpdate, StartSession, Target,
    },
};
use domain::{
    id::SessionId,
    message::MessageType,
    session::SessionOptions,
    timeline::{Change, TimelineItem},
};
use serde_json::json;
use store::Store;
use tokio::{sync::Barrier, task::JoinSet, time::sleep};

use super::{
    measure::{Durations, SyncedFile},
    memory::resident_megabytes,
    program,
    report::{Figure, Report},
    sqlite,
};

const SESSIONS: u32 = 200;
/// How many events a second each agent makes, from little up to more than this machine can.
const RATES: [u32; 5] = [5, 10, 20, 25, 40];
/// What is asked for.
const ASKED: u32 = 10;
const MOST_P99: f64 = 50_000.0;
/// How much longer than an fsync an event may take, in the middle.
const MOST_BEYOND_FSYNC: f64 = 3_000.0;
const MOST_MEGABYTES: f64 = 1.0;

/// The use cases on a new file.
pub(super) async fn app_on(store: Store) -> anyhow::Result<(App, Caller)> {
    let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
    let caller = app.install("bench").await?;
    Ok((app, caller))
}

/// Lets agents say the time, again and again, and looks how late it is when that is durable.
pub(super) fn measure(folder: &Path, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let program = program::folder()?.join("provost");
    if !program.exists() {
        return report.skip("sessions", &format!("there is no {}", program.display()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let synced = SyncedFile::create(folder)?;
    let mut fsyncs = Durations::default();
    for _ in 0..200 {
        fsyncs.time(|| synced.sync())?;
    }
    let fsync = fsyncs.p50();
    let (mut held, mut missed) = (None, None);
    for rate in RATES {
        let place = folder.join(format!("sessions-{rate}"));
        std::fs::create_dir(&place)?;
        let run = Run { program: program.clone(), folder: place, rate, span };
        let measured = runtime.block_on(run.measure())?;
        let (p50, p99) = (measured.delays.p50(), measured.delays.p99());
        let is_met = p50 < fsync + MOST_BEYOND_FSYNC && p99 < MOST_P99;
        if rate == ASKED {
            add_asked(&measured, fsync, is_met, report)?;
        }
        let total = SESSIONS * rate;
        if is_met {
            held = Some(format!("{total}/s, p50/p99 {:.1}/{:.1} ms", p50 / 1000.0, p99 / 1000.0));
        } else {
            missed = missed.or(Some(format!("{total}/s: {:.1}/{:.1} ms", p50 / 1000.0, p99 / 1000.0)));
            if rate >= ASKED {
                break;
            }
        }
    }
    report.add(&Figure {
        name: "highest rate of 200 sessions that holds",
        figure: held.unwrap_or_else(|| "none".to_owned()),
        ratio: None,
        target: missed.map_or_else(String::new, |missed| format!("not {missed}")),
        is_met: None,
    })
}

fn add_asked(measured: &Measured, fsync: f64, is_met: bool, report: &mut Report) -> anyhow::Result<()> {
    let Measured { delays, heard, megabytes, agents_megabytes } = measured;
    report.add(&Figure {
        name: "200 sessions × 10 events/s, until durable",
        figure: format!(
            "p50/p99 {:.1}/{:.1} ms, heard {:.1}/{:.1}",
            delays.p50() / 1000.0,
            delays.p99() / 1000.0,
            heard.p50() / 1000.0,
            heard.p99() / 1000.0
        ),
        ratio: None,
        target: format!("p50 < {:.1} ms, p99 < 50 ms", (fsync + MOST_BEYOND_FSYNC) / 1000.0),
        is_met: Some(is_met),
    })?;
    let each = megabytes / f64::from(SESSIONS);
    report.add(&Figure {
        name: "memory of a session, beside its agent's",
        figure: format!("{each:.2} MB; the agent {agents_megabytes:.1} MB"),
        ratio: None,
        target: format!("< {MOST_MEGABYTES} MB"),
        is_met: Some(each < MOST_MEGABYTES),
    })
}

/// One rate.
struct Run {
    program: PathBuf,
    folder: PathBuf,
    rate: u32,
    span: Duration,
}

struct Measured {
    delays: Durations,
    /// Until this process had read what was said.
    heard: Durations,
    /// By how much this process grew.
    megabytes: f64,
    /// Of one agent program.
    agents_megabytes: f64,
}

impl Run {
    async fn measure(&self) -> anyhow::Result<Measured> {
        let scenario = self.folder.join("scenario.json");
        let pause = Duration::from_secs(1) / self.rate;
        let events = u32::try_from(self.span.as_millis() / pause.as_millis())?;
        let steps: Vec<_> = (0..events)
            .flat_map(|_| [json!({ "wait": format!("{}ms", pause.as_millis()) }), json!({ "say": "{now}" })])
            .collect();
        std::fs::write(&scenario, json!({ "turn": [{ "step": steps }] }).to_string())?;
        let (app, caller) = app_on(sqlite::open(&self.folder.join("sessions.db"))?).await?;
        let before = resident_megabytes("self")?;
        let mut running = JoinSet::new();
        let all = Arc::new(Barrier::new(SESSIONS as usize + 1));
        for number in 0..SESSIONS {
            let launch = launch(&self.program, &self.folder, &scenario);
            let folder = self.folder.clone();
            // Agents that have nothing to do with one another do not speak at the same moment.
            let begin = (Arc::clone(&all), pause * number / SESSIONS);
            running.spawn(run_one(app.clone(), caller, launch, folder, begin));
        }
        all.wait().await;
        sleep(self.span / 2).await;
        let megabytes = resident_megabytes("self")? - before;
        let agents_megabytes = child_megabytes()?;
        let (mut delays, mut heard) = (Durations::default(), Durations::default());
        while let Some(ended) = running.join_next().await {
            let (session, own_delays, own_heard) = ended??;
            refuse_loss(&app, caller, session, events).await?;
            delays.join(own_delays);
            heard.join(own_heard);
        }
        app.store().close().await;
        Ok(Measured { delays, heard, megabytes, agents_megabytes })
    }
}

/// How agents are started here.
pub(super) fn launch(program: &Path, folder: &Path, scenario: &Path) -> LaunchSettings {
    let config_directory = folder.join("config");
    LaunchSettings {
        runtime: Runtime::Scripted {
            program: program.to_owned(),
            scenario: scenario.to_owned(),
            state_directory: folder.join("state"),
        },
        environment: Environment::select([], EnvironmentPolicy::Isolated { config_directory }),
        limits: Limits::default(),
        setting_sources: SettingSources::Isolated,
        include_partial_messages: false,
        extra_arguments: Vec::new(),
        idle: Duration::from_secs(600),
        default_policies: default_policies(),
        approval_wait: Duration::from_secs(300),
        default_hooks: DefaultHooks::default(),
    }
}

/// What holds in every session unless it is set otherwise.
pub(super) fn default_policies() -> DefaultPolicies {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    DefaultPolicies {
        built_in: true,
        blocked_commands: Vec::new(),
        restricted_paths: texts(&["/etc/passwd", "/etc/shadow", "~/.ssh/**", "**/.env", "**/.env.*"]),
        restricted_except: texts(&["**/.env.example"]),
        removable: texts(&["./target/**", "./node_modules/**"]),
        custom: true,
    }
}

/// Runs a session to its end, and says how late each of its events was durable, and how late it was heard.
async fn run_one(
    app: App,
    caller: Caller,
    launch: LaunchSettings,
    working_directory: PathBuf,
    (all, later): (Arc<Barrier>, Duration),
) -> anyhow::Result<(SessionId, Durations, Durations)> {
    let new = NewSession {
        name: None,
        prompt: None,
        working_directory,
        agent: None,
        template_id: None,
        options: SessionOptions::default(),
    };
    let target = Target::New(Box::new(new));
    let request = StartSession { caller, target, launch, asker: Arc::new(Nobody) };
    let mut running = app.start_session(request).await?;
    all.wait().await;
    sleep(later).await;
    running.handle.prompt("go".to_owned()).await?;
    running.handle.finish().await?;
    let (mut delays, mut heard) = (Durations::default(), Durations::default());
    while let Some(update) = running.updates.recv().await {
        match update {
            SessionUpdate::Entry(entry) if entry.change == Change::Created => {
                if let Some(said_at) = stamp(&entry.item) {
                    let now = SystemClock.now().as_micros();
                    let since =
                        |from: i64, to: i64| Duration::from_micros(u64::try_from(to - from).unwrap_or(0));
                    delays.add(since(said_at, now));
                    heard.add(since(said_at, entry.at.as_micros()));
                }
            }
            SessionUpdate::Ended(end) => anyhow::ensure!(end.error.is_none(), "{:?}", end.error),
            _ => {}
        }
    }
    Ok((running.session.id, delays, heard))
}

/// When an agent said something, by its own words.
fn stamp(item: &TimelineItem) -> Option<i64> {
    match item {
        TimelineItem::Message(message) if message.body.message_type == MessageType::Assistant => {
            message.body.content.text().parse().ok()
        }
        _ => None,
    }
}

/// Everything that was said is stored, in numbers without gaps.
async fn refuse_loss(app: &App, caller: Caller, session: SessionId, events: u32) -> anyhow::Result<()> {
    let entries = app.list_timeline(caller, session, 0, u32::MAX).await?;
    let said = entries.iter().filter(|entry| stamp(&entry.item).is_some()).count();
    anyhow::ensure!(said == events as usize, "{said} of {events} events are stored");
    let is_numbered = (1_i64..).zip(&entries).all(|(number, entry)| entry.sequence == number);
    anyhow::ensure!(is_numbered, "numbers of the timeline have gaps");
    Ok(())
}

/// What one child of this process occupies.
fn child_megabytes() -> anyhow::Result<f64> {
    let own = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"))?;
    let mut children: Vec<_> = children.split_whitespace().map(str::to_owned).collect();
    if children.is_empty() {
        // They belong to the thread that started them.
        for task in std::fs::read_dir("/proc/self/task")? {
            let listed = std::fs::read_to_string(task?.path().join("children"))?;
            children.extend(listed.split_whitespace().map(str::to_owned));
        }
    }
    resident_megabytes(children.first().context("no agent runs")?)
}

/// Nobody is asked.
#[derive(Debug)]
pub(super) struct Nobody;

impl Asker for Nobody {
    fn ask(&self, _: Question) -> BoxFuture<Answer> {
        Box::pin(async { Answer::No { reason: "nobody is there".to_owned() } })
    }
}
