//! Commands: classes of what they do, programs that do not run at all, folders that may be emptied.

use std::collections::BTreeMap;

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Context, Finding, form, rules};
use crate::{
    effect::{Class, Effect, Place},
    path::{Anchors, Candidate, PathPattern},
    rule::CommandRule,
    surroundings::Surroundings,
    text::Match,
};

/// What is said of each class, and more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommandPolicy {
    classes: BTreeMap<Class, Decision>,
    blocked: Vec<(String, CommandRule)>,
    removable: Vec<PathPattern>,
}

#[derive(serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Form {
    classes: BTreeMap<String, Decision>,
    blocked: Vec<String>,
    removable: Vec<String>,
}

impl CommandPolicy {
    pub(super) fn read(config: &Value, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let Form { classes, blocked, removable } = form(config)?;
        let class = |(name, decision): (String, Decision)| match name.parse::<Class>() {
            Ok(class) => Ok((class, decision)),
            Err(error) => {
                Err(ConfigError::Value { field: "classes".to_owned(), value: name, accepted: error.accepted })
            }
        };
        let command = |text: String| {
            if text.trim().is_empty() {
                let accepted = "words of a command, such as: terraform destroy".to_owned();
                return Err(ConfigError::Value { field: "blocked".to_owned(), value: text, accepted });
            }
            let rule = if text.contains('*') {
                CommandRule::read(&text)
            } else {
                CommandRule::read(&format!("{text}:*"))
            };
            Ok((text, rule))
        };
        Ok(Self {
            classes: classes.into_iter().map(class).collect::<Result<_, _>>()?,
            blocked: blocked.into_iter().map(command).collect::<Result<_, _>>()?,
            removable: removable
                .iter()
                .map(|text| PathPattern::read(text, Anchors::Lists, surroundings))
                .collect(),
        })
    }

    pub(super) fn judge(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        match effect {
            Effect::Class(class, reason, places) => {
                let decision = *self.classes.get(class)?;
                if *class == Class::DdToDevice && !places.iter().any(|place| is_device(place, context)) {
                    return None;
                }
                let is_removal =
                    matches!(class, Class::RecursiveForceRemove | Class::RecursiveRemove | Class::BulkDelete);
                let is_fine = is_removal
                    && !places.is_empty()
                    && places.iter().all(|place| {
                        self.removable
                            .iter()
                            .any(|pattern| rules::path(pattern, place, context, true) >= Match::Wild)
                    });
                if is_fine {
                    return Some(Finding::new(
                        Decision::Allow,
                        "removable",
                        "it removes only what may be removed",
                    ));
                }
                Some(Finding::new(decision, class.as_str(), reason.as_str()))
            }
            Effect::Write(place, _) if is_device(place, context) => {
                let decision = *self.classes.get(&Class::DeviceWrite)?;
                Some(Finding::new(
                    decision,
                    Class::DeviceWrite.as_str(),
                    format!("{} is a device", place.path),
                ))
            }
            Effect::Run(run) => {
                let mut doubtful = None;
                for (text, rule) in &self.blocked {
                    match rule.matches(run, || context.line(run)) {
                        Match::Yes | Match::Wild => {
                            return Some(Finding::new(
                                Decision::Deny,
                                format!("blocked: {text}"),
                                format!("{text} is blocked"),
                            ));
                        }
                        Match::Maybe => {
                            let reason = format!(
                                "it depends on what is unknown whether it is {text}, which is blocked"
                            );
                            doubtful = Some(Finding::new(Decision::Ask, format!("blocked: {text}"), reason));
                        }
                        Match::No => {}
                    }
                }
                doubtful
            }
            _ => None,
        }
    }
}

/// Whether any form of the path is a disk, a partition, or memory.
fn is_device(place: &Place, context: &Context<'_>) -> bool {
    context.forms(place).iter().any(Candidate::is_device)
}
