//! Files: what may not be touched, what may not be written, and where everything has to stay.

use domain::permission::Decision;
use serde_json::Value;

use super::{ConfigError, Context, Finding, form, rules};
use crate::{
    effect::{Effect, Place, Written},
    path::{Anchors, Candidate, Component, PathPattern, is_below},
    surroundings::Surroundings,
    text::Match,
};

/// Lists of paths.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileAccess {
    restricted: Vec<Named>,
    restricted_except: Vec<Named>,
    write_restricted: Vec<Named>,
    readable_under: Vec<Named>,
    writable_under: Vec<Named>,
}

/// A pattern with its text.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    text: String,
    pattern: PathPattern,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Form {
    restricted: Vec<String>,
    restricted_except: Vec<String>,
    write_restricted: Vec<String>,
    readable_under: Vec<String>,
    writable_under: Vec<String>,
}

impl FileAccess {
    pub(super) fn read(config: &Value, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let read = |field: &str, texts: &[String]| {
            texts
                .iter()
                .map(|text| {
                    if text.trim().is_empty() {
                        let accepted = "a path, such as /etc/**, ~/.ssh/** or **/.env".to_owned();
                        return Err(ConfigError::Value {
                            field: field.to_owned(),
                            value: text.clone(),
                            accepted,
                        });
                    }
                    let pattern = PathPattern::read(text, Anchors::Lists, surroundings);
                    Ok(Named { text: text.clone(), pattern })
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let form: Form = form(config)?;
        Ok(Self {
            restricted: read("restricted", &form.restricted)?,
            restricted_except: read("restricted_except", &form.restricted_except)?,
            write_restricted: read("write_restricted", &form.write_restricted)?,
            readable_under: read("readable_under", &form.readable_under)?,
            writable_under: read("writable_under", &form.writable_under)?,
        })
    }

    pub(super) fn judge(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        match effect {
            Effect::Read(place) => self
                .touched(place, context, false)
                .or_else(|| self.kept_in(place, context, &self.readable_under, "readable_under")),
            Effect::List(place) => self
                .listed(place, context)
                .or_else(|| self.kept_in(place, context, &self.readable_under, "readable_under")),
            Effect::ReadBelow(place) => self.below(place, context),
            Effect::Write(place, how) => {
                if place.is_sink() {
                    return None;
                }
                self.touched(place, context, true).or_else(|| {
                    if *how == Written::Inside {
                        return None;
                    }
                    self.unknown_target(place, context)
                        .or_else(|| self.kept_in(place, context, &self.writable_under, "writable_under"))
                })
            }
            _ => None,
        }
    }

    /// A path that may not be touched, or not be written.
    fn touched(&self, place: &Place, context: &Context<'_>, is_write: bool) -> Option<Finding> {
        if self.restricted.is_empty() && self.write_restricted.is_empty() {
            return None;
        }
        let mut doubtful = None;
        for form in context.forms(place).iter() {
            if form.is_endless {
                doubtful = Some(Finding::new(
                    Decision::Ask,
                    "links",
                    format!("the links of {} lead in a circle", place.path),
                ));
            }
            let is_excepted =
                self.restricted_except.iter().any(|named| named.pattern.matches(form) == Match::Yes);
            let restricted =
                self.restricted.iter().filter(|_| !is_excepted).map(|named| ("restricted", named));
            let written =
                self.write_restricted.iter().filter(|_| is_write).map(|named| ("write_restricted", named));
            for (list, named) in restricted.chain(written) {
                let rule = || format!("{list}: {}", named.text);
                match named.pattern.matches(form) {
                    Match::Yes => {
                        return Some(Finding::new(
                            Decision::Deny,
                            rule(),
                            format!("{} is {}", place.path, said(list)),
                        ));
                    }
                    Match::Wild => {
                        return Some(Finding::new(
                            Decision::Deny,
                            rule(),
                            format!("{} can be a file that is {}", place.path, said(list)),
                        ));
                    }
                    Match::Maybe if doubtful.is_none() => {
                        let reason = format!("{} may become a file that is {}", place.path, said(list));
                        doubtful = Some(Finding::new(Decision::Ask, rule(), reason));
                    }
                    _ => {}
                }
            }
        }
        doubtful
    }

    /// A folder that may not be touched is not listed either.
    fn listed(&self, place: &Place, context: &Context<'_>) -> Option<Finding> {
        let folder = self
            .restricted
            .iter()
            .filter(|named| named.pattern.is_folder() && !named.pattern.is_everywhere());
        let found = folder
            .into_iter()
            .find(|named| rules::path(&named.pattern, place, context, false) >= Match::Wild)?;
        let rule = format!("restricted: {}", found.text);
        Some(Finding::new(Decision::Deny, rule, format!("{} is restricted", place.path)))
    }

    /// Everything below a folder is read: asked when that takes in what may not be touched. The project itself is its own
    /// business.
    fn below(&self, place: &Place, context: &Context<'_>) -> Option<Finding> {
        let project = &context.surroundings.project_root;
        let forms = context.forms(place);
        let known: Vec<(String, &Candidate)> =
            forms.iter().filter_map(|form| Some((form.known()?, form))).collect();
        let (path, named) = known.iter().find_map(|(path, form)| {
            if is_below(path, project) {
                return None;
            }
            let takes_in = |named: &&Named| {
                named.pattern.lies_below(form) || (named.pattern.is_everywhere() && is_below(project, path))
            };
            self.restricted.iter().find(takes_in).map(|named| (path.clone(), named))
        })?;
        let rule = format!("restricted: {}", named.text);
        Some(Finding::new(
            Decision::Ask,
            rule,
            format!("it reads all below {path}, which holds what is restricted"),
        ))
    }

    fn unknown_target(&self, place: &Place, context: &Context<'_>) -> Option<Finding> {
        let restricts = !(self.restricted.is_empty()
            && self.write_restricted.is_empty()
            && self.writable_under.is_empty());
        (restricts && place.is_unknown(context)).then(|| {
            let reason = format!("which file it writes ({}) is known only when it runs", place.path);
            Finding::new(Decision::Ask, "unknown target", reason)
        })
    }

    /// All forms of the path must lie below one of these folders.
    fn kept_in(
        &self,
        place: &Place,
        context: &Context<'_>,
        folders: &[Named],
        list: &str,
    ) -> Option<Finding> {
        if folders.is_empty() || place.is_sink() {
            return None;
        }
        let forms = context.forms(place);
        let inside = |form: &Candidate| {
            folders.iter().map(|named| named.pattern.matches(form)).max().unwrap_or(Match::No)
        };
        let worst = forms.iter().map(inside).min().unwrap_or(Match::No);
        let is_open = forms.iter().any(|form| form.is_floating || form.components.contains(&Component::Any));
        match worst {
            Match::Yes => None,
            _ if is_open && list == "readable_under" && place.path.prefix().is_empty() => None,
            Match::Wild | Match::Maybe => Some(Finding::new(
                Decision::Ask,
                list,
                format!("{} may lie outside of the folders of {list}", place.path),
            )),
            Match::No if is_open => Some(Finding::new(
                Decision::Ask,
                list,
                format!("{} may lie outside of the folders of {list}", place.path),
            )),
            Match::No => Some(Finding::new(
                Decision::Deny,
                list,
                format!("{} lies outside of the folders of {list}", place.path),
            )),
        }
    }
}

fn said(list: &str) -> &'static str {
    if list == "restricted" { "restricted" } else { "not to be written" }
}

impl Candidate {
    /// The path where all of it is known.
    fn known(&self) -> Option<String> {
        let names: Option<Vec<&str>> = self.components.iter().map(Component::literal).collect();
        Some(format!("/{}", names?.join("/")))
    }
}

impl Place {
    /// Nobody can say which file it is.
    pub(super) fn is_unknown(&self, context: &Context<'_>) -> bool {
        if self.is_sink() {
            return false;
        }
        let forms = context.forms(self);
        forms.iter().any(|form| form.components.contains(&Component::Any))
    }

    /// It keeps nothing: `/dev/null`, a terminal, the process's own output.
    pub(crate) fn is_sink(&self) -> bool {
        let Some(path) = self.path.literal() else {
            return self.path.prefix().starts_with("/dev/fd/") || self.path.prefix().starts_with("/dev/shm/");
        };
        matches!(
            path,
            "/dev/null"
                | "/dev/stdout"
                | "/dev/stderr"
                | "/dev/tty"
                | "/dev/zero"
                | "/dev/full"
                | "-"
                | "/proc/self/fd/1"
                | "/proc/self/fd/2"
                | "NUL"
                | "&1"
                | "&2"
        ) || path.starts_with("/dev/fd/")
            || path.strip_prefix("/dev/pts/").is_some()
            || (path.starts_with("/dev/shm/") && !path.contains(".."))
    }
}
