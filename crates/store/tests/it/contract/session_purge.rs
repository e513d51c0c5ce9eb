//! Physical removal of a session.

use domain::{
    checkpoint::Checkpoint,
    id::{CheckpointId, MaintenanceRunId, MessageId, MetricsSnapshotId, SessionId, TaskId},
    metrics_snapshot::{MetricsSnapshot, SnapshotType},
    session::{Session, SessionTotals},
    session_status::SessionStatus,
    timeline::TimelineItem,
    transcript::TranscriptPiece,
};
use provost_store::{Guard, Maintenance, NewState, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, referenced, sample};

on_both_databases! {
    what_belongs_to_a_purged_session_is_gone,
    what_refers_to_a_purged_session_stays_without_it,
    logs_and_decisions_stay,
    a_deleted_session_can_be_purged,
    a_session_that_runs_is_not_purged,
    another_team_purges_nothing,
}

fn maintenance() -> Maintenance {
    Maintenance {
        id: MaintenanceRunId::from_uuid(sample::uuid()),
        team_id: Some(sample::TEAM),
        actor: "system:test".into(),
        reason: "it is asked for".into(),
        at: sample::time(50),
    }
}

async fn purge(fixture: &Fixture, id: SessionId) -> Result<(), StoreError> {
    fixture.write(move |team| team.sessions().purge(id, &maintenance())).await
}

fn count(fixture: &Fixture, from: &str) -> usize {
    fixture.place().raw(&format!("SELECT 1 FROM {from}")).unwrap().len()
}

/// A session with a message, a tool call, a command, a transition and what is kept beside its timeline.
async fn full_session(fixture: &Fixture) -> (SessionId, MessageId) {
    let session = fixture.insert_session().await;
    let message = sample::message(session, "needle");
    let id = message.id;
    let items = vec![
        sample::created(TimelineItem::Message(message)),
        sample::created(TimelineItem::ToolCall(sample::tool_call(session))),
        sample::created(TimelineItem::Command(sample::command(session))),
        sample::moved(session, SessionStatus::Created, SessionStatus::Failed),
    ];
    fixture.change(session, items).await.unwrap();
    let kept = fixture.write(move |team| {
        let (key, by) = ("k".parse().unwrap(), "system:test");
        let state = NewState { key: &key, value: &json!(1), expected: 0, by, at: sample::time(1) };
        team.session_state().set(session, Guard::Anyone, &state)?;
        team.checkpoints().insert(&checkpoint(session), Guard::Anyone)?;
        team.metrics_snapshots().insert(&snapshot(session), Guard::Anyone)?;
        let piece = TranscriptPiece { bytes: vec![1], size_bytes: 1 };
        team.transcripts().append(session, 0, &"a".parse().unwrap(), piece, sample::time(1))
    });
    kept.await.unwrap();
    (session, id)
}

fn checkpoint(session: SessionId) -> Checkpoint {
    Checkpoint {
        id: CheckpointId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id: Some(session),
        task_id: None,
        name: "before".parse().unwrap(),
        iteration: 0,
        state: json!({}),
        message_sequence: None,
        file_snapshot: None,
        created_by: "system:test".into(),
        created_at: sample::time(1),
    }
}

fn snapshot(session_id: SessionId) -> MetricsSnapshot {
    MetricsSnapshot {
        id: MetricsSnapshotId::from_uuid(sample::uuid()),
        session_id,
        snapshot_type: SnapshotType::Final,
        totals: SessionTotals::default(),
        avg_tool_duration_ms: None,
        metrics: json!({}),
        snapshot_at: sample::time(1),
    }
}

async fn what_belongs_to_a_purged_session_is_gone(fixture: &Fixture) {
    const TABLES: [&str; 15] = [
        "sessions",
        "messages",
        "tool_calls",
        "session_commands",
        "session_transitions",
        "session_events",
        "session_state",
        "checkpoints",
        "agent_instances",
        "session_metrics_snapshots",
        "transcript_segments",
        "message_search",
        "hook_executions",
        "approvals",
        "working_directory_archives",
    ];
    let ((session, _), (other, _)) = (full_session(fixture).await, full_session(fixture).await);
    for session in [session, other] {
        insert_governance(fixture, session);
        insert_instance(fixture, session);
        let archive = referenced::archive(fixture, fixture.team, session);
        let link = format!("UPDATE sessions SET archive_id = '{archive}' WHERE id = '{session}'");
        fixture.place().raw(&link).unwrap();
    }
    let before = TABLES.map(|table| count(fixture, table));
    assert_eq!(purge(fixture, session).await, Ok(()));
    let after = TABLES.map(|table| count(fixture, table));
    assert_eq!(after.map(|rows| rows * 2), before, "{TABLES:?}");
    assert!(after.iter().all(|rows| *rows > 0), "each has rows: {after:?}");
    let query = domain::full_text::TextQuery::new("needle");
    let found = fixture.read(move |team| team.message_search().search(&query, None, 9)).await.unwrap();
    assert_eq!(found.iter().map(|place| place.session_id).collect::<Vec<_>>(), [other]);
    let words = fixture.place().pick(
        "message_words WHERE message_words MATCH 'needle'",
        "message_search WHERE words @@ to_tsquery('english', 'needle')",
    );
    assert_eq!(count(fixture, words), 1);
    let findings = fixture.store.scan(provost_store::check).await.unwrap();
    let of_purged = findings.iter().find(|finding| finding.what.contains(&session.to_string()));
    assert_eq!(of_purged, None, "nothing is left of it that should not be");
}

async fn what_refers_to_a_purged_session_stays_without_it(fixture: &Fixture) {
    let (session, message) = full_session(fixture).await;
    let task: TaskId = referenced::task(fixture, fixture.team, Some(session));
    let fork = Session { parent_session_id: Some(session), ..sample::session(fixture.team) };
    let fork_id = fork.id;
    fixture.write(move |team| team.sessions().insert(&fork)).await.unwrap();
    insert_references(fixture, session, message);
    let referring = [
        format!("tasks WHERE id = '{task}' AND session_id"),
        format!("sessions WHERE id = '{fork_id}' AND parent_session_id"),
        "memories WHERE source_session_id".to_owned(),
        "memories WHERE source_message_id".to_owned(),
        "cost_entries WHERE session_id".to_owned(),
        "metrics WHERE session_id".to_owned(),
        "budget_reservations WHERE session_id".to_owned(),
    ];
    for reference in &referring {
        assert_eq!(count(fixture, &format!("{reference} IS NOT NULL")), 1, "{reference}");
    }
    assert_eq!(purge(fixture, session).await, Ok(()));
    for reference in &referring {
        assert_eq!(count(fixture, &format!("{reference} IS NULL")), 1, "{reference}");
    }
}

async fn logs_and_decisions_stay(fixture: &Fixture) {
    let (session, _) = full_session(fixture).await;
    insert_governance(fixture, session);
    assert_eq!(purge(fixture, session).await, Ok(()));
    let of_session = format!("session_id = '{session}'");
    for log in ["audit_log", "memory_log", "memory_uses"] {
        assert_eq!(count(fixture, &format!("{log} WHERE {of_session}")), 1, "{log}");
    }
    let blank = "input_data IS NULL AND context IS NULL AND reason IS NULL AND tool_name = 'Bash'";
    assert_eq!(count(fixture, &format!("permission_decisions WHERE {of_session} AND {blank}")), 1);
    let run = fixture.place().raw("SELECT actor, rows_deleted, rows_redacted FROM maintenance_runs").unwrap();
    let run: Vec<_> = run[0].iter().map(|column| column.as_deref().unwrap()).collect();
    assert_eq!(run, ["system:test", "5", "1"], "four entries and a hook's run; a decision");
    let closed = "maintenance_runs WHERE closed_at IS NOT NULL";
    assert_eq!(count(fixture, closed), 1);
    let refused = fixture.place().raw("DELETE FROM permission_decisions").unwrap_err();
    assert!(refused.contains("append-only"), "the door is shut: {refused}");
}

async fn a_deleted_session_can_be_purged(fixture: &Fixture) {
    let (session, _) = full_session(fixture).await;
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(5))).await.unwrap();
    assert_eq!(purge(fixture, session).await, Ok(()));
    assert_eq!(
        purge(fixture, session).await,
        Err(StoreError::Missing { what: format!("session {session}") })
    );
    assert_eq!(count(fixture, "session_events"), 0);
}

async fn a_session_that_runs_is_not_purged(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    fixture.acquire(session, 1, 60).await;
    let refused = purge(fixture, session).await.unwrap_err();
    assert!(refused.to_string().contains("is held by host/boot/1/1 until"), "{refused}");
    let moved = sample::moved(session, SessionStatus::Created, SessionStatus::Connecting);
    fixture.change(session, vec![moved]).await.unwrap();
    let refused = purge(fixture, session).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    assert_eq!((count(fixture, "session_events"), count(fixture, "maintenance_runs")), (1, 0));
}

async fn another_team_purges_nothing(fixture: &Fixture) {
    let ((session, _), other) = (full_session(fixture).await, fixture.other_team().await);
    let purged =
        fixture.store.write(move |tx| tx.team(other).sessions().purge(session, &maintenance())).await;
    assert_eq!(purged, Err(StoreError::Missing { what: format!("session {session}") }));
    assert_eq!(count(fixture, "session_events"), 4);
}

/// The texts for this database of a time, of yes and no, and of a digest.
fn literals(fixture: &Fixture) -> (&'static str, &'static str, &'static str) {
    let place = fixture.place();
    (
        place.pick("0", "'epoch'"),
        place.pick("0", "false"),
        place.pick("zeroblob(32)", "decode(repeat('00', 32), 'hex')"),
    )
}

/// A run of a hook, a decision, an approval, and lines of logs.
fn insert_governance(fixture: &Fixture, session: SessionId) {
    let (at, no, digest) = literals(fixture);
    let [execution, decision, approval, audit, log, memory, given] = [(); 7].map(|()| sample::uuid());
    let team = fixture.team;
    let sql = format!(
        "INSERT INTO hook_executions (id, session_id, sequence, hook_name, hook_type, continue_execution, duration_us, executed_at)
         VALUES ('{execution}', '{session}', 101, 'audit', 'Stop', {no}, 1, {at});
         INSERT INTO permission_decisions (id, session_id, sequence, tool_name, input_data, context, decision, decided_by,
                                           reason, interrupted, decided_at)
         VALUES ('{decision}', '{session}', 102, 'Bash', '{{}}', '{{}}', 'deny', 'policy', 'a secret', {no}, {at});
         INSERT INTO approvals (id, team_id, session_id, sequence, tool_name, input, input_sha256, status, requested_at,
                                expires_at, updated_at)
         VALUES ('{approval}', '{team}', '{session}', 103, 'Bash', '{{}}', {digest}, 'pending', {at}, {at}, {at});
         INSERT INTO audit_log (id, team_id, at, actor_kind, actor_id, action, target_kind, session_id, digest, outcome)
         VALUES ('{audit}', '{team}', {at}, 'system', 'test', 'session.create', 'session', '{session}', {digest}, 'success');
         INSERT INTO memory_log (id, team_id, namespace, key, memory_id, action, changed_by, session_id, at)
         VALUES ('{log}', '{team}', 'team:a', 'k', '{memory}', 'created', 'system:test', '{session}', {at});
         INSERT INTO memory_uses (id, team_id, session_id, memory_id, version, score, at)
         VALUES ('{given}', '{team}', '{session}', '{memory}', 1, 0.5, {at})"
    );
    fixture.place().raw(&sql).unwrap();
}

fn insert_instance(fixture: &Fixture, session: SessionId) {
    let ((at, ..), instance, team) = (literals(fixture), sample::uuid(), fixture.team);
    let sql = format!(
        "INSERT INTO agent_instances (id, team_id, session_id, kind, name, state, spawned_at, created_at, updated_at)
         VALUES ('{instance}', '{team}', '{session}', 'main', 'main', 'idle', {at}, {at}, {at})"
    );
    fixture.place().raw(&sql).unwrap();
}

/// A row of each kind that outlives the session it refers to.
fn insert_references(fixture: &Fixture, session: SessionId, message: MessageId) {
    let (at, no, digest) = literals(fixture);
    let [memory, cost, metric, budget, reservation] = [(); 5].map(|()| sample::uuid());
    let team = fixture.team;
    let sql = format!(
        "INSERT INTO memories (id, team_id, namespace, key, content, content_sha256, memory_type, tier, status, source, importance, confidence,
                               is_pinned, version, is_deleted, related_to, contradicts, source_session_id, source_message_id,
                               created_by, updated_by, metadata, created_at, updated_at)
         VALUES ('{memory}', '{team}', 'team:a', 'k', 'c', {digest}, 'semantic', 'warm', 'active', 'explicit', 5, 1, {no}, 1, {no},
                 '[]', '[]', '{session}', '{message}', 'system:test', 'system:test', '{{}}', {at}, {at});
         INSERT INTO cost_entries (id, team_id, session_id, input_tokens, output_tokens, cache_creation_tokens,
                                   cache_read_tokens, source, at)
         VALUES ('{cost}', '{team}', '{session}', 1, 1, 1, 1, 'reported', {at});
         INSERT INTO metrics (id, team_id, name, value, labels, session_id, at)
         VALUES ('{metric}', '{team}', 'm', 1, '{{}}', '{session}', {at});
         INSERT INTO budgets (id, team_id, scope, target_id, period, limit_usd_micros, alert_percent, is_hard, created_at,
                              updated_at)
         VALUES ('{budget}', '{team}', 'team', '{team}', 'total', 1, 80, {no}, {at}, {at});
         INSERT INTO budget_reservations (id, budget_id, session_id, amount_usd_micros, state, created_at, updated_at)
         VALUES ('{reservation}', '{budget}', '{session}', 1, 'held', {at}, {at})"
    );
    fixture.place().raw(&sql).unwrap();
}
