//! Texts that are run as shell programs, and files that are.

use super::{is_installed, name_of, table};
use crate::{
    effect::{Class, Effect, Place},
    shell::{Scope, Walker, descriptor_of},
    text::{Hole, Origin, Text},
};

/// Files that set up a shell and that people read into theirs.
const SET_UP: [&str; 8] = [
    ".cargo/env",
    ".nvm/nvm.sh",
    ".bashrc",
    ".profile",
    ".bash_profile",
    ".zshrc",
    ".sdkman/bin/sdkman-init.sh",
    ".asdf/asdf.sh",
];

impl Walker<'_> {
    /// A text that a shell runs.
    pub(crate) fn payload(&mut self, text: &Text, scope: &mut Scope, input: Option<&Text>, by: &str) -> Text {
        if let Some(output) = text.piped() {
            let output = output.clone();
            return self.payload(&output, scope, input, by);
        }
        if let Some(literal) = text.literal() {
            return self.program(literal, scope, input);
        }
        match text.origin() {
            Some(Origin::Fetched) => {
                self.class(Class::PipeToShell, format!("{by} runs what is downloaded or decoded"));
            }
            _ if text.has_hole() => {
                self.class(Class::OpaqueExec, format!("{by} runs text that is known only when it runs"));
                self.half_known(text, scope);
            }
            _ => {
                // Wildcards alone are text here.
                let plain = text.without_wildcards();
                return self.program(plain.literal().unwrap_or_default(), scope, input);
            }
        }
        Text::hole(Hole::UNKNOWN)
    }

    /// What is known of a text tells something all the same: `eval "rm -rf $x"`.
    fn half_known(&mut self, text: &Text, scope: &Scope) {
        let masked = text.masked().replace(crate::text::MASK, "\"$PROVOST_UNKNOWN\"");
        let mut inner = scope.clone();
        let mut apart = self.apart();
        apart.program(&masked, &mut inner, None);
        let found = self.found_apart(apart);
        let is_readable = !found.iter().any(|effect| matches!(effect, Effect::Unreadable(_)));
        if is_readable {
            self.effects.0.extend(found.0);
        }
    }

    /// A file that the shell reads as part of its own program.
    pub(crate) fn sourced(&mut self, file: &Text, scope: &mut Scope, input: Option<&Text>) {
        if file.piped().is_some()
            || file.literal().is_some_and(|path| matches!(descriptor_of(path), Some(1..)))
        {
            let text = self.content(file, scope);
            self.payload(&text, scope, input, "source");
            return;
        }
        if matches!(file.literal(), Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0"))
            && let Some(input) = input
        {
            let input = input.clone();
            self.payload(&input, scope, None, "source");
            return;
        }
        let place = Place { path: file.clone(), cwd: scope.cwd.clone() };
        self.script_file(&place, "source", scope);
        self.effects.push(Effect::Read(place));
    }

    /// A file whose code runs: one of the project is taken as known, others are not.
    pub(crate) fn script_file(&mut self, place: &Place, by: &str, scope: &Scope) {
        let Some(path) = place.path.literal() else {
            self.class(Class::OpaqueExec, format!("{by} runs a file whose name is known only when it runs"));
            return;
        };
        let absolute = place.absolute(self.surroundings);
        let sets_up =
            SET_UP.iter().any(|file| absolute.contains(&format!("{}/{file}", self.surroundings.home)));
        if absolute.iter().any(|file| scope.has_written(file)) {
            self.class(Class::OpaqueExec, format!("{by} runs {path}, which the same command writes"));
        } else if absolute.iter().any(|file| scope.was_brought(file)) {
            self.class(Class::OpaqueExec, format!("{by} runs {path}, which the same command brings here"));
        } else if !sets_up
            && !is_installed(path, self, true)
            && !place.is_inside(&self.surroundings.project_root, self.surroundings)
        {
            self.class(Class::OpaqueExec, format!("{by} runs {path}, which lies outside of the project"));
        }
    }
}

impl Walker<'_> {
    /// The value of a variable that a program finds in its environment may be a command that it starts.
    pub(crate) fn perhaps_started(&mut self, value: &Text, scope: &Scope) {
        let Some(text) = value.literal().filter(|text| text.contains([' ', '\t'])) else { return };
        let text = text.trim_start_matches(['|', '!', ':', ' ']);
        let program = text.split([' ', '\t']).next().map(name_of).unwrap_or_default();
        if table::handler(&program).is_some() {
            self.payload_apart(&Text::lit(text), scope);
        }
    }

    /// A text that is run later, by another program.
    pub(crate) fn payload_apart(&mut self, text: &Text, scope: &Scope) {
        let mut inner = scope.clone();
        let mut apart = self.apart();
        apart.payload(text, &mut inner, None, "a program named by an option");
        let found = self.found_apart(apart);
        self.effects.push(Effect::Perhaps(found));
    }
}
