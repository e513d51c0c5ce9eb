//! Rules that others make superfluous.

use domain::{permission::Decision, policy::PolicyKind};

use super::{
    LintCode, LintFinding, Severity,
    cover::covers,
    entry::{Entry, Shape, entries},
};
use crate::{set::PolicyText, surroundings::Surroundings};

/// Each rule is compared with each other one.
const MOST_COMPARED: usize = 4000;

/// Every rule that can be left out, by the strictest that makes it superfluous.
pub(super) fn check(policies: &[PolicyText], surroundings: &Surroundings) -> Vec<LintFinding> {
    let has_servers = policies.iter().any(|policy| policy.kind == PolicyKind::Mcp);
    let entries = entries(policies, surroundings);
    if let Some(last) = entries.get(MOST_COMPARED) {
        let message = format!(
            "there are {} rules; more than {MOST_COMPARED} are not compared with each other",
            entries.len()
        );
        return vec![LintFinding::new(last.policy, LintCode::NotCompared, Severity::Note, message)];
    }
    let superfluous = |at: usize| {
        let narrow = &entries[at];
        let wide = entries.iter().enumerate().filter(|(other, wide)| {
            *other != at && !is_tied(wide, narrow, has_servers) && covers(wide, narrow) && {
                // Of two that cover each other the first stays.
                wide.decision != narrow.decision || *other < at || !covers(narrow, wide)
            }
        });
        let strictest = wide.max_by_key(|(_, wide)| crate::kind::strictness(wide.decision));
        strictest.map(|(_, wide)| finding(wide, narrow))
    };
    (0..entries.len()).filter_map(superfluous).collect()
}

/// What policies for servers say by default gives way to a rule that allows, and whether one does depends on what else stands in
/// its policy. So only what denies, or stands in the same policy, makes a rule for servers superfluous.
fn is_tied(wide: &Entry<'_>, narrow: &Entry<'_>, has_servers: bool) -> bool {
    let may_be_of_server = matches!(narrow.shape, Shape::Mcp { .. } | Shape::Tool(_) | Shape::Listed(_));
    has_servers
        && may_be_of_server
        && wide.decision != Decision::Deny
        && narrow.policy.name != wide.policy.name
}

fn finding(wide: &Entry<'_>, narrow: &Entry<'_>) -> LintFinding {
    let of = if wide.policy.name == narrow.policy.name {
        String::new()
    } else {
        format!(" of the policy {}", wide.policy.name)
    };
    let rule = format!("{} in {}{of}", wide.text, wide.field);
    let (code, severity, message) = if wide.decision != narrow.decision {
        let message = format!("it never takes effect: {rule} covers all that it covers, and is stricter");
        (LintCode::Shadowed, Severity::Warning, message)
    } else if wide.shape == narrow.shape {
        (LintCode::Repeated, Severity::Note, format!("it says again what {rule} says"))
    } else {
        (LintCode::Redundant, Severity::Note, format!("{rule} covers all that it covers"))
    };
    LintFinding::new(narrow.policy, code, severity, message).at(narrow.field, narrow.index, narrow.text)
}
