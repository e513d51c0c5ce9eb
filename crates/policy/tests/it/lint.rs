//! What lint calls superfluous can be removed, and every call is decided as before.

use std::collections::BTreeMap;

use domain::{permission::Decision, time::Timestamp};
use proptest::prelude::*;
use provost_policy::{Batch, LintCode, LintFinding, PolicyFile, PolicyText, Surroundings, lint};
use serde_json::{Value, json};

use crate::sets::{Line, lines, policy_files};

/// Of a finding, where its rule stands: the policy, the list, the place in it.
fn place(finding: &LintFinding) -> Option<(String, String, usize)> {
    let is_superfluous =
        matches!(finding.code, LintCode::Shadowed | LintCode::Repeated | LintCode::Redundant);
    let field = finding.field.as_deref().filter(|_| is_superfluous)?;
    let (list, index) = field.strip_suffix(']')?.split_once('[')?;
    Some((finding.policy.clone(), list.to_owned(), index.parse().ok()?))
}

/// The policies without the rules at these places.
fn without(policies: &[PolicyText], places: &[(String, String, usize)]) -> Vec<PolicyText> {
    let mut policies = policies.to_vec();
    for policy in &mut policies {
        for (list, rules) in policy.config.as_object_mut().into_iter().flatten() {
            let Value::Array(rules) = rules else { continue };
            let mut index = 0;
            rules.retain(|_| {
                let is_named =
                    places.iter().any(|place| *place == (policy.name.clone(), list.clone(), index));
                index += 1;
                !is_named
            });
        }
    }
    policies
}

fn decided(batch: &Batch, line: &Line) -> Decision {
    batch.judge(&line.case, Timestamp::from_micros(0)).expect("a decision").decision
}

fn read(policies: Vec<PolicyText>, surroundings: &Surroundings) -> Batch {
    PolicyFile { surroundings: Some(surroundings.clone()), policies }.read().expect("policies")
}

/// Removes what is superfluous, all at once and one by one, and judges these lines again; gives how many there were.
fn assert_superfluous(policies: &[PolicyText], surroundings: &Surroundings, lines: &[&Line]) -> usize {
    let places: Vec<_> = lint(policies, surroundings).iter().filter_map(place).collect();
    if places.is_empty() {
        return 0;
    }
    let before = read(policies.to_vec(), surroundings);
    let fewer = read(without(policies, &places), surroundings);
    let one_by_one: Vec<_> = places
        .iter()
        .map(|place| read(without(policies, std::slice::from_ref(place)), surroundings))
        .collect();
    for line in lines {
        let expected = decided(&before, line);
        for after in std::iter::once(&fewer).chain(&one_by_one) {
            let case = &line.case;
            assert_eq!(decided(after, line), expected, "{places:?}: {} {}", case.tool_name, case.tool_input);
        }
    }
    places.len()
}

#[test]
fn the_sets_of_the_corpora_decide_the_same_without_what_is_superfluous() {
    let lines = lines();
    for (name, file) in policy_files() {
        let of_set: Vec<&Line> = lines.iter().filter(|line| line.policy == name).collect();
        assert_superfluous(&file.policies, &file.surroundings.unwrap_or_default(), &of_set);
    }
}

/// Rules that overlap, and that calls of the corpora are about.
const RULES: [&str; 54] = [
    "Bash",
    "Bash(*)",
    "*",
    "Bash(git:*)",
    "Bash(git *)",
    "Bash(git push:*)",
    "Bash(git push *)",
    "Bash(git push)",
    "Bash(git*)",
    "Bash(*push*)",
    "Bash(git status:*)",
    "Bash(git status)",
    "Bash(ls:*)",
    "Bash(ls *)",
    "Bash(ls)",
    "Bash(cat:*)",
    "Bash(cat *)",
    "Bash(cat*)",
    "Bash(echo:*)",
    "Bash(echo *)",
    "Bash(rm:*)",
    "Bash(rm -rf:*)",
    "Bash(rm *)",
    "Bash(curl:*)",
    "Bash(find:*)",
    "Bash(grep:*)",
    "Bash(npm run:*)",
    "Bash(npm run test:*)",
    "Read",
    "Read(./**)",
    "Read(/**)",
    "Read(./src/**)",
    "Read(./src/*)",
    "Read(**/.env)",
    "Read(.env)",
    "Read(//etc/**)",
    "Read(//etc/passwd)",
    "Read(~/.ssh/**)",
    "Read(**)",
    "Edit",
    "Write",
    "Edit(./**)",
    "Edit(./src/**)",
    "Edit(./src/*)",
    "Edit(//etc/**)",
    "Edit(**)",
    "WebFetch",
    "WebFetch(domain:docs.rs)",
    "WebFetch(domain:*.docs.rs)",
    "mcp__github",
    "mcp__github__get_*",
    "mcp__github__*",
    "Grep",
    "Glob",
];

fn rules() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(RULES.to_vec()), 0..7)
}

fn set() -> impl Strategy<Value = Vec<PolicyText>> {
    let lists = (rules(), rules(), rules());
    let servers = proptest::option::of(proptest::sample::select(vec!["allow", "ask", "deny"]));
    let tools = proptest::sample::select(vec!["Bash", "WebFetch", "Read", "*", "mcp__*"]);
    let more = (proptest::sample::select(vec!["deny", "ask", "allow"]), tools, rules());
    (lists, servers, more).prop_map(|((deny, ask, allow), servers, (list, tool, others))| {
        let policy = |name: &str, kind: &str, config: Value| {
            serde_json::from_value(json!({ "name": name, "kind": kind, "config": config })).expect("a policy")
        };
        let mut set = vec![
            policy("a", "rules", json!({ "deny": deny, "ask": ask, "allow": allow, "default": "ask" })),
            policy("b", "rules", json!({ list: others })),
            policy("c", "tool_list", json!({ list: [tool] })),
            policy("d", "network", json!({ "default": "ask" })),
        ];
        if let Some(default) = servers {
            let config = json!({ "default": default, "ask": ["github/get_*"], "allow": ["github/delete"] });
            set.push(policy("e", "mcp", config));
        }
        set
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_set_decides_the_same_without_what_is_superfluous(policies in set(), from in 0..20_usize) {
        let lines = corpus();
        let is_picked = |at: usize, line: &Line| at % 20 == from || line.case.tool_name.starts_with("mcp__");
        let some: Vec<&Line> = lines.iter().enumerate().filter(|(at, line)| is_picked(*at, line)).map(|(_, line)| line).collect();
        assert_superfluous(&policies, &surroundings(), &some);
    }
}

fn surroundings() -> Surroundings {
    policy_files().remove("baseline").and_then(|file: PolicyFile| file.surroundings).expect("surroundings")
}

fn corpus() -> &'static [Line] {
    static LINES: std::sync::OnceLock<Vec<Line>> = std::sync::OnceLock::new();
    LINES.get_or_init(|| {
        let mut seen = BTreeMap::new();
        for line in lines() {
            seen.insert(format!("{} {}", line.case.tool_name, line.case.tool_input), line);
        }
        seen.into_values().collect()
    })
}
