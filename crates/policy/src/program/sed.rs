//! `sed`: its script is read command by command, for some of them run a shell or touch other files.

use super::{
    job::Job,
    options::{Grammar, Options},
};
use crate::text::{MASK, Text};

const GRAMMAR: Grammar = Grammar::new("efl", &["expression", "file", "line-length"]);

/// A script, then what is read, or changed in place.
pub(super) fn sed(job: &mut Job<'_, '_>) {
    let arguments: Vec<Text> = job.arguments().iter().map(without_suffix).collect();
    let options = GRAMMAR.read(&arguments);
    let in_place = options.has(&["-i", "--in-place", "-I"]);
    let mut operands = options.operands.clone();
    let is_given = options.has(&["-e", "--expression", "-f", "--file"]);
    let mut is_quiet = script_files(job, &options);
    let mut scripts: Vec<Text> = options.values(&["-e", "--expression"]).cloned().collect();
    if !is_given && !operands.is_empty() {
        scripts.push(operands.remove(0));
        // On macOS the first one is the suffix of what is kept.
        if in_place && scripts[0].is_empty() {
            scripts.extend(operands.first().cloned());
        }
    }
    for text in &scripts {
        is_quiet &= script(job, text);
    }
    for path in &operands {
        if in_place { job.write(path) } else { job.read(path) }
    }
    if !in_place && is_quiet {
        job.is_pure();
    }
}

/// `-i` takes what stands behind it in the same word.
fn without_suffix(word: &Text) -> Text {
    let prefix = word.prefix();
    let is_cluster = prefix.starts_with('-') && !prefix.starts_with("--");
    let in_place = prefix.find(['i', 'I']).filter(|at| !prefix[..*at].contains(['e', 'f', 'l']));
    match in_place {
        Some(at) if is_cluster => Text::lit(&prefix[..=at]),
        _ => word.clone(),
    }
}

/// Files of commands; whether there are none but those that can be read here.
fn script_files(job: &mut Job<'_, '_>, options: &Options) -> bool {
    let mut is_quiet = true;
    for path in options.values(&["-f", "--file"]) {
        let behind = if path.literal() == Some("-") { Some(job.input.cloned()) } else { job.behind(path) };
        match behind {
            Some(Some(text)) => is_quiet &= script(job, &text),
            Some(None) => {
                is_quiet = false;
                job.opaque("the script of sed comes from its input");
            }
            None => {
                is_quiet = false;
                let place = job.place(path);
                job.walker.script_file(&place, "sed", job.scope);
                job.read(path);
            }
        }
    }
    is_quiet
}

/// What a command of a script does besides printing.
#[derive(Debug, PartialEq)]
enum Act {
    /// Runs a shell command; without one, what is in the pattern space.
    Runs(String),
    Writes(String),
    Reads(String),
    /// It is known only when it runs.
    Unknown,
}

/// Follows what a script does; whether it only prints.
fn script(job: &mut Job<'_, '_>, script: &Text) -> bool {
    let acts = match Script::read(&script.masked()) {
        Some(acts) if script.literal().is_some() || injects_nothing(script) => acts,
        _ => vec![Act::Unknown],
    };
    let is_quiet = acts.is_empty();
    for act in acts {
        match act {
            Act::Runs(command) => {
                if !command.is_empty() {
                    job.shell(&Text::lit(command));
                    job.judge_both();
                }
                super::stranger::perhaps_holds(job, &script.masked());
                job.opaque("its script runs a shell");
            }
            Act::Writes(path) => job.write_aside(&Text::lit(path)),
            Act::Reads(path) => job.read(&Text::lit(path)),
            Act::Unknown => job.opaque("what its script does is known only when it runs"),
        }
    }
    is_quiet
}

/// Whether what is unknown in a script can only be a word of what it looks for or puts in: a number, or what stood in the
/// environment before.
fn injects_nothing(script: &Text) -> bool {
    script.has_hole() && !script.is_unforeseen()
}

/// Reads a script from its beginning.
struct Script<'t> {
    rest: &'t str,
    acts: Vec<Act>,
    /// A delimiter in brackets ends no pattern; there are `sed`s to which it does.
    sees_brackets: bool,
}

impl<'t> Script<'t> {
    /// What it does, to whichever `sed` reads it; `None` when it cannot be read.
    fn read(text: &'t str) -> Option<Vec<Act>> {
        let mut acts = Self::read_as(text, true)?;
        // Where brackets are not seen, what cannot be read is refused and does nothing.
        for act in Self::read_as(text, false).unwrap_or_default() {
            if !acts.contains(&act) {
                acts.push(act);
            }
        }
        Some(acts)
    }

    fn read_as(text: &'t str, sees_brackets: bool) -> Option<Vec<Act>> {
        let mut script = Self { rest: text, acts: Vec::new(), sees_brackets };
        loop {
            script.rest = script.rest.trim_start_matches(|next: char| next.is_whitespace() || next == ';');
            if script.rest.is_empty() {
                return Some(script.acts);
            }
            script.addresses()?;
            script.command()?;
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// `5`, `$`, `/x/I`, `\,x,`, `1~2`, and a second one behind a comma.
    fn addresses(&mut self) -> Option<()> {
        loop {
            self.blanks();
            match self.rest.chars().next() {
                Some('/') => {
                    self.next();
                    self.pattern('/')?;
                    self.rest = self.rest.trim_start_matches(['I', 'M']);
                }
                Some('\\') => {
                    self.next();
                    let delimiter = self.next()?;
                    self.pattern(delimiter)?;
                    self.rest = self.rest.trim_start_matches(['I', 'M']);
                }
                Some(first) if first.is_ascii_digit() || "$+~,!".contains(first) || first == MASK => {
                    self.next();
                }
                _ => return Some(()),
            }
        }
    }

    /// Goes behind a pattern and its delimiter.
    fn pattern(&mut self, delimiter: char) -> Option<()> {
        loop {
            match self.next()? {
                next if next == delimiter => return Some(()),
                '\\' => drop(self.next()?),
                '[' if self.sees_brackets => self.brackets()?,
                _ => {}
            }
        }
    }

    /// Goes behind `[^/[:alpha:]]` from within: everything up to `]`, but for one that comes first.
    fn brackets(&mut self) -> Option<()> {
        for first in ['^', ']'] {
            self.rest = self.rest.strip_prefix(first).unwrap_or(self.rest);
        }
        loop {
            match self.next()? {
                ']' => return Some(()),
                '[' if self.rest.starts_with([':', '.', '=']) => {
                    let kind = self.next()?;
                    let (_, rest) = self.rest.split_once(&format!("{kind}]"))?;
                    self.rest = rest;
                }
                _ => {}
            }
        }
    }

    /// Goes behind what is put in, and its delimiter.
    fn replacement(&mut self, delimiter: char) -> Option<()> {
        loop {
            match self.next()? {
                next if next == delimiter => return Some(()),
                '\\' => drop(self.next()?),
                _ => {}
            }
        }
    }

    fn line(&mut self) -> &'t str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    fn command(&mut self) -> Option<()> {
        match self.next()? {
            '{' | '}' | '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => {
            }
            '#' => {
                self.line();
            }
            'a' | 'i' | 'c' => self.text(),
            ':' | 'b' | 't' | 'T' | 'v' | 'q' | 'Q' | 'l' | 'L' => {
                let end = self.rest.find([';', '\n', '}']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            'r' | 'R' => {
                let path = self.line().trim().to_owned();
                self.acts.push(Act::Reads(path));
            }
            'w' | 'W' => {
                let path = self.line().trim().to_owned();
                self.acts.push(Act::Writes(path));
            }
            'e' => {
                let command = self.line().trim().to_owned();
                self.acts.push(Act::Runs(command));
            }
            's' => {
                let delimiter = self.next()?;
                self.pattern(delimiter)?;
                self.replacement(delimiter)?;
                self.flags();
            }
            'y' => {
                let delimiter = self.next()?;
                self.replacement(delimiter)?;
                self.replacement(delimiter)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Text that goes on where a line ends with a backslash.
    fn text(&mut self) {
        while self.line().ends_with('\\') {}
    }

    /// What stands behind `s/…/…/`.
    fn flags(&mut self) {
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' => {}
                'e' => self.acts.push(Act::Runs(String::new())),
                'w' => {
                    let path = self.line()[1..].trim().to_owned();
                    self.acts.push(Act::Writes(path));
                    return;
                }
                MASK => self.acts.push(Act::Unknown),
                _ => return,
            }
            self.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_prints_does_nothing_else() {
        for text in [
            "1,5p",
            "s/a/b/g",
            "s/e/w/;s|x/y|e|2;$!d",
            "/e x/d",
            "/a/,/b/{s/x/y/;p}",
            "\\,e,I!p",
            "y/ew/we/",
            "a\\\ne touch\n",
            ":a;N;$!ba;s/\\n/ /g",
            "# e x\np",
            "s/\\/e/\\/w/",
            "0~3d",
            "$a e x",
            "s/[^/]*$//",
            "s/[/]/_/g",
            "/[]/[:alpha:]]/d",
        ] {
            assert_eq!(Script::read(text), Some(Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_runs_reads_and_writes_is_found() {
        let run = |text: &str| Act::Runs(text.to_owned());
        for (text, act) in [
            ("1e touch x", run("touch x")),
            ("1etouch x", run("touch x")),
            ("s/x/y/ge", run("")),
            ("s/x/y/;p;e", run("")),
            ("/a/,/b/{e x\n}", run("x")),
            ("s,a,b,w out", Act::Writes("out".to_owned())),
            ("s/a/b/wout", Act::Writes("out".to_owned())),
            ("wout", Act::Writes("out".to_owned())),
            ("s/[/]//e;s/a/b/", run("")),
            ("/[/]/e touch x\np", run("touch x")),
            ("/x/r .env", Act::Reads(".env".to_owned())),
        ] {
            assert_eq!(Script::read(text), Some(vec![act]), "{text}");
        }
        assert_eq!(Script::read("k"), None);
    }
}
