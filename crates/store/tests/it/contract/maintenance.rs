//! Maintenance, and what the append-only tables of governance refuse without it.

use domain::{
    audit_key::SigningKey, id::AuditEntryId, maintenance::MaintenanceRun, permission::Decision,
    time::Timestamp,
};
use provost_store::{Conn, Maintenance, StoreError};

use crate::{
    fixture::Fixture,
    governance::{audit_event, decided, decision, hook_execution, maintenance, ran},
    sample,
};

on_both_databases! {
    runs_are_listed_with_what_they_did,
    a_run_that_failed_leaves_nothing,
    nothing_of_governance_is_changed_or_removed,
    maintenance_blanks_payloads_and_nothing_else,
    maintenance_removes,
}

async fn redact(fixture: &Fixture, id: AuditEntryId, maintenance: Maintenance) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).audit_log().redact(id, &maintenance)).await
}

async fn list(fixture: &Fixture, own: bool, since: Timestamp) -> Vec<MaintenanceRun> {
    let team = own.then_some(sample::TEAM);
    let list = move |conn: &Conn| conn.maintenance_runs().list(team, since, None, 10);
    fixture.store.read(list).await.unwrap().items
}

async fn audit_line(fixture: &Fixture) -> AuditEntryId {
    let event = audit_event(sample::TEAM, "session.create");
    let append = move |tx: &provost_store::Tx<'_>| tx.team(sample::TEAM).audit_log().append(event);
    fixture.store.write(append).await.unwrap().event.id
}

async fn runs_are_listed_with_what_they_did(fixture: &Fixture) {
    let mut expected = Vec::new();
    for seconds in 1..=3 {
        let id = audit_line(fixture).await;
        let run = Maintenance { team_id: (seconds != 2).then_some(sample::TEAM), ..maintenance(seconds) };
        redact(fixture, id, run.clone()).await.unwrap();
        expected.push(MaintenanceRun {
            id: run.id,
            team_id: run.team_id,
            actor: run.actor,
            reason: run.reason,
            opened_at: run.at,
            closed_at: Some(run.at),
            rows_deleted: 0,
            rows_redacted: 1,
        });
    }
    let first = expected[0].id;
    let found = fixture.store.read(move |conn| conn.maintenance_runs().find(first)).await;
    assert_eq!(found, Ok(Some(expected[0].clone())));
    expected.reverse();
    assert_eq!(list(fixture, false, sample::time(0)).await, expected);
    assert_eq!(list(fixture, false, sample::time(2)).await, expected[..2]);
    assert_eq!(list(fixture, true, sample::time(0)).await, [expected[0].clone(), expected[2].clone()]);
    let page = |after| async move {
        let list = move |conn: &Conn| conn.maintenance_runs().list(None, sample::time(0), after, 2);
        fixture.store.read(list).await.unwrap()
    };
    let one = page(None).await;
    redact(fixture, audit_line(fixture).await, maintenance(9)).await.unwrap();
    let two = page(one.next).await;
    assert_eq!(([one.items, two.items].concat(), two.next), (expected, None));
}

async fn a_run_that_failed_leaves_nothing(fixture: &Fixture) {
    let absent = AuditEntryId::from_uuid(sample::uuid());
    let refused = redact(fixture, absent, maintenance(1)).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    assert_eq!(list(fixture, false, sample::time(0)).await, []);
}

/// An append-only table: its name, the columns that may be blanked, and one that may not be changed with another value.
type AppendOnly = (&'static str, &'static [&'static str], &'static str);

const TABLES: [AppendOnly; 6] = [
    ("hook_executions", &["input_data", "output_data", "context_data", "error_message"], "duration_us = 7"),
    ("permission_decisions", &["input_data", "context", "reason"], "tool_name = 'x'"),
    ("policy_revisions", &[], "changed_by = 'x'"),
    ("audit_log", &["detail"], "actor_id = 'x'"),
    ("audit_seals", &[], "key_id = 'x'"),
    ("audit_keys", &[], "id = 'x'"),
];

/// A row in each of them.
async fn fill(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let items = vec![ran(hook_execution(session, "a")), decided(decision(session, Decision::Allow))];
    fixture.change(session, items).await.unwrap();
    audit_line(fixture).await;
    let seal = |tx: &provost_store::Tx<'_>| {
        tx.team(sample::TEAM).audit_seals().seal(sample::time(2), 10, &SigningKey::from_seed([1; 32]))
    };
    fixture.store.write(seal).await.unwrap().unwrap();
    let at = fixture.place().pick("0", "now()");
    let revision = format!(
        "INSERT INTO policy_revisions (team_id, version, policies, changed_by, created_at)
         VALUES ('{}', 1, '[]', 'a', {at})",
        sample::TEAM
    );
    fixture.place().raw(&revision).unwrap();
}

fn count(fixture: &Fixture, table: &str) -> String {
    let rows = fixture.place().raw(&format!("SELECT count(*) FROM {table}")).unwrap();
    rows[0][0].clone().unwrap()
}

fn refused(fixture: &Fixture, table: &str, sql: &str) {
    let error = fixture.place().raw(sql).unwrap_err();
    assert!(error.contains(&format!("{table} is append-only")), "{sql}: {error}");
}

async fn nothing_of_governance_is_changed_or_removed(fixture: &Fixture) {
    fill(fixture).await;
    for (table, payload, change) in TABLES {
        refused(fixture, table, &format!("UPDATE {table} SET {change}"));
        refused(fixture, table, &format!("DELETE FROM {table}"));
        for column in payload {
            // Some are blank already; a blank stays one, so only what changes is refused.
            if count(fixture, &format!("{table} WHERE {column} IS NOT NULL")) == "1" {
                refused(fixture, table, &format!("UPDATE {table} SET {column} = NULL"));
            }
        }
        if !fixture.place().pick("", "TRUNCATE").is_empty() {
            refused(fixture, table, &format!("TRUNCATE {table}"));
            let error = fixture.maintain_raw(&format!("TRUNCATE {table}")).unwrap_err();
            assert!(error.contains("append-only"), "{error}");
        }
        assert_eq!(count(fixture, table), "1");
    }
    refused(fixture, "audit_log", "UPDATE audit_log SET number = 9");
    refused(fixture, "audit_log", "UPDATE audit_log SET number = NULL");
}

async fn maintenance_blanks_payloads_and_nothing_else(fixture: &Fixture) {
    fill(fixture).await;
    for (table, payload, change) in TABLES {
        let error = fixture.maintain_raw(&format!("UPDATE {table} SET {change}")).unwrap_err();
        assert!(error.contains("append-only"), "{error}");
        for column in payload {
            let value = if ["reason", "error_message"].contains(column) { "'other'" } else { "'{\"a\": 2}'" };
            let error = fixture.maintain_raw(&format!("UPDATE {table} SET {column} = {value}")).unwrap_err();
            assert!(error.contains("may only blank its payload"), "{table}.{column}: {error}");
            fixture.maintain_raw(&format!("UPDATE {table} SET {column} = NULL")).unwrap();
            assert_eq!(count(fixture, &format!("{table} WHERE {column} IS NULL")), "1");
        }
    }
    let error = fixture.maintain_raw("UPDATE audit_log SET number = 9").unwrap_err();
    assert!(error.contains("audit_log is append-only"), "{error}");
    let error = fixture.maintain_raw("UPDATE audit_log SET detail_sha256 = NULL").unwrap_err();
    assert!(error.contains("audit_log is append-only"), "{error}");
}

async fn maintenance_removes(fixture: &Fixture) {
    fill(fixture).await;
    for (table, ..) in TABLES {
        fixture.maintain_raw(&format!("DELETE FROM {table}")).unwrap();
        assert_eq!(count(fixture, table), "0");
    }
    let open = count(fixture, "maintenance_runs WHERE closed_at IS NULL");
    assert_eq!(open, "0", "nobody ever sees it open");
}
