//! From a path as it is written to the forms in which it is judged.

use crate::{
    effect::Place,
    lookalike,
    surroundings::{Links, Platform, Surroundings},
    text::{Part, Text},
};

/// How many links one path may lead through.
const MOST_LINKS: usize = 40;
/// How many names a path may have; Linux opens none of more than 4,096 bytes.
pub(super) const MOST_COMPONENTS: usize = 512;

/// One absolute form of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) components: Vec<Component>,
    /// It was relative to a folder that nobody knows, or begins with something unknown.
    pub(crate) is_floating: bool,
    /// Its links lead in a circle.
    pub(crate) is_endless: bool,
    /// Only reached by reading characters as what they look like.
    pub(crate) is_disguised: bool,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Component {
    /// A name, perhaps with wildcards and holes.
    Name(Text),
    /// Any number of steps, of which nobody knows before it runs.
    Any,
    /// `**`: any number of steps that are there.
    Deep,
}

impl Component {
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Name(text) => text.literal(),
            Self::Any | Self::Deep => None,
        }
    }
}

impl Place {
    /// The forms in which the path is judged: as it is written, and where its links lead, from each folder it can stand in.
    pub(crate) fn candidates(&self, surroundings: &Surroundings, links: &Links) -> Vec<Candidate> {
        let mut all = Vec::new();
        let path = self.spelled(surroundings);
        let seen = self.path.literal().filter(|path| lookalike::is_disguised(path));
        if let Some(absolute) = seen.and_then(|path| rooted(&Text::lit(lookalike::plain(path)), surroundings))
        {
            let from = all.len();
            push_forms(&mut all, &absolute, false, surroundings, links);
            all[from..].iter_mut().for_each(|form| form.is_disguised = true);
        }
        for path in spellings(&path) {
            if let Some(absolute) = rooted(&path, surroundings) {
                push_forms(&mut all, &absolute, false, surroundings, links);
                continue;
            }
            for folder in &self.cwd.known {
                let mut whole = Text::lit(format!("{folder}/"));
                whole.append(&path);
                let floats = path.begins_unknown();
                push_forms(&mut all, &whole, floats, surroundings, links);
            }
            if self.cwd.has_unknown || path.begins_unknown() {
                let mut components = vec![Component::Any];
                components.extend(split(&path));
                all.push(Candidate {
                    components: lexical(components),
                    is_floating: true,
                    is_endless: false,
                    is_disguised: false,
                });
            }
        }
        disguised(&mut all);
        all
    }

    /// As the platform reads it.
    fn spelled(&self, surroundings: &Surroundings) -> Text {
        let Some(path) = self.path.literal() else { return self.path.clone() };
        match surroundings.platform {
            Platform::Windows => Text::lit(path.replace('\\', "/")),
            Platform::Linux | Platform::Macos => self.path.clone(),
        }
    }
}

/// The path itself, and what `file://` names.
fn spellings(path: &Text) -> Vec<Text> {
    match path.strip_prefix("file://").or_else(|| path.strip_prefix("file:")) {
        Some(rest) => vec![Text::lit(percent_decoded(&rest.masked()).trim_start_matches("localhost"))],
        None => vec![path.clone()],
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The same from the root on, where it does not depend on a folder.
fn rooted(path: &Text, surroundings: &Surroundings) -> Option<Text> {
    let prefix = path.prefix();
    if prefix.starts_with('/') {
        return Some(path.clone());
    }
    let is_drive = surroundings.platform == Platform::Windows
        && prefix.len() >= 2
        && prefix.as_bytes()[1] == b':'
        && prefix.as_bytes()[0].is_ascii_alphabetic();
    if is_drive {
        let mut whole = Text::lit("/");
        whole.append(path);
        return Some(whole);
    }
    let behind = prefix.strip_prefix('~')?;
    let (user, _) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let home = match surroundings.homes.get(user) {
        _ if user.is_empty() => surroundings.home.clone(),
        Some(home) => home.clone(),
        None => format!("/home/{user}"),
    };
    let mut whole = Text::lit(home);
    whole.append(&path.without_prefix(1 + user.len()));
    Some(whole)
}

fn push_forms(
    all: &mut Vec<Candidate>,
    path: &Text,
    is_floating: bool,
    surroundings: &Surroundings,
    links: &Links,
) {
    let components = through_proc(split(path), surroundings, all);
    let components: Vec<Component> =
        components.into_iter().map(|component| trimmed(component, surroundings)).collect();
    let written = lexical(components.clone());
    let (physical, is_endless) = followed(components, links);
    let differs = physical != written;
    all.push(Candidate { components: written, is_floating, is_endless, is_disguised: false });
    if differs {
        all.push(Candidate { components: physical, is_floating, is_endless, is_disguised: false });
    }
}

fn split(path: &Text) -> Vec<Component> {
    let mut components = Vec::new();
    let mut current = Text::default();
    let mut is_deep = false;
    let finish = |current: &mut Text, is_deep: &mut bool, components: &mut Vec<Component>| {
        let name = std::mem::take(current);
        if std::mem::take(is_deep) {
            // What can hold slashes is any number of steps; its known ends are ends of names.
            if !name.prefix().is_empty() {
                let mut first = Text::lit(name.prefix());
                first.push(Part::Hole(crate::text::Hole::TOKEN));
                components.push(Component::Name(first));
            }
            components.push(Component::Any);
            if !name.suffix().is_empty() {
                let mut last = Text::default();
                last.push(Part::Hole(crate::text::Hole::TOKEN));
                last.push_lit(name.suffix());
                components.push(Component::Name(last));
            }
        } else if name.parts().len() > 1 && name.parts().iter().all(|part| *part == Part::Star) {
            components.push(Component::Deep);
        } else if !name.is_empty() {
            components.push(Component::Name(name));
        }
    };
    for part in path.parts() {
        match part {
            Part::Lit(text) => {
                for (at, piece) in text.split('/').enumerate() {
                    if at > 0 {
                        finish(&mut current, &mut is_deep, &mut components);
                    }
                    current.push_lit(piece);
                }
            }
            Part::Hole(hole) => {
                is_deep |= hole.has_slash;
                current.push(part.clone());
            }
            other => current.push(other.clone()),
        }
    }
    finish(&mut current, &mut is_deep, &mut components);
    components
}

/// Without `.` and `..`.
fn lexical(components: Vec<Component>) -> Vec<Component> {
    let mut steps: Vec<Component> = Vec::new();
    for component in components {
        match component.literal() {
            Some("" | ".") => {}
            Some("..") => {
                // What lies above any number of steps is any number of steps.
                if !matches!(steps.last(), Some(Component::Any | Component::Deep)) {
                    steps.pop();
                }
            }
            _ => steps.push(component),
        }
    }
    steps
}

/// Where its links lead; `..` counts from there. And whether they lead in a circle.
fn followed(components: Vec<Component>, links: &Links) -> (Vec<Component>, bool) {
    let mut steps: Vec<Component> = Vec::new();
    let mut waiting: Vec<Component> = components.into_iter().rev().collect();
    let mut count = 0;
    while let Some(component) = waiting.pop() {
        match component.literal() {
            Some("" | ".") => continue,
            Some("..") => {
                if !matches!(steps.last(), Some(Component::Any | Component::Deep)) {
                    steps.pop();
                }
                continue;
            }
            _ => steps.push(component),
        }
        if links.0.is_empty() || steps.len() > MOST_COMPONENTS {
            continue;
        }
        let Some(target) = known_path(&steps).and_then(|path| links.target(&path).map(str::to_owned)) else {
            continue;
        };
        count += 1;
        if count > MOST_LINKS {
            return (steps, true);
        }
        steps.pop();
        if target.starts_with('/') {
            steps.clear();
        }
        waiting.extend(split(&Text::lit(target)).into_iter().rev());
    }
    (steps, false)
}

fn known_path(steps: &[Component]) -> Option<String> {
    let mut path = String::new();
    for step in steps {
        path.push('/');
        path.push_str(step.literal()?);
    }
    Some(path)
}

/// `/proc/self/root`, `/proc/self/cwd` and the like name other places.
fn through_proc(
    components: Vec<Component>,
    surroundings: &Surroundings,
    all: &mut Vec<Candidate>,
) -> Vec<Component> {
    let name = |at: usize| components.get(at).and_then(Component::literal);
    let at_task = match (name(0), name(1), name(3)) {
        (Some("proc"), Some(_), Some("task")) => 5,
        (Some("proc"), Some(_), _) => 2,
        _ => return components,
    };
    match name(at_task) {
        Some("root") => through_proc(components[at_task + 1..].to_vec(), surroundings, all),
        Some("cwd") => {
            let mut steps = split(&Text::lit(surroundings.project_root.as_str()));
            steps.extend(components[at_task + 1..].iter().cloned());
            steps
        }
        Some("environ" | "mem" | "maps") => {
            all.push(Candidate {
                components: components.clone(),
                is_floating: false,
                is_endless: false,
                is_disguised: false,
            });
            components
        }
        _ => components,
    }
}

/// Windows does not see trailing dots and blanks, nor what stands behind a colon.
fn trimmed(component: Component, surroundings: &Surroundings) -> Component {
    if surroundings.platform != Platform::Windows {
        return component;
    }
    match component.literal() {
        Some(name) if !matches!(name, "." | "..") && !name.ends_with(':') => {
            let name = name.split(':').next().unwrap_or(name);
            let short = name.trim_end_matches(['.', ' ']);
            Component::Name(Text::lit(if short.is_empty() { name } else { short }))
        }
        _ => component,
    }
}

/// Adds each path as it looks, where that is another.
fn disguised(all: &mut Vec<Candidate>) {
    let mut more = Vec::new();
    for candidate in all.iter() {
        let is_plain = candidate
            .components
            .iter()
            .all(|step| step.literal().is_none_or(|name| !lookalike::is_disguised(name)));
        if is_plain {
            continue;
        }
        let components = candidate
            .components
            .iter()
            .flat_map(|step| match step.literal() {
                Some(name) => split(&Text::lit(lookalike::plain(name))),
                None => vec![step.clone()],
            })
            .collect();
        more.push(Candidate { components: lexical(components), is_disguised: true, ..candidate.clone() });
    }
    all.append(&mut more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Folders;

    fn forms(path: &str, links: &[(&str, &str)]) -> Vec<String> {
        let place =
            Place { path: Text::lit(path), cwd: Folders { known: vec!["/w/p".into()], has_unknown: false } };
        let surroundings =
            Surroundings { home: "/h".into(), project_root: "/w/p".into(), ..Surroundings::default() };
        let links = Links(links.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect());
        place
            .candidates(&surroundings, &links)
            .iter()
            .filter_map(|form| known_path(&form.components))
            .collect()
    }

    #[test]
    fn spellings_of_one_path_are_one_path() {
        for path in [
            "a/../b",
            "./b",
            "b/",
            "/w/p//b",
            "/w/./p/b",
            "../p/b",
            "/proc/self/root/w/p/b",
            "/proc/self/cwd/b",
            "file:///w/p/b",
        ] {
            assert_eq!(forms(path, &[]).last().map(String::as_str), Some("/w/p/b"), "{path}");
        }
        assert_eq!(forms("~/x", &[]), ["/h/x"]);
    }

    #[test]
    fn links_are_followed_before_dots() {
        assert_eq!(forms("l/../x", &[("/w/p/l", "/e/d")]), ["/w/p/x", "/e/x"]);
        assert_eq!(forms("a", &[("/w/p/a", "b"), ("/w/p/b", "../c")]), ["/w/p/a", "/w/c"]);
    }

    #[test]
    fn links_in_a_circle_end() {
        let place =
            Place { path: Text::lit("a"), cwd: Folders { known: vec!["/".into()], has_unknown: false } };
        let links = Links([("/a".to_owned(), "a".to_owned())].into());
        assert!(place.candidates(&Surroundings::default(), &links).iter().any(|form| form.is_endless));
    }
}
