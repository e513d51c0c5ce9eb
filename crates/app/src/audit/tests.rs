use std::sync::Arc;

use domain::{audit::AuditEntry, name::Name};
use serde_json::json;
use store::{AuditFilter, StoreError};

use super::*;
use crate::{clock::SystemSecrets, fixture::Fixture, hook::NewHook};

async fn lines(app: &App, caller: Caller, action: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter { action_prefix: Some(action.to_owned()), ..AuditFilter::default() };
    app.list_audit(caller, filter, None, 100).await.expect("can be read").items
}

fn hook(name: &str) -> NewHook {
    NewHook {
        name: name.parse::<Name>().expect("a name"),
        event: "PreToolUse".parse().expect("an event"),
        matcher: None,
        kind: domain::hook::HookKind::Builtin,
        config: json!({ "name": "metrics" }),
        priority: 100,
        is_gate: false,
        timeout: std::time::Duration::from_secs(5),
        is_enabled: true,
    }
}

#[tokio::test]
async fn a_deed_whose_transaction_fails_leaves_no_line() {
    let fixture = Fixture::new().await;
    let (app, caller) = (fixture.app_on("here"), fixture.caller);
    let deed = app.deed(caller, AuditAction::PriceSet).on("m");
    let failing = move |tx: &Tx<'_>| -> Result<(), StoreError> {
        deed.append(tx)?;
        Err(StoreError::Conflict { what: "something else".into() })
    };
    app.store().write(failing).await.expect_err("fails");
    assert!(lines(&app, caller, "price.").await.is_empty());
}

#[tokio::test]
async fn each_change_of_a_hook_has_a_line_and_one_that_changes_nothing_has_none() {
    let fixture = Fixture::new().await;
    let (app, caller) = (fixture.app_on("here"), fixture.caller);
    let name = || "a".parse::<Name>().expect("a name");
    app.add_hook(caller, hook("a")).await.expect("added");
    app.add_hook(caller, hook("a")).await.expect_err("taken");
    app.switch_hook(caller, name(), true).await.expect("is on already");
    app.switch_hook(caller, name(), false).await.expect("off");
    app.remove_hook(caller, name()).await.expect("removed");
    let found: Vec<_> = lines(&app, caller, "hook.").await;
    let mut actions: Vec<_> = found.iter().map(|line| line.event.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["hook.create", "hook.delete", "hook.disable"]);
    assert!(found.iter().all(|line| line.event.target_id == found[0].event.target_id));
}

#[tokio::test]
async fn a_secret_in_a_detail_is_not_stored() {
    let fixture = Fixture::new().await;
    let (app, caller) = (fixture.app_on("here"), fixture.caller);
    let secret = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    app.note(app.deed(caller, AuditAction::PriceSet).denied(format!("refused {secret}"))).await;
    let [line] = &lines(&app, caller, "price.").await[..] else { panic!("one line") };
    let detail = line.event.detail.as_ref().expect("a detail").as_value().to_string();
    assert!(detail.contains("[redacted:github-token:") && !detail.contains(secret), "{detail}");
    assert_eq!(line.event.outcome, AuditOutcome::Denied);
    assert!(line.is_intact());
}

#[tokio::test]
async fn what_waits_is_sealed_signed_and_verified_and_a_redaction_keeps_that() {
    let fixture = Fixture::new().await;
    let (app, caller) = (fixture.app_on("here"), fixture.caller);
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyFile::new(folder.path().join("audit.key"), Arc::new(SystemSecrets));
    app.add_hook(caller, hook("a")).await.expect("added");
    let sealed = app.seal_audit(&key).await.expect("sealed");
    assert!(sealed >= 2, "the installation and the hook");
    assert_eq!(app.seal_audit(&key).await.expect("nothing waits"), 0);
    let id = lines(&app, caller, "hook.").await[0].event.id;
    app.redact_audit(caller, id, "asked for".into()).await.expect("blanked");
    let again = app.redact_audit(caller, id, "asked for".into()).await;
    assert!(matches!(again, Err(RedactAuditError::Blank(_))), "{again:?}");
    let found = app.verify_audit(caller, Vec::new()).await.expect("can be read");
    assert_eq!((found.lines, found.redacted, found.unsealed, found.broken), (sealed, 1, 1, None));
    let other = app.verify_audit(caller, vec!["0123456789abcdef".into()]).await.expect("can be read");
    assert!(other.broken.is_some(), "signed with a key that is not trusted");
}

#[tokio::test]
async fn a_log_that_was_cut_is_not_the_one_that_was_exported() {
    let fixture = Fixture::new().await;
    let (app, caller) = (fixture.app_on("here"), fixture.caller);
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyFile::new(folder.path().join("audit.key"), Arc::new(SystemSecrets));
    app.add_hook(caller, hook("a")).await.expect("added");
    app.seal_audit(&key).await.expect("sealed");
    let path = folder.path().join("export");
    app.export_audit(caller, std::fs::File::create(&path).expect("a file")).await.expect("written");
    let read = || std::io::BufReader::new(std::fs::File::open(&path).expect("a file"));
    let export = read_export(read(), Vec::new()).expect("a whole export");
    assert_eq!(export.verification.broken, None);
    assert_eq!(app.compare_audit(caller, &export).await.expect("can be read"), None);
    let later = domain::audit_seal::AuditSeal { number: 9, ..export.last_seal.clone().expect("a seal") };
    let longer = domain::audit_export::ExportVerification { last_seal: Some(later), ..export };
    let missing = app.compare_audit(caller, &longer).await.expect("can be read").expect("a break");
    assert_eq!(missing.fault, domain::audit_seal::AuditFault::SealMissing);
}
