//! What it costs to decide, to let a tool call through, and to prove what was done.

use std::{path::Path, sync::Arc, time::Duration};

use app::{
    App, Caller,
    audit::KeyFile,
    clock::SystemSecrets,
    session::{NewSession, SessionUpdate, StartSession, Target},
};
use domain::{
    audit_action::AuditAction,
    permission::PermissionMode,
    policy::PolicyKind,
    session::SessionOptions,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    tool_call::ToolCall,
};
use policy::{Call, Links, PolicySet, PolicyText, Surroundings};
use serde_json::{Value, json};

use super::{
    measure::Durations,
    program,
    report::{Figure, Report},
    sessions::{self, Nobody},
    sqlite,
};

const MOST_DECISION_P50: f64 = 50.0;
const MOST_DECISION_P99: f64 = 500.0;
const DECISIONS: usize = 2_000;
const CALLS: usize = 300;
const MOST_GATE: f64 = 2_000.0;
const LINES: usize = 200_000;
const LINES_A_TRANSACTION: usize = 1_000;
const LEAST_VERIFIED: f64 = 500_000.0;

/// Measures all three.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    measure_decisions(report)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure_gate(folder, report))?;
    runtime.block_on(measure_audit(folder, report))
}

/// What an agent runs all day.
const COMMANDS: [&str; 10] = [
    "cargo test --workspace 2>&1 | tail -20",
    "git status && git diff --stat",
    "grep -rn 'fn main' src | head",
    "cd crates/app && cargo check",
    "npm run build",
    "cat Cargo.toml; ls -la src",
    "find . -name '*.rs' -newer Cargo.lock | xargs wc -l",
    "sed -n '1,80p' src/lib.rs",
    "for f in a b c; do echo $f; done > out.txt",
    "curl -sS https://docs.rs/serde -o page.html",
];

fn measure_decisions(report: &mut Report) -> anyhow::Result<()> {
    let set = hundred_rules()?;
    let inputs: Vec<Value> = COMMANDS.iter().map(|command| json!({ "command": command })).collect();
    let mut durations = Durations::default();
    for number in 0..DECISIONS * COMMANDS.len() {
        let call = Call { tool_name: "Bash", input: &inputs[number % inputs.len()], cwd: "/work" };
        durations.time(|| set.judge(&set.plan(&call), &Links::default(), Timestamp::from_micros(0)));
    }
    let (p50, p99) = (durations.p50(), durations.p99());
    report.add(&Figure {
        name: "decision of a command, 100 rules",
        figure: format!("p50/p99 {p50:.0}/{p99:.0} µs"),
        ratio: None,
        target: format!("< {MOST_DECISION_P50}/{MOST_DECISION_P99} µs"),
        is_met: Some(p50 < MOST_DECISION_P50 && p99 < MOST_DECISION_P99),
    })
}

/// A hundred rules, and what holds in every session.
fn hundred_rules() -> anyhow::Result<PolicySet> {
    let rules = |tool: &str| (0..50).map(|number| format!("{tool}({number}x/**)")).collect::<Vec<_>>();
    let commands: Vec<_> = (0..50).map(|number| format!("Bash(tool{number} run:*)")).collect();
    let config = json!({ "deny": rules("Edit"), "allow": commands });
    let own = PolicyText { name: "rules".to_owned(), kind: PolicyKind::Rules, priority: 100, config };
    let surroundings = Surroundings { project_root: "/work".to_owned(), ..Surroundings::default() };
    let policies: Vec<_> = sessions::default_policies().texts().into_iter().chain([own]).collect();
    Ok(PolicySet::read(&policies, surroundings)?)
}

/// Looks how long each call of an agent waits to be decided, and how much longer it takes than its command.
async fn measure_gate(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let program = program::folder()?.join("provost");
    if !program.exists() {
        return report.skip("gate", &format!("there is no {}", program.display()));
    }
    let place = folder.join("gate");
    std::fs::create_dir(&place)?;
    let entries = run_calls(&program, &place).await?;
    let calls: Vec<&ToolCall> = entries.iter().filter_map(call_of).collect();
    let decisions = entries.iter().filter_map(|entry| match &entry.item {
        TimelineItem::Decision(decision) => Some(decision),
        _ => None,
    });
    let mut judging = Durations::default();
    for (call, decision) in calls.iter().zip(decisions) {
        anyhow::ensure!(decision.tool_call_id == Some(call.id), "a decision of another call");
        judging.add(decision.decided_at.since(call.created_at));
    }
    anyhow::ensure!(judging.len() == CALLS, "{} of {CALLS} calls were judged", judging.len());
    let mut cycles = Durations::default();
    for pair in calls.windows(2) {
        let [call, next] = pair else { continue };
        let ran = Duration::from_millis(call.duration_ms.unwrap_or(0).unsigned_abs());
        cycles.add(next.created_at.since(call.created_at).saturating_sub(ran));
    }
    let (p50, cycle) = (judging.p50(), cycles.p50());
    report.add(&Figure {
        name: "gate of a tool call, until it is decided",
        figure: format!("p50/p99 {p50:.0}/{:.0} µs", judging.p99()),
        ratio: None,
        target: format!("p50 < {MOST_GATE} µs"),
        is_met: Some(p50 < MOST_GATE),
    })?;
    report.add(&Figure {
        name: "one call to the next, without its command",
        figure: format!("p50 {cycle:.0} µs, 3 durable records"),
        ratio: None,
        target: String::new(),
        is_met: None,
    })
}

/// Lets an agent run a command that does nothing, again and again.
async fn run_calls(program: &Path, place: &Path) -> anyhow::Result<Vec<TimelineEntry>> {
    let scenario = place.join("scenario.json");
    let call = json!({ "tool": "Bash", "input": { "command": "true" } });
    std::fs::write(&scenario, json!({ "turn": [{ "step": vec![call; CALLS] }] }).to_string())?;
    let (app, caller) = sessions::app_on(sqlite::open(&place.join("gate.db"))?).await?;
    let options =
        SessionOptions { permission_mode: PermissionMode::BypassPermissions, ..SessionOptions::default() };
    let new = NewSession {
        name: None,
        prompt: None,
        working_directory: place.to_owned(),
        agent: None,
        template_id: None,
        options,
    };
    let (target, launch) = (Target::New(Box::new(new)), sessions::launch(program, place, &scenario));
    let request = StartSession { caller, target, launch, asker: Arc::new(Nobody) };
    let mut running = app.start_session(request).await?;
    running.handle.prompt("go".to_owned()).await?;
    running.handle.finish().await?;
    while let Some(update) = running.updates.recv().await {
        if let SessionUpdate::Ended(end) = update {
            anyhow::ensure!(end.error.is_none(), "{:?}", end.error);
        }
    }
    Ok(app.list_timeline(caller, running.session.id, 0, u32::MAX).await?)
}

fn call_of(entry: &TimelineEntry) -> Option<&ToolCall> {
    match &entry.item {
        TimelineItem::ToolCall(call) if entry.change == Change::Created => Some(call),
        _ => None,
    }
}

/// Verifies a long log.
async fn measure_audit(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (app, caller) = sessions::app_on(sqlite::open(&folder.join("audit.db"))?).await?;
    for _ in 0..LINES / LINES_A_TRANSACTION {
        append(&app, caller).await?;
    }
    let key = KeyFile::new(folder.join("audit.key"), Arc::new(SystemSecrets));
    let mut sealing = Durations::default();
    sealing.time_async(app.seal_audit(&key)).await?;
    let mut verifying = Durations::default();
    for _ in 0..3 {
        let verification = verifying.time_async(app.verify_audit(caller, Vec::new())).await?;
        anyhow::ensure!(verification.broken.is_none(), "{:?}", verification.broken);
    }
    let rate =
        |durations: &Durations| f64::from(u32::try_from(LINES).unwrap_or(u32::MAX)) / durations.p50() * 1e6;
    let verified = rate(&verifying);
    report.add(&Figure {
        name: "audit log, verified",
        figure: format!("{verified:.0} lines/s; sealed {:.0}/s", rate(&sealing)),
        ratio: None,
        target: format!("> {LEAST_VERIFIED:.0}/s"),
        is_met: Some(verified > LEAST_VERIFIED),
    })
}

async fn append(app: &App, caller: Caller) -> anyhow::Result<()> {
    let deeds: Vec<_> = (0..LINES_A_TRANSACTION)
        .map(|number| {
            let deed = app.deed(caller, AuditAction::ToolCallDecide).on(format!("toolu_{number}"));
            deed.with("tool", "Bash")
                .with("decision", "allow")
                .with("decided_by", "policy")
                .with("policy", "rules")
        })
        .collect();
    let append = move |tx: &store::Tx<'_>| deeds.into_iter().try_for_each(|deed| deed.append(tx));
    Ok(app.store().write(append).await?)
}
