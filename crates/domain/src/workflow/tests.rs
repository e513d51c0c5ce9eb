use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn status(name: &str) -> TaskStatus {
    name.parse().expect("status")
}

fn refused(change: impl FnOnce(&mut Value)) -> InvalidWorkflow {
    let mut json = serde_json::to_value(WorkflowDefinition::built_in()).expect("json");
    change(&mut json);
    WorkflowDefinition::from_json(&json.to_string()).expect_err("refused")
}

#[test]
fn the_built_in_workflow_is_valid_and_survives_its_json() {
    let built_in = WorkflowDefinition::built_in();
    let json = serde_json::to_string(built_in).expect("json");
    assert_eq!(WorkflowDefinition::from_json(&json), Ok(built_in.clone()));
    assert_eq!((built_in.initial().as_str(), built_in.start().as_str()), ("todo", "in_progress"));
}

#[test]
fn the_built_in_workflow_has_these_moves_and_no_others() {
    let workflow = WorkflowDefinition::built_in();
    let expected = |from: &str| match from {
        "todo" => vec![("in_progress", false), ("blocked", false), ("archived", false)],
        "in_progress" => {
            vec![("ready_for_review", false), ("blocked", false), ("todo", false), ("archived", false)]
        }
        "ready_for_review" => vec![("completed", false), ("in_progress", true), ("archived", false)],
        "blocked" => vec![("todo", false), ("archived", false)],
        "completed" => vec![("in_progress", true), ("archived", false)],
        "archived" => vec![("todo", false)],
        other => panic!("{other}"),
    };
    for from in workflow.statuses() {
        for to in workflow.statuses() {
            let (from, to) = (&from.name, &to.name);
            let known = expected(from.as_str()).into_iter().find(|(name, _)| *name == to.as_str());
            let plain = workflow.permit(from, to, None);
            let explained = workflow.permit(from, to, Some("because"));
            match known {
                None => {
                    let error = explained.expect_err("refused").to_string();
                    assert_eq!(plain.expect_err("refused").to_string(), error);
                    for (legal, _) in expected(from.as_str()) {
                        assert!(error.contains(legal), "{error}");
                    }
                }
                Some((_, true)) => {
                    assert!(matches!(plain, Err(RefusedMove::ReasonNeeded { .. })));
                    assert!(matches!(
                        workflow.permit(from, to, Some("  ")),
                        Err(RefusedMove::ReasonNeeded { .. })
                    ));
                    assert!(explained.is_ok());
                }
                Some((_, false)) => assert!(plain.is_ok() && explained.is_ok()),
            }
            assert_eq!(workflow.permit_forced(from, to).is_ok(), from != to);
        }
    }
}

#[test]
fn a_status_that_is_not_there_is_no_place_to_go() {
    let workflow = WorkflowDefinition::built_in();
    let error = workflow.permit_forced(&status("todo"), &status("done")).expect_err("refused");
    assert!(error.to_string().contains("in_progress, ready_for_review"), "{error}");
    // A status of an earlier workflow can only be left by force.
    assert!(workflow.permit(&status("done"), &status("todo"), None).is_err());
    assert!(workflow.permit_forced(&status("done"), &status("todo")).is_ok());
}

#[test]
fn what_makes_no_workflow_is_named() {
    use InvalidWorkflow as Invalid;
    assert!(matches!(WorkflowDefinition::from_json("{}"), Err(Invalid::Unreadable(_))));
    assert!(matches!(refused(|json| json["extra"] = json!(1)), Invalid::Unreadable(_)));
    assert!(matches!(refused(|json| json["statuses"][0]["name"] = json!("To Do")), Invalid::Unreadable(_)));
    assert!(matches!(refused(|json| json["statuses"][0]["weight"] = json!(1.5)), Invalid::Weight { .. }));
    assert!(matches!(refused(|json| json["statuses"][0]["is_initial"] = json!(false)), Invalid::Initial(0)));
    assert!(matches!(refused(|json| json["statuses"][1]["is_initial"] = json!(true)), Invalid::Initial(1)));
    assert!(matches!(refused(|json| json["statuses"][0]["kind"] = json!("done")), Invalid::Initial(0)));
    let done = StatusKind::Done;
    assert_eq!(refused(|json| json["statuses"][4]["kind"] = json!("review")), Invalid::NoStatusOfKind(done));
    assert_eq!(
        refused(|json| json["statuses"][4]["name"] = json!("todo")),
        Invalid::DuplicateStatus(status("todo"))
    );
    assert!(matches!(refused(|json| json["moves"][0]["to"] = json!("done")), Invalid::UnknownStatus { .. }));
    assert!(matches!(refused(|json| json["moves"][0]["to"] = json!("todo")), Invalid::UselessMove { .. }));
    assert!(matches!(
        refused(|json| json["moves"][1]["to"] = json!("in_progress")),
        Invalid::UselessMove { .. }
    ));
    assert!(matches!(refused(|json| json["moves"] = json!([])), Invalid::MissingMove { .. }));
    let many = |json: &mut Value| {
        let statuses = (0..40).map(|n| json!({"name": format!("s{n}"), "kind": "ready", "weight": 0}));
        json["statuses"] = statuses.collect();
    };
    assert_eq!(refused(many), Invalid::TooManyStatuses(40));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        prop_assert!(WorkflowDefinition::from_json(&text).is_err());
    }

    #[test]
    fn names_of_statuses_survive_their_text(text in "[a-zA-Z0-9_ ä]{0,45}") {
        if let Ok(status) = text.parse::<TaskStatus>() {
            prop_assert_eq!(status.as_str(), text);
        }
    }

    /// Whatever a random walk asks for, a task only ever takes moves of its workflow.
    #[test]
    fn a_random_walk_stays_within_the_moves(targets in proptest::collection::vec(0_usize..6, 0..40)) {
        let workflow = WorkflowDefinition::built_in();
        let mut at = workflow.initial();
        for target in targets {
            let to = &workflow.statuses()[target].name;
            if let Ok(step) = workflow.permit(at, to, Some("because")) {
                prop_assert!(workflow.successors(at).any(|successor| successor == to));
                prop_assert_eq!((&step.from, &step.to), (at, to));
                at = to;
            }
        }
    }
}
