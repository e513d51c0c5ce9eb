//! `check` is silent when all is well and names what is not; `repair` computes anew what is derived and touches nothing else.

use domain::id::SessionId;
use provost_store::{Finding, check, repair};

use crate::{
    fixture::{Fixture, Place},
    sample,
};

on_both_databases! {
    a_gap_in_the_numbers_is_found,
    a_missing_row_is_found,
    a_row_without_its_entry_is_found,
    a_wrong_next_number_is_repaired,
    a_wrong_counter_is_repaired,
    rows_that_are_not_in_the_search_index_are_added,
    rows_of_the_search_index_without_their_source_are_removed,
    a_version_that_is_missing_is_found,
    a_broken_audit_chain_is_found,
    a_door_left_open_is_found,
    a_trigger_that_is_gone_or_another_is_found,
}

async fn a_gap_in_the_numbers_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let unguard = fixture
        .place()
        .pick("DROP TRIGGER session_events_remain;", "DROP TRIGGER session_events_keep ON session_events;");
    // A transition has no words, and its number is the first.
    fixture.place().raw(&format!("{unguard} DELETE FROM session_events WHERE sequence = 2")).unwrap();
    let found = findings(fixture).await;
    assert!(found.iter().all(|finding| !finding.is_repairable), "{found:?}");
    assert_names(&found, "sequence", session);
    assert_names(&found, "timeline", session);
    assert_nothing_is_repaired(fixture).await;
}

async fn a_missing_row_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let sql = "DELETE FROM message_search WHERE sequence = 2; DELETE FROM messages WHERE sequence = 2;
        UPDATE sessions SET total_messages = total_messages - 1";
    fixture.place().raw(sql).unwrap();
    let found = findings(fixture).await;
    assert!(matches!(&found[..], [finding] if finding.check == "timeline"), "{found:?}");
    assert_names(&found, "timeline", session);
    assert_nothing_is_repaired(fixture).await;
}

async fn a_row_without_its_entry_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let at = time(fixture.place());
    let sql = format!(
        "INSERT INTO hook_executions (id, session_id, sequence, hook_name, hook_type, continue_execution, duration_us, executed_at)
         VALUES ('00000000-0000-7000-8000-000000000001', '{session}', 1, 'a', 'b', {}, 1, {at});
         UPDATE sessions SET total_hook_executions = 1",
        fixture.place().pick("1", "true"),
    );
    fixture.place().raw(&sql).unwrap();
    assert_names(&findings(fixture).await, "timeline", session);
    assert_nothing_is_repaired(fixture).await;
}

async fn a_wrong_next_number_is_repaired(fixture: &Fixture) {
    let session = recorded(fixture).await;
    fixture.place().raw("UPDATE sessions SET next_sequence = 9").unwrap();
    assert_repaired(fixture, "sequence", &session.to_string(), 1).await;
}

async fn a_wrong_counter_is_repaired(fixture: &Fixture) {
    let session = recorded(fixture).await;
    for counter in ["total_messages", "total_tool_calls", "total_hook_executions"] {
        fixture.place().raw(&format!("UPDATE sessions SET {counter} = 5")).unwrap();
        assert_repaired(fixture, "counters", &session.to_string(), 1).await;
    }
    let totals = fixture.place().raw("SELECT total_messages, total_tool_calls FROM sessions").unwrap();
    assert_eq!(totals, [[Some("3".to_owned()), Some("0".to_owned())]]);
    // Sessions of the first version counted decisions that have no rows.
    fixture.place().raw("UPDATE sessions SET total_permission_checks = 5").unwrap();
    assert_nothing_is_repaired(fixture).await;
    fixture.assert_whole().await;
}

async fn rows_that_are_not_in_the_search_index_are_added(fixture: &Fixture) {
    recorded(fixture).await;
    fixture.place().raw("DELETE FROM message_search WHERE sequence < 3").unwrap();
    assert_repaired(fixture, "search", "cannot be found", 2).await;
    if let Place::Sqlite(_) = fixture.place() {
        fixture
            .place()
            .raw("DELETE FROM message_words WHERE rowid = (SELECT max(number) FROM message_search)")
            .unwrap();
        assert_repaired(fixture, "search", "no words", 1).await;
    }
    let found = fixture.place().pick(
        "SELECT count(*) FROM message_words WHERE message_words MATCH 'greeting'",
        "SELECT count(*) FROM message_search WHERE words @@ plainto_tsquery('english', 'greetings')",
    );
    assert_eq!(fixture.place().raw(found).unwrap()[0][0].as_deref(), Some("3"));
}

async fn rows_of_the_search_index_without_their_source_are_removed(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let words = fixture.place().pick("", ", words");
    let value = fixture.place().pick("", ", 'a'");
    let sql = format!(
        "INSERT INTO message_search (team_id, session_id, sequence, kind, row_id{words})
         VALUES ('{}', '{session}', 9, 'message', '00000000-0000-7000-8000-000000000001'{value})",
        fixture.team
    );
    fixture.place().raw(&sql).unwrap();
    if let Place::Sqlite(_) = fixture.place() {
        fixture
            .place()
            .raw("INSERT INTO message_words (rowid, text) SELECT max(number), 'a' FROM message_search")
            .unwrap();
    }
    assert_repaired(fixture, "search", "not there", 1).await;
}

async fn a_version_that_is_missing_is_found(fixture: &Fixture) {
    let (at, team) = (time(fixture.place()), fixture.team);
    let agent = "00000000-0000-7000-8000-000000000001";
    let sql = format!(
        "INSERT INTO agents (id, team_id, slug, name, tagline, status, current_version, created_by, created_at, updated_at)
         VALUES ('{agent}', '{team}', 'a', 'A', '', 'draft', 1, 'me', {at}, {at});
         INSERT INTO agent_versions VALUES ('{agent}', 1, '{{}}', NULL, 'me', {at});
         INSERT INTO agent_versions VALUES ('{agent}', 2, '{{}}', NULL, 'me', {at})"
    );
    fixture.place().raw(&sql).unwrap();
    fixture.assert_whole().await;
    fixture.place().raw("UPDATE agents SET current_version = 3").unwrap();
    let found = findings(fixture).await;
    assert!(
        matches!(&found[..], [finding] if finding.check == "versions" && finding.what.contains(agent)),
        "{found:?}"
    );
    let gap = format!(
        "UPDATE agents SET current_version = 4; INSERT INTO agent_versions VALUES ('{agent}', 4, '{{}}', NULL, 'me', {at})"
    );
    fixture.place().raw(&gap).unwrap();
    assert_eq!(findings(fixture).await.len(), 1);
    assert_nothing_is_repaired(fixture).await;
}

async fn a_broken_audit_chain_is_found(fixture: &Fixture) {
    let (at, team) = (time(fixture.place()), fixture.team);
    let digest = |byte: &str| match fixture.place() {
        Place::Sqlite(_) => format!("X'{}'", byte.repeat(32)),
        Place::Postgres(_) => format!("'\\x{}'", byte.repeat(32)),
    };
    let entry = |number: u32| {
        format!(
            "INSERT INTO audit_log (id, team_id, number, at, actor_kind, actor_id, action, target_kind, digest, outcome)
             VALUES ('00000000-0000-7000-8000-{number:012}', '{team}', {number}, {at}, 'system', 'a', 'b', 'c', {}, 'success');",
            digest("aa")
        )
    };
    let seal = |number: u32, first: u32, last: u32, previous: &str, own: &str| {
        format!(
            "INSERT INTO audit_seals (team_id, number, first_number, last_number, previous, digest, sealed_at)
             VALUES ('{team}', {number}, {first}, {last}, {}, {}, {at});",
            digest(previous),
            digest(own)
        )
    };
    let well = [entry(1), entry(2), entry(3), seal(1, 1, 2, "00", "01"), seal(2, 3, 3, "01", "02")].concat();
    fixture.place().raw(&well).unwrap();
    fixture.assert_whole().await;
    let expect = async |sql: String, count: usize, word: &str| {
        fixture.place().raw(&sql).unwrap();
        let found = findings(fixture).await;
        assert_eq!(found.len(), count, "{found:?}");
        assert!(found.iter().all(|finding| finding.check == "audit" && !finding.is_repairable), "{found:?}");
        assert!(found.iter().any(|finding| finding.what.contains(word)), "{word}: {found:?}");
    };
    expect(entry(9), 1, "number 9").await;
    expect(seal(3, 4, 9, "ff", "03"), 1, "seal 3").await;
    expect(seal(4, 11, 12, "03", "04"), 2, "seal 4").await;
    expect(seal(6, 13, 13, "04", "06"), 3, "seal 6").await;
}

async fn a_door_left_open_is_found(fixture: &Fixture) {
    let sql = format!(
        "INSERT INTO maintenance_runs (id, actor, reason, opened_at)
         VALUES ('00000000-0000-7000-8000-000000000001', 'user:a', 'why', {})",
        time(fixture.place())
    );
    fixture.place().raw(&sql).unwrap();
    let found = findings(fixture).await;
    assert!(matches!(&found[..], [finding] if finding.check == "maintenance"), "{found:?}");
    assert_nothing_is_repaired(fixture).await;
}

async fn a_trigger_that_is_gone_or_another_is_found(fixture: &Fixture) {
    let expect = async |sql: &str, what: &str| {
        fixture.place().raw(sql).unwrap();
        let found = findings(fixture).await;
        assert!(
            found.iter().all(|finding| finding.check == "triggers" && !finding.is_repairable),
            "{found:?}"
        );
        assert!(found.iter().any(|finding| finding.what == what), "{what}: {found:?}");
    };
    let place = fixture.place();
    let drop = place.pick("DROP TRIGGER audit_log_keep", "DROP TRIGGER audit_log_keep ON audit_log");
    expect(drop, "the trigger audit_log_keep is missing").await;
    let drop = place.pick("DROP TRIGGER audit_log_remain", "DROP TRIGGER audit_log_remain ON audit_log");
    expect(drop, "the trigger audit_log_remain is missing").await;
    let weaken = place.pick(
        "CREATE TRIGGER audit_log_remain BEFORE DELETE ON audit_log WHEN false BEGIN SELECT RAISE(ABORT, 'append-only'); END",
        "CREATE TRIGGER audit_log_remain BEFORE INSERT ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    );
    expect(weaken, "the trigger audit_log_remain is not the one that Provost made").await;
    if let Place::Postgres(_) = place {
        expect(
            "ALTER TABLE audit_seals DISABLE TRIGGER audit_seals_keep",
            "the trigger audit_seals_keep is switched off",
        )
        .await;
        expect(
            "CREATE OR REPLACE FUNCTION keep_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
            "the trigger function keep_append_only is not the one that Provost made",
        )
        .await;
    }
    assert_nothing_is_repaired(fixture).await;
}

const fn time(place: &Place) -> &'static str {
    match place {
        Place::Sqlite(_) => "1",
        Place::Postgres(_) => "now()",
    }
}

async fn recorded(fixture: &Fixture) -> SessionId {
    let session = fixture.insert_session().await;
    let items = (0..3).map(|_| sample::created_message(session, "greetings")).collect();
    fixture.change(session, items).await.unwrap();
    fixture.store.write(repair).await.unwrap();
    fixture.assert_whole().await;
    session
}

async fn findings(fixture: &Fixture) -> Vec<Finding> {
    let findings = fixture.store.scan(check).await.unwrap();
    assert!(!findings.is_empty());
    findings
}

fn assert_names(findings: &[Finding], check: &str, session: SessionId) {
    let is_it = |finding: &&Finding| finding.check == check && finding.what.contains(&session.to_string());
    assert!(findings.iter().any(|finding| is_it(&finding)), "{findings:?}");
}

async fn assert_nothing_is_repaired(fixture: &Fixture) {
    let before = fixture.store.scan(check).await;
    assert_eq!(fixture.store.write(repair).await, Ok(Vec::new()));
    assert_eq!(fixture.store.scan(check).await, before);
}

/// One kind of finding, with these words; after the repair of so many rows all is well.
async fn assert_repaired(fixture: &Fixture, check: &str, words: &str, rows: u64) {
    let found = findings(fixture).await;
    let is_expected =
        |finding: &Finding| finding.check == check && finding.is_repairable && finding.what.contains(words);
    assert!(found.iter().all(is_expected), "{found:?}");
    let repaired = fixture.store.write(repair).await.unwrap();
    fixture.store.index_waiting().await.unwrap();
    assert!(matches!(&repaired[..], [repaired] if repaired.rows == rows), "{repaired:?}");
    fixture.assert_whole().await;
}
