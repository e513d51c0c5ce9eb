//! Code of other languages in an argument: a scan for what starts programs, removes, writes or connects.

use super::job::Job;
use crate::{
    effect::{Class, Effect, Effects},
    text::{Origin, Text},
};

/// A language of which code stands in arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Node,
    Perl,
    Ruby,
    Php,
    Other,
}

/// Words that start another program.
const SPAWN: [&str; 62] = [
    ".execute(",
    "os:cmd",
    "os.cmd",
    "open_port",
    "run-program",
    "run-shell-command",
    "callcommand",
    "callprocess",
    "readprocess",
    "shell(",
    "do shell",
    "do script",
    "sys.process",
    "shell/sh",
    "(sh ",
    "system.cmd",
    "system2(",
    "process_create",
    "os.system",
    "subprocess",
    "popen",
    "os.exec",
    "os.spawn",
    "posix_spawn",
    "pty.spawn",
    "commands.getoutput",
    "child_process",
    "execsync",
    "spawnsync",
    "execfile",
    ".exec(",
    "exec(",
    "spawn(",
    "system(",
    "system ",
    "qx(",
    "qx{",
    "qx/",
    "%x(",
    "%x{",
    "%x[",
    "io.popen",
    "open3",
    "kernel.exec",
    "shell_exec",
    "passthru",
    "proc_open",
    "pcntl_exec",
    "deno.command",
    "deno.run",
    "bun.spawn",
    "bun.$",
    "$`",
    "os.execute",
    "runtime.getruntime",
    "processbuilder",
    "process.start",
    "winexec",
    "shellexecute",
    "execvp",
    "execl",
    "syscall",
];

/// Words that make code out of text.
const DYNAMIC: [&str; 26] = [
    "pickle.load",
    "marshal.load",
    "eval(",
    "eval ",
    "exec(",
    "compile(",
    "__import__",
    "importlib",
    "getattr(",
    "globals(",
    "vars(",
    "new function",
    "function(\"",
    "vm.run",
    "require(\"vm",
    "b64decode",
    "fromhex",
    "frombase64",
    "atob(",
    "buffer.from",
    "instance_eval",
    "class_eval",
    "assert(",
    "create_function",
    "unpack(",
    "codecs.decode",
];

/// Words that remove a whole folder.
const REMOVE_TREE: [&str; 16] = [
    "recursive=true",
    "deno.remove",
    "rmtree",
    "rmsync",
    "rm_rf",
    "rm_r(",
    "remove_tree",
    "rmdirsync",
    "fs.rm(",
    "fs.rmdir(",
    "rimraf",
    "deltree",
    "remove_dir_all",
    "remove_entry",
    "fileutils.rm",
    "promises.rm",
];

/// Words that remove a file.
const REMOVE: [&str; 10] = [
    "os.remove",
    "os.unlink",
    ".unlink",
    "unlink(",
    "unlink ",
    "unlinksync",
    "file.delete",
    "os.removedirs",
    "os.rmdir",
    "dir.delete",
];

/// Words that write files.
const WRITE: [&str; 26] = [
    "writefile",
    "appendfile",
    "createwritestream",
    "write_text",
    "write_bytes",
    "file.write",
    "file.open",
    "file_put_contents",
    "fwrite",
    "shutil.copy",
    "shutil.move",
    "os.rename",
    "copyfile",
    "renamesync",
    "os.chmod",
    "os.chown",
    "chmodsync",
    "os.symlink",
    "symlinksync",
    "os.makedirs",
    "mkdirsync",
    "os.mkdir",
    ".touch(",
    "truncate(",
    "io.write",
    "fileutils.",
];

/// Words that talk to hosts.
const CONNECT: [&str; 22] = [
    "urlopen",
    "urlretrieve",
    "requests.",
    "httpx",
    "http.client",
    "http.get",
    "https.get",
    "http.request",
    "https.request",
    "fetch(",
    "axios",
    "net::http",
    "open-uri",
    "uri.open",
    "socket",
    "lwp",
    "file_get_contents",
    "curl_",
    "net.connect",
    "aiohttp",
    "xmlhttprequest",
    "webclient",
];

/// Judges code as far as words in it tell.
pub(super) fn scan(job: &mut Job<'_, '_>, language: Language, code: &Text) {
    let Some(text) = code.literal() else {
        let text = code.without_wildcards();
        if code.origin() == Some(Origin::Fetched) {
            job.class(Class::PipeToShell, format!("{} runs what is downloaded or decoded", job.name()));
        } else if code.has_hole() {
            let masked = text.masked().replace(crate::text::MASK, "");
            scan_known(job, language, &masked);
            job.opaque(format!("{} runs code that is known only when it runs", job.name()));
        } else if let Some(text) = text.literal() {
            scan_known(job, language, text);
        }
        return;
    };
    scan_known(job, language, text);
}

fn scan_known(job: &mut Job<'_, '_>, language: Language, text: &str) {
    let lower = text.to_lowercase().replace(" (", "(");
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let backticks = matches!(language, Language::Perl | Language::Ruby | Language::Php) && text.contains('`');
    let spawns = has(&SPAWN)
        || backticks
        || (language == Language::Other && has(&["run(`", "spawn ", "exec ", "process."]))
        || has(&["pexpect", "ctypes"])
        || (matches!(language, Language::Perl | Language::Ruby) && has(&["exec "]))
        || (language == Language::Perl && (has(&["open(", "open "]) && text.contains('|')));
    let is_dynamic = has(&DYNAMIC);
    let strings = literals(text);
    let name = job.name().to_owned();
    if lower.contains("fork") && (lower.contains("while") || lower.contains("for") || lower.contains("loop"))
    {
        job.class(Class::ForkBomb, format!("code of {name} starts itself without end"));
    }
    if has(&CONNECT) && is_dynamic {
        job.class(Class::PipeToShell, format!("code of {name} runs what it downloads"));
    }
    if spawns {
        for string in &strings {
            job.walker.payload_denied(&Text::lit(string.as_str()), job.scope);
        }
        argument_lists(job, text);
        job.opaque(format!("code of {name} starts programs"));
    } else if is_dynamic {
        job.opaque(format!("code of {name} makes code out of text"));
    }
    if has(&REMOVE_TREE) {
        job.class(Class::BulkDelete, format!("code of {name} removes folders with all below them"));
    }
    let removes = has(&REMOVE_TREE) || has(&REMOVE);
    let writes = has(&WRITE) || opens_to_write(&lower);
    let mut has_path = false;
    for string in &strings {
        // `open F, "<name"` of Perl.
        let name = string.trim_start_matches(['<', '>', '+', ' ']);
        let writes = writes || (language == Language::Perl && string.starts_with('>'));
        let string = if language == Language::Perl { name } else { string.as_str() };
        let path = Text::lit(string);
        if string.contains("://") && !string.contains(char::is_whitespace) {
            job.connect_url(&path);
        } else if looks_like_path(string) {
            has_path = true;
            if removes {
                job.remove(&path);
            } else if writes {
                job.write(&path);
            }
            job.read(&path);
        } else if has(&["socket", ".connect("]) && string.contains('.') {
            job.connect_host(&path, "tcp");
        }
    }
    joined_paths(job, text, &strings);
    if (removes || writes) && !has_path && !has(&["argv", "stdin"]) {
        let unknown = Text::hole(crate::text::Hole::UNKNOWN);
        if removes { job.remove(&unknown) } else { job.write(&unknown) }
    }
    if has(&CONNECT)
        && !strings.iter().any(|string| string.contains("://"))
        && has(&["urlopen", "requests.get", "requests.post", "fetch(", "http.get", "https.get"])
    {
        job.connect_url(&Text::hole(crate::text::Hole::UNKNOWN));
    }
}

/// `open(…, 'w')` in its spellings.
fn opens_to_write(lower: &str) -> bool {
    lower.contains("open")
        && [
            "'w'", "\"w\"", "'a'", "\"a\"", "'wb'", "\"wb\"", "'w+'", "\"w+\"", "'r+'", "'x'", "\"x\"",
            "mode='w", "mode=\"w", "'>", "\">", "'ab'", "\"ab\"",
        ]
        .iter()
        .any(|mode| lower.contains(mode))
}

/// `"/etc" + "/shadow"` and `os.path.join("/etc", "shadow")`: what neighbours give together.
fn joined_paths(job: &mut Job<'_, '_>, text: &str, strings: &[String]) {
    let joins = text.contains('+') || text.contains("join") || text.contains(" / ") || text.contains("path.");
    if !joins || strings.len() < 2 {
        return;
    }
    for pair in strings.windows(2) {
        for joined in [format!("{}{}", pair[0], pair[1]), format!("{}/{}", pair[0], pair[1])] {
            if looks_like_path(&joined) {
                job.read(&Text::lit(joined));
            }
        }
    }
    job.read(&Text::lit(strings.concat()));
}

/// `["rm", "-rf", "x"]`: words that a call gives one by one.
fn argument_lists(job: &mut Job<'_, '_>, text: &str) {
    let mut before = "";
    for list in text.split(['[', '(']) {
        let is_quoted = std::mem::replace(&mut before, list).ends_with("qw");
        let list = list.split([']', ')']).next().unwrap_or_default();
        let words: Vec<Text> = if is_quoted {
            list.split_whitespace().map(Text::lit).collect()
        } else {
            literals(list).into_iter().map(Text::lit).collect()
        };
        if words.len() > 1 {
            job.walker.words_denied(&words, job.scope);
        }
    }
}

fn looks_like_path(text: &str) -> bool {
    !text.is_empty()
        && text.len() < 300
        && !text.contains(['\n', '<', '>', '(', ')', '{', '}', '|', ';', '*', '%'])
        && (text.starts_with(['/', '~', '.'])
            || text.contains('/')
            || (text.contains('.') && !text.contains(' ')))
        && !text.ends_with('.')
        && text.chars().any(char::is_alphanumeric)
}

/// The texts in quotes.
pub(super) fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut characters = code.chars().peekable();
    while let Some(open) = characters.next() {
        if !matches!(open, '"' | '\'' | '`') {
            continue;
        }
        let mut literal = String::new();
        while let Some(next) = characters.next() {
            match next {
                '\\' => match characters.next() {
                    Some('x') => {
                        let digits: String = characters.by_ref().take(2).collect();
                        literal.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    }
                    Some('n') => literal.push('\n'),
                    Some('t') => literal.push('\t'),
                    other => literal.extend(other),
                },
                _ if next == open => break,
                _ => literal.push(next),
            }
        }
        if !literal.is_empty() {
            found.push(literal);
        }
    }
    found
}

/// A program of `awk`: what it runs, reads and writes; whether there is none of that.
pub(super) fn awk(job: &mut Job<'_, '_>, program: &Text) -> bool {
    let text = program.masked();
    let mut is_quiet = true;
    match program.origin() {
        None | Some(Origin::Number | Origin::Environment) => {}
        Some(Origin::Line) => is_quiet = false,
        Some(Origin::Unknown | Origin::Fetched) => {
            is_quiet = false;
            job.opaque("what the program of awk does is known only when it runs");
        }
    }
    let outside: String = outside_of_strings(&text);
    // `@include`, `@load`, and functions that are called by a name in a variable.
    if outside.contains('@') {
        is_quiet = false;
        job.opaque("awk takes code from somewhere else");
    }
    if outside.contains("system(") || outside.contains("system (") {
        is_quiet = false;
        for string in literals(&text) {
            job.walker.payload_denied(&Text::lit(string), job.scope);
        }
        job.opaque("awk's system() runs a shell");
    }
    if outside.contains("|&") || has_single_pipe(&outside) {
        is_quiet = false;
        for string in literals(&text) {
            job.walker.payload_denied(&Text::lit(string), job.scope);
        }
        job.opaque("awk runs a program through a pipe");
    }
    if outside.contains("getline") || outside.contains("ARGV") {
        is_quiet = false;
        for string in literals(&text).into_iter().filter(|string| looks_like_path(string)) {
            job.read(&Text::lit(string));
        }
    }
    if writes_file(&outside) {
        is_quiet = false;
        for string in literals(&text).into_iter().filter(|string| looks_like_path(string)) {
            job.write(&Text::lit(string));
        }
    }
    is_quiet
}

/// `print > "file"`: a `>` behind a print, outside of a comparison.
fn writes_file(outside: &str) -> bool {
    outside.match_indices('>').any(|(at, _)| {
        let before = outside[..at].rsplit(['{', ';', '}', '\n']).next().unwrap_or_default();
        // Within brackets it compares.
        let is_open = before.matches('(').count() > before.matches(')').count();
        before.trim_start().starts_with("print") && !is_open
    })
}

fn has_single_pipe(outside: &str) -> bool {
    let bytes = outside.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'|' && bytes.get(at + 1) != Some(&b'|') && (at == 0 || bytes[at - 1] != b'|')
    }) && (outside.contains("\"\" |")
        || outside.contains("\"\"|")
        || outside.contains("| \"\"")
        || outside.contains("|\"\"")
        || outside.contains("getline")
        || outside.contains("print"))
}

/// The code with its strings and patterns empty.
fn outside_of_strings(code: &str) -> String {
    let mut outside = String::new();
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        outside.push(character);
        let before = outside[..outside.len() - character.len_utf8()].trim_end();
        let is_pattern = character == '/'
            && (before.is_empty() || before.ends_with(['~', '(', '{', '}', ';', '&', '|', '!', ',']));
        if character == '"' || is_pattern {
            while let Some(next) = characters.next() {
                if next == '\\' {
                    characters.next();
                } else if next == character {
                    outside.push(next);
                    break;
                }
            }
        }
    }
    outside
}

impl crate::shell::Walker<'_> {
    /// A text in code that may be a command: only what would be denied counts.
    pub(super) fn payload_denied(&mut self, text: &Text, scope: &crate::shell::Scope) {
        let mut inner = scope.clone();
        inner.depth += 4;
        let mut apart = self.apart();
        if inner.depth < 14 {
            apart.payload(text, &mut inner, None, "code");
        }
        let found = self.found_apart(apart);
        self.keep_denied(found);
    }

    pub(super) fn words_denied(&mut self, words: &[Text], scope: &crate::shell::Scope) {
        let mut inner = scope.clone();
        inner.depth += 4;
        let mut apart = self.apart();
        if inner.depth < 14 {
            apart.run_program(words, &mut inner, None);
        }
        let found = self.found_apart(apart);
        self.keep_denied(found);
    }

    /// Keeps effects as certain: they are denied where a policy says so, and allowed by nothing.
    fn keep_denied(&mut self, effects: Effects) {
        for effect in effects.0 {
            match effect {
                Effect::Unreadable(_) => {}
                Effect::Run(mut run) => {
                    run.is_innermost = false;
                    self.effects.push(Effect::Run(run));
                }
                other => self.effects.push(other),
            }
        }
    }
}
