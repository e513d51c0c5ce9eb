//! From a path as it is written to the forms in which it is judged.

use crate::{
    effect::Place,
    lookalike,
    shell::Folders,
    surroundings::{Links, Platform, Surroundings},
    text::{Hole, Part, Text},
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
                for (path, floats) in through_proc(&absolute, &self.cwd) {
                    push_forms(&mut all, &path, floats, surroundings, links);
                }
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

    /// It goes through the folder of another process, or through an open folder, so nobody knows where.
    pub(crate) fn leads_through_process(&self) -> bool {
        link_of_process(&self.path).is_some_and(|link| link.leads_elsewhere())
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
    let components = split(path);
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
                first.push(Part::Hole(Hole::TOKEN));
                components.push(Component::Name(first));
            }
            components.push(Component::Any);
            if !name.suffix().is_empty() {
                let mut last = Text::default();
                last.push(Part::Hole(Hole::TOKEN));
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

/// `/proc/self/root`, `/proc/self/cwd` and the like name other places: the path itself, and those. Where another process or an
/// open file leads is unknown; that it is this process is one way of it.
fn through_proc(path: &Text, cwd: &Folders) -> Vec<(Text, bool)> {
    let mut all = vec![(path.clone(), false)];
    let Some(link) = link_of_process(path) else { return all };
    let mut is_elsewhere = link.leads_elsewhere();
    let Link { rest, name, is_own } = link;
    let can_be = |link: &str| name.can_be(link);
    if can_be("root") {
        let mut from_root = Text::lit("/");
        from_root.append(&rest);
        all.extend(through_proc(&from_root, cwd));
    }
    if can_be("cwd") {
        for folder in &cwd.known {
            let mut whole = Text::lit(format!("{folder}/"));
            whole.append(&rest);
            all.push((whole, false));
        }
        is_elsewhere |= cwd.has_unknown;
    }
    if is_own && matches!(name.literal(), Some("root" | "cwd")) {
        all.remove(0);
    }
    if is_elsewhere {
        let mut unknown = Text::hole(Hole::UNKNOWN);
        unknown.push_lit("/");
        unknown.append(&rest);
        all.push((unknown, true));
    }
    all
}

/// A path that goes through a link of a process.
struct Link {
    /// `root`, `cwd`, `fd`, or a wildcard.
    name: Text,
    /// What stands behind it.
    rest: Text,
    /// The process is the one that opens it.
    is_own: bool,
}

impl Link {
    /// It belongs to another process, or is a folder that is open.
    fn leads_elsewhere(&self) -> bool {
        let has_more =
            self.rest.parts().iter().any(|part| matches!(part, Part::Lit(text) if text.contains('/')));
        !self.is_own || has_more && (self.name.can_be("fd") || self.name.can_be("map_files"))
    }
}

/// The first link of a process on the way; `..` behind it counts from where it leads.
fn link_of_process(path: &Text) -> Option<Link> {
    let mut components = split(path);
    let mut steps: Vec<Component> = Vec::new();
    if let [first, second, ..] = components.as_slice()
        && (first.literal(), second.literal()) == (Some("dev"), Some("fd"))
    {
        components.splice(..2, ["proc", "self", "fd"].map(|name| Component::Name(Text::lit(name))));
    }
    let can_be = |step: &Component, names: &[&str]| match step {
        Component::Name(text) => names.iter().any(|name| text.can_be(name)),
        Component::Any | Component::Deep => false,
    };
    for (at, component) in components.iter().enumerate() {
        match component.literal() {
            Some("" | ".") => continue,
            Some("..") => {
                steps.pop();
                continue;
            }
            _ => steps.push(component.clone()),
        }
        let is_link = match steps.as_slice() {
            [proc, _, link] => can_be(proc, &["proc"]) && can_be(link, &["root", "cwd", "fd", "map_files"]),
            [proc, _, task, _, link] => {
                can_be(proc, &["proc"]) && can_be(task, &["task"]) && can_be(link, &["root", "cwd", "fd"])
            }
            _ => false,
        };
        let rest = &components[at + 1..];
        // A list of descriptors is none of them; what one of the shell itself holds is followed elsewhere.
        let is_list = can_be(component, &["fd", "map_files"]) && rest.is_empty();
        if is_link && !is_list {
            let is_own = steps[1].literal().is_some_and(|name| matches!(name, "self" | "thread-self"));
            let Component::Name(name) = component else { return None };
            return Some(Link { name: name.clone(), rest: joined(rest), is_own });
        }
    }
    None
}

fn joined(components: &[Component]) -> Text {
    let mut path = Text::default();
    for (at, component) in components.iter().enumerate() {
        if at > 0 {
            path.push_lit("/");
        }
        match component {
            Component::Name(name) => path.append(name),
            Component::Any | Component::Deep => path.push(Part::Hole(Hole::UNKNOWN)),
        }
    }
    path
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
