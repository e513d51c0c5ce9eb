//! Programs that nobody here knows. Their arguments and their input may be commands, paths and hosts: where such a thing would be
//! denied, the call is asked.

use super::{job::Job, name_of, table};
use crate::{
    effect::{Class, Effect, Effects, Endpoint, Run, Written},
    text::Text,
};

/// How many arguments are looked at as the beginning of a command.
const MOST_TAILS: usize = 6;
/// How long a text may be that is searched for commands.
const MOST_BYTES: usize = 4096;
/// How many commands are looked at in one text.
const MOST_COMMANDS: usize = 8;
/// How many paths are looked at in one text.
const MOST_PATHS: usize = 16;

/// Options whose value is prose, and options whose value is written to.
const PROSE: [&str; 16] = [
    "-m",
    "--message",
    "--title",
    "--body",
    "--description",
    "--desc",
    "--summary",
    "--comment",
    "--notes",
    "--note",
    "--subject",
    "--reason",
    "--text",
    "--prompt",
    "-p",
    "--caption",
];
const OUTPUT: [&str; 14] = [
    "-o",
    "--output",
    "--out",
    "--outfile",
    "--out-file",
    "--output-file",
    "--outdir",
    "--out-dir",
    "--output-dir",
    "--outFile",
    "--outDir",
    "-out",
    "--log-file",
    "--logfile",
];

/// Options whose value is a host.
const HOSTS: [&str; 6] = ["-h", "-H", "--host", "--hostname", "--server", "--addr"];

/// Looks at the arguments and the input of a program with suspicion.
pub(super) fn stranger(job: &mut Job<'_, '_>) {
    let words = job.words.clone();
    let name = job.name().to_owned();
    let lower = name.to_lowercase();
    if lower != name && table::handler(&lower).is_some() {
        // The same program, where names that differ in case are one.
        let mut other = words.clone();
        other[0] = Text::lit(lower);
        perhaps_runs(job, &other);
    }
    let is_script = job.is_script;
    let end_of_options = words.iter().position(|word| word.literal() == Some("--"));
    for (at, word) in words.iter().enumerate().skip(1) {
        perhaps_reads(job, word);
        let before = words[at - 1].literal().unwrap_or_default();
        perhaps_connects(job, word, HOSTS.contains(&before));
        if OUTPUT.contains(&before) {
            perhaps_writes(job, word);
        } else if let Some((_, path)) =
            word.split_once('=').filter(|(name, _)| OUTPUT.contains(&name.as_str()))
        {
            perhaps_writes(job, &path);
        }
        if at <= MOST_TAILS || end_of_options.is_some_and(|end| at == end + 1) {
            perhaps_runs(job, &words[at..]);
        }
        // A script of the project takes prose; what stands behind an option may be more.
        let may_hold = !PROSE.contains(&before) && (!is_script || before.starts_with('-'));
        if may_hold
            && let Some(text) = word.literal().filter(|text| text.contains([' ', '(', '!', '=', '\n']))
        {
            perhaps_holds(job, text);
        }
    }
    if let Some(text) = job.input.and_then(Text::literal).map(str::to_owned) {
        perhaps_holds(job, &text);
    }
}

/// These words may be a command.
fn perhaps_runs(job: &mut Job<'_, '_>, words: &[Text]) {
    let Some(name) = words[0].literal().map(name_of) else { return };
    if table::handler(&name).is_some() {
        let effects = job.apart(words);
        job.walker.effects.push(Effect::Perhaps(effects));
    } else if words.len() > 1 && name.starts_with(|first: char| first.is_ascii_lowercase()) {
        // Rules may name a program that is not in the table.
        let mut words = words.to_vec();
        words[0] = Text::lit(name);
        let mut effects = Effects::default();
        effects.push(Effect::Run(Run {
            words,
            is_innermost: false,
            is_genuine: true,
            is_pure: false,
            is_harmless: false,
        }));
        job.walker.effects.push(Effect::Perhaps(effects));
    }
}

/// An argument may be a path, perhaps behind `=` or `@`, or a URL.
pub(super) fn perhaps_reads(job: &mut Job<'_, '_>, word: &Text) {
    let value = match word.split_once('=') {
        Some((_, value)) => value,
        None => word.clone(),
    };
    let value = value.strip_prefix("@").unwrap_or(value);
    // `text/plain:/path`
    let behind_colon = value.prefix().find(":/").filter(|at| !value.prefix()[*at..].starts_with("://"));
    let value = behind_colon.map_or(value.clone(), |at| value.without_prefix(at + 1));
    let mut effects = Effects::default();
    if value.prefix().contains("://") {
        if value.prefix().contains(char::is_whitespace) {
            return;
        }
        effects.push(Effect::Connect(Endpoint { target: value, is_url: true, scheme: None }));
    } else if looks_like_path(&value) {
        let place = job.place(&value);
        if value.prefix().starts_with("/dev/") {
            effects.push(Effect::Write(place.clone(), Written::Inside));
        }
        effects.push(Effect::Read(place));
    }
    if !effects.0.is_empty() {
        job.walker.effects.push(Effect::Perhaps(effects));
    }
}

/// An argument may be a host: behind an option that says so, as `user@host`, `host:port` or `host:/path`.
fn perhaps_connects(job: &mut Job<'_, '_>, word: &Text, is_named: bool) {
    let Some(text) = word.literal() else { return };
    let text = match text.split_once('=') {
        Some((name, value)) if HOSTS.contains(&name) => value,
        _ => text,
    };
    let host = text.rsplit('@').next().unwrap_or(text);
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let has_port =
        port.starts_with('/') || (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host = host.contains('.')
        && !host.starts_with(['.', '/', '-'])
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if is_host && (is_named || has_port || text.contains('@')) {
        let mut effects = Effects::default();
        let target = Text::lit(host);
        effects.push(Effect::Connect(Endpoint { target, is_url: false, scheme: None }));
        job.walker.effects.push(Effect::Perhaps(effects));
    }
}

fn perhaps_writes(job: &mut Job<'_, '_>, path: &Text) {
    let mut effects = Effects::default();
    let place = job.place(path);
    job.walker.wrote(&place, job.scope);
    effects.push(Effect::Write(place, Written::Inside));
    job.walker.effects.push(Effect::Perhaps(effects));
}

fn looks_like_path(value: &Text) -> bool {
    value.prefix().starts_with(['/', '.', '~']) || value.literal().is_some_and(|text| text.contains('/'))
}

/// A text in a language that nobody here reads may hold commands and paths.
pub(super) fn perhaps_holds(job: &mut Job<'_, '_>, text: &str) {
    if text.len() > MOST_BYTES {
        return;
    }
    for command in commands_in(text).take(MOST_COMMANDS) {
        let mut effects = job.text_apart(command);
        // In prose a command is named without what it would remove.
        effects.0.retain(|effect| {
            !matches!(effect, Effect::Class(Class::RecursiveForceRemove, _, places) if places.is_empty())
        });
        if !effects.iter().any(|effect| matches!(effect, Effect::Unreadable(_))) {
            job.walker.effects.push(Effect::Perhaps(effects));
        }
    }
    perhaps_reads_in(job, text);
}

/// The paths in a text may be read.
pub(super) fn perhaps_reads_in(job: &mut Job<'_, '_>, text: &str) {
    let tokens = text.split(|next: char| next.is_whitespace() || "\"'`()[]{}<>,;|=".contains(next));
    let paths = tokens.filter(|token| token.len() > 1 && token.starts_with(['/', '~', '.']));
    for path in paths.take(MOST_PATHS) {
        perhaps_reads(job, &Text::lit(path));
    }
}

/// The stretches of a text that begin with the name of a program, up to where something ends that began before them.
fn commands_in(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |next: char| next.is_ascii_alphanumeric() || "_./-+".contains(next);
    let mut from = 0;
    std::iter::from_fn(move || {
        while from < text.len() {
            let rest = &text[from..];
            let start = from + rest.find(is_part)?;
            let length = text[start..].find(|next| !is_part(next)).unwrap_or(text.len() - start);
            from = start + length;
            let is_program = table::handler(&name_of(&text[start..from])).is_some();
            let has_more = text[from..].starts_with([' ', '\t', ',', '"', '\'']);
            if is_program && has_more {
                return Some(enclosed(&text[start..]));
            }
        }
        None
    })
}

/// What stands before the first closing quote or bracket without its opening one, and before the end of the line.
fn enclosed(text: &str) -> &str {
    let mut open = Vec::new();
    for (at, character) in text.char_indices() {
        let closes = match character {
            '\n' => true,
            '(' | '[' | '{' => {
                open.push(character);
                false
            }
            ')' | ']' | '}' => open.pop().is_none(),
            '"' | '\'' | '`' if open.last() == Some(&character) => {
                open.pop();
                false
            }
            '"' | '\'' | '`' if text[at + 1..].contains(character) && text[..at].ends_with([' ', '=']) => {
                open.push(character);
                false
            }
            '"' | '\'' | '`' => true,
            _ => false,
        };
        if closes {
            return &text[..at];
        }
    }
    text
}

impl Job<'_, '_> {
    /// The effects of these words as a command, apart from this one's.
    pub(super) fn apart(&mut self, words: &[Text]) -> Effects {
        self.apart_with(words, None)
    }

    /// The same for a command that gets this one's input.
    pub(super) fn apart_fed(&mut self, words: &[Text]) -> Effects {
        let input = self.input.cloned();
        self.apart_with(words, input.as_ref())
    }

    fn apart_with(&mut self, words: &[Text], input: Option<&Text>) -> Effects {
        let mut walker = self.walker.apart();
        let mut scope = self.scope.clone();
        scope.depth += 4;
        if scope.depth < 12 {
            walker.run(words, &mut scope, input);
        }
        self.walker.found_apart(walker)
    }

    fn text_apart(&mut self, text: &str) -> Effects {
        let mut walker = self.walker.apart();
        let mut scope = self.scope.clone();
        scope.depth += 4;
        if scope.depth < 12 {
            walker.program(text, &mut scope, None);
        }
        self.walker.found_apart(walker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_where_what_holds_them_ends() {
        let found = |text| commands_in(text).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(found("system(\"rm -rf build\")"), ["rm -rf build"]);
        assert_eq!(found("start:execute(rm -rf $(cat x))"), ["rm -rf $(cat x)", "cat x"]);
        assert_eq!(found("a\nrm x\nb"), ["rm x"]);
        assert_eq!(found("confirm x, farm y"), Vec::<String>::new());
    }
}
