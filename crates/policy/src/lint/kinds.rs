//! The other kinds of policies.

use domain::permission::Decision;
use serde_json::Value;

use super::{
    LintCode, LintFinding, Severity,
    entry::LISTS,
    rules::{Wrong, blocked, host_problem, listed_path, removes_everything, tool_name},
    texts,
};
use crate::{
    effect::Class,
    network::{Kind, kind_of},
    rule::DomainPattern,
    set::PolicyText,
    surroundings::Surroundings,
};

/// Servers of tools: only what allows all of them; the rest is compared with other rules.
pub(super) fn check_mcp(policy: &PolicyText, findings: &mut Vec<LintFinding>) {
    for (index, text) in texts(&policy.config, "allow") {
        let is_every = text.chars().all(|character| matches!(character, '*' | '/'));
        let wrong =
            || Wrong::new(LintCode::AllowsAll, Severity::Warning, "it allows every tool of every server");
        findings.extend(is_every.then(|| wrong().at(policy, "allow", index, text)));
    }
    if policy.config.get("default").is_none() && LISTS.iter().all(|(field, _)| is_empty(policy, field)) {
        findings.push(LintFinding::new(
            policy,
            LintCode::NoEffect,
            Severity::Note,
            "it has no list and no default",
        ));
    }
}

pub(super) fn check_file_access(policy: &PolicyText, findings: &mut Vec<LintFinding>) {
    let lists = ["restricted", "restricted_except", "write_restricted", "readable_under", "writable_under"];
    for field in lists {
        for (index, text) in texts(&policy.config, field) {
            findings.extend(listed_path(text).map(|wrong| wrong.at(policy, field, index, text)));
        }
    }
    if lists.iter().all(|field| is_empty(policy, field)) {
        findings.push(LintFinding::new(policy, LintCode::NoEffect, Severity::Note, "it has no list"));
    } else if !is_empty(policy, "restricted_except") && is_empty(policy, "restricted") {
        let message = "restricted_except makes exceptions from restricted, which is empty";
        findings.push(LintFinding::new(policy, LintCode::NoEffect, Severity::Warning, message));
    }
}

pub(super) fn check_command(
    policy: &PolicyText,
    surroundings: &Surroundings,
    findings: &mut Vec<LintFinding>,
) {
    for (index, text) in texts(&policy.config, "blocked") {
        findings.extend(blocked(text, surroundings).map(|wrong| wrong.at(policy, "blocked", index, text)));
    }
    for (index, text) in texts(&policy.config, "removable") {
        let wrong = listed_path(text).into_iter().chain(removes_everything(text));
        findings.extend(wrong.map(|wrong| wrong.at(policy, "removable", index, text)));
    }
    let classes = policy.config.get("classes").and_then(Value::as_object);
    let has_class = |class: Class| classes.is_some_and(|classes| classes.contains_key(class.as_str()));
    let removals = [Class::RecursiveForceRemove, Class::RecursiveRemove, Class::BulkDelete];
    if !is_empty(policy, "removable") && !removals.into_iter().any(has_class) {
        let message = "removable makes exceptions from classes of removal, and no class of them is decided";
        findings.push(LintFinding::new(policy, LintCode::NoEffect, Severity::Warning, message));
    }
    if classes.is_none_or(serde_json::Map::is_empty) && is_empty(policy, "blocked") {
        let message = "it decides no class and blocks no command";
        findings.push(LintFinding::new(policy, LintCode::NoEffect, Severity::Note, message));
    }
}

pub(super) fn check_network(policy: &PolicyText, findings: &mut Vec<LintFinding>) {
    let config = &policy.config;
    let denied: Vec<(&str, DomainPattern)> =
        texts(config, "deny").filter_map(|(_, text)| Some((text, DomainPattern::read(text)?))).collect();
    let is_metadata_allowed =
        config.get("metadata").and_then(Value::as_str) == Some(Decision::Allow.as_str());
    for field in ["deny", "allow"] {
        for (index, text) in texts(config, field).filter(|(_, text)| !text.contains('/')) {
            let Some(pattern) = DomainPattern::read(text) else { continue };
            let problem = host_problem(&pattern);
            let never = problem.map(|problem| Wrong::new(LintCode::NeverMatches, Severity::Error, problem));
            findings.extend(never.map(|wrong| wrong.at(policy, field, index, text)));
            if field == "deny" {
                continue;
            }
            let wider = denied.iter().find(|(_, denied)| denied.covers(&pattern));
            let by = match wider {
                Some((denied, _)) => Some(format!("{denied} in deny")),
                None => (kind_of(&pattern.example()) == Kind::Metadata
                    && !is_metadata_allowed
                    && !text.starts_with("*."))
                .then(|| "metadata".to_owned()),
            };
            let shadowed = by.map(|by| format!("it never takes effect: {by} comes first"));
            findings.extend(shadowed.map(|message| {
                Wrong::new(LintCode::Shadowed, Severity::Warning, message).at(policy, field, index, text)
            }));
        }
    }
    for (index, text) in texts(config, "allow").filter(|(_, text)| text.ends_with("/0")) {
        let wrong = Wrong::new(LintCode::AllowsAll, Severity::Warning, "it allows every address");
        findings.push(wrong.at(policy, "allow", index, text));
    }
    for (index, text) in texts(config, "schemes").filter(|(_, text)| !is_scheme(text)) {
        let wrong = Wrong::new(
            LintCode::NeverMatches,
            Severity::Error,
            "no scheme is called like that; such as: https",
        );
        findings.push(wrong.at(policy, "schemes", index, text));
    }
    if is_metadata_allowed {
        let message = "metadata services give out the credentials of the machine";
        let finding = LintFinding::new(policy, LintCode::AllowsAll, Severity::Warning, message);
        findings.push(finding.in_field("metadata", "allow").suggest("deny"));
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'))
}

pub(super) fn check_schedule(policy: &PolicyText, findings: &mut Vec<LintFinding>) {
    for (index, name) in texts(&policy.config, "tools") {
        let wrong = tool_name(name, Decision::Deny);
        findings.extend(wrong.map(|wrong| wrong.at(policy, "tools", index, name)));
    }
    let windows = policy.config.get("windows").and_then(Value::as_array).into_iter().flatten();
    let is_whole_day = |window: &Value| {
        let days = window.get("days").and_then(Value::as_array);
        days.is_none_or(Vec::is_empty)
            && window.get("from").is_some()
            && window.get("from") == window.get("to")
    };
    if windows.into_iter().any(is_whole_day) {
        let message = "a window that ends when it begins lasts the whole day, so nothing is outside";
        findings.push(LintFinding::new(policy, LintCode::NoEffect, Severity::Warning, message));
    }
}

fn is_empty(policy: &PolicyText, field: &str) -> bool {
    policy.config.get(field).and_then(Value::as_array).is_none_or(Vec::is_empty)
}
