//! Redirections: what they read and write, and what is found on a descriptor later.

use super::{
    state::Scope,
    syntax::{Redirect, Target},
    walk::Walker,
};
use crate::{
    effect::{Effect, Endpoint, Place, Written},
    text::{Hole, Text},
};

impl Walker<'_> {
    /// Follows redirections: what they write and read, and what the command then finds on its input.
    pub(super) fn redirect(
        &mut self,
        redirects: &[Redirect],
        scope: &mut Scope,
        mut input: Option<Text>,
    ) -> Option<Text> {
        for redirect in redirects {
            let fd = match &redirect.fd_name {
                Some(name) => scope.name_descriptor(name),
                None => redirect.fd.unwrap_or(0),
            };
            let mut opened = None;
            match &redirect.to {
                Target::Read(word) => {
                    let path = self.redirected(word, scope);
                    opened = Some(self.content(&path, scope));
                    self.read_redirected(path, scope);
                }
                Target::Write(word) => {
                    let path = self.redirected(word, scope);
                    self.write_redirected(path, scope);
                }
                Target::ReadWrite(word) => {
                    let path = self.redirected(word, scope);
                    self.write_redirected(path.clone(), scope);
                    opened = Some(self.content(&path, scope));
                    self.read_redirected(path, scope);
                }
                Target::Duplicate(word) => {
                    let target = self.whole(word, scope);
                    let is_descriptor = target.literal().is_some_and(|text| {
                        !text.is_empty()
                            && text.trim_end_matches('-').bytes().all(|byte| byte.is_ascii_digit())
                    });
                    if !is_descriptor {
                        self.write_redirected(target, scope);
                    }
                }
                Target::DuplicateInput(word) => {
                    let target = self.whole(word, scope);
                    let from = target.literal().and_then(|text| text.trim_end_matches('-').parse().ok());
                    opened = match from {
                        Some(0) => input.clone(),
                        Some(from) => scope.descriptor(from).cloned(),
                        None if target.literal() == Some("-") => None,
                        None => Some(scope.worst_descriptor()),
                    };
                }
                Target::HereDocument(word) | Target::HereString(word) => {
                    opened = Some(self.whole(word, scope));
                }
            }
            match opened {
                Some(text) if fd == 0 => {
                    scope.close(0);
                    input = Some(text);
                }
                Some(text) => scope.open(fd, text),
                None => {}
            }
        }
        input
    }

    /// What a file holds, where a command or a text stands behind its name.
    pub(crate) fn content(&self, path: &Text, scope: &Scope) -> Text {
        if let Some(output) = path.piped() {
            return output.clone();
        }
        let number = path.literal().and_then(descriptor_of);
        let known = number.and_then(|number| scope.descriptor(number).cloned());
        known.unwrap_or_else(|| Text::hole(Hole::UNKNOWN))
    }

    fn read_redirected(&mut self, path: Text, scope: &Scope) {
        if !self.connects(&path) && path.piped().is_none() {
            self.effects.push(Effect::Read(Place { path, cwd: scope.cwd.clone() }));
        }
    }

    fn write_redirected(&mut self, path: Text, scope: &mut Scope) {
        if self.connects(&path) || path.piped().is_some() {
            return;
        }
        let place = Place { path, cwd: scope.cwd.clone() };
        self.wrote(&place, scope);
        self.effects.push(Effect::Write(place, Written::Redirected));
    }

    /// Remembers that a file was written, so that running it later is seen.
    pub(crate) fn wrote(&self, place: &Place, scope: &mut Scope) {
        scope.wrote(place.absolute(self.surroundings));
    }

    /// `/dev/tcp/HOST/PORT`
    fn connects(&mut self, path: &Text) -> bool {
        let Some(rest) = path.strip_prefix("/dev/tcp/").or_else(|| path.strip_prefix("/dev/udp/")) else {
            return false;
        };
        let target = rest.split_once('/').map_or(rest, |(host, _)| Text::lit(host));
        self.effects.push(Effect::Connect(Endpoint { target, is_url: false, scheme: None }));
        true
    }
}

/// The number in `/dev/fd/3` and its like.
pub(crate) fn descriptor_of(path: &str) -> Option<i32> {
    let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?;
    number.parse().ok()
}
