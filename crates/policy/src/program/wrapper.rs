//! Programs that run another one with the arguments behind their own.

use super::{
    job::{Job, found_names, with_placeholder},
    options::{Grammar, Options},
    remove::is_remover,
    runner::sentence,
};
use crate::{
    effect::Class,
    shell::{Folders, Scope, is_set_to_steer},
    text::Text,
};

/// How many names on an input are taken one by one.
const MOST_NAMES: usize = 16;

fn unsure(job: &mut Job<'_, '_>, options: &Options) {
    if options.is_unsure
        && options.operands.first().is_some_and(|word| word.begins_unknown() && word.splits())
    {
        job.opaque("which command it runs is known only when it runs");
    }
}

/// `env`: variables, then the command; `-S` splits a text into both.
pub(super) fn env(job: &mut Job<'_, '_>) {
    let grammar = Grammar::leading("uCSPa", &["unset", "chdir", "split-string", "argv0"]);
    let options = job.options(grammar);
    let mut scope = job.scope.clone();
    if let Some(folder) = options.value(&["-C", "--chdir"]) {
        scope.cwd = job.walker.enter(folder, &scope);
    }
    let mut words = options.operands.clone();
    if let Some(text) = options.value(&["-S", "--split-string"]) {
        let Some(text) = text.literal() else {
            job.opaque("env -S runs text that is known only when it runs");
            return;
        };
        let mut split: Vec<Text> = split_string(text);
        split.append(&mut words);
        words = split;
    }
    let assigned = words
        .iter()
        .take_while(|word| word.prefix().contains('=') && !word.prefix().starts_with('-'))
        .count();
    let steering = words[..assigned].iter().find_map(|word| {
        let (name, value) = word.split_once('=')?;
        is_set_to_steer(&name, value.literal()).then_some(name)
    });
    let mut command = words.split_off(assigned);
    // What `-S` splits can begin with options of its own.
    while command.first().is_some_and(|word| word.prefix().starts_with('-')) {
        command.remove(0);
    }
    if command.is_empty() {
        job.is_pure();
        return;
    }
    for (_, value) in words[..assigned].iter().filter_map(|word| word.split_once('=')) {
        job.walker.perhaps_started(&value, job.scope);
    }
    if let Some(name) = steering {
        job.opaque(format!("{name} is set before it, which changes what it runs"));
    }
    job.run_in(&command, &mut scope);
}

fn split_string(text: &str) -> Vec<Text> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut is_open = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                is_open = true;
            }
            (None, ' ' | '\t' | '\n') => {
                if std::mem::take(&mut is_open) {
                    words.push(Text::lit(std::mem::take(&mut word)));
                }
            }
            (_, '\\') => {
                is_open = true;
                match characters.next() {
                    Some('_') => word.push(' '),
                    next => word.extend(next),
                }
            }
            _ => {
                is_open = true;
                word.push(character);
            }
        }
    }
    if is_open {
        words.push(Text::lit(word));
    }
    words
}

/// `sudo`, `doas`, `run0`, `pkexec`: another user's rights.
pub(super) fn privileged(job: &mut Job<'_, '_>) {
    let grammar = match job.name() {
        "sudo" => Grammar::leading(
            "ugpCDRTUrth",
            &[
                "user",
                "group",
                "prompt",
                "close-from",
                "chdir",
                "chroot",
                "command-timeout",
                "other-user",
                "role",
                "type",
                "host",
            ],
        ),
        "doas" => Grammar::leading("uC", &[]),
        "pkexec" => Grammar::leading("", &["user"]),
        _ => Grammar::leading(
            "ugpD",
            &[
                "user",
                "group",
                "chdir",
                "setenv",
                "nice",
                "slice",
                "property",
                "description",
                "unit",
                "machine",
            ],
        ),
    };
    let options = job.options(grammar);
    job.class(Class::Privilege, format!("{} runs with another user's rights", job.name()));
    let mut scope = job.scope.clone();
    scope.is_privileged = true;
    if let Some(folder) = options.value(&["-D", "--chdir"]) {
        scope.cwd = job.walker.enter(folder, &scope);
    }
    let assigned = options.operands.iter().take_while(|word| word.prefix().contains('=')).count();
    let words = options.operands[assigned..].to_vec();
    if options.has(&["-e", "--edit"]) || job.name() == "sudoedit" {
        job.write_all(&words);
        return;
    }
    if words.is_empty() {
        if options.has(&["-s", "-i", "--shell", "--login"]) {
            fed_shell_as(job, scope);
        }
        return;
    }
    if options.has(&["-s", "-i", "--shell", "--login"]) {
        let mut text = Text::default();
        for word in &words {
            text.append(word);
            text.push_lit(" ");
        }
        job.is_wrapper();
        let input = job.input.cloned();
        job.walker.payload(&text, &mut scope, input.as_ref(), "sudo");
        return;
    }
    job.run_in(&words, &mut scope);
}

/// `su`, `runuser`: a command in one text, for another user.
pub(super) fn switch_user(job: &mut Job<'_, '_>) {
    let grammar =
        Grammar::new("cCgGswuT", &["command", "session-command", "group", "supp-group", "shell", "user"]);
    let options = job.options(grammar);
    job.class(Class::Privilege, format!("{} runs with another user's rights", job.name()));
    let mut scope = job.scope.clone();
    scope.is_privileged = true;
    let command = options.value(&["-c", "--command", "--session-command"]).cloned();
    if let Some(text) = command {
        job.is_wrapper();
        let input = job.input.cloned();
        job.walker.payload(&text, &mut scope, input.as_ref(), "su");
    } else if options.has(&["-u", "--user"]) {
        job.run_in(&options.operands, &mut scope);
    } else {
        fed_shell_as(job, scope);
    }
}

/// A shell that runs its input in another scope: with another user's rights, for one.
fn fed_shell_as(job: &mut Job<'_, '_>, scope: Scope) {
    let outer = std::mem::replace(job.scope, scope);
    let input = job.input.cloned();
    job.fed_shell(input.as_ref());
    *job.scope = outer;
}

/// `exec`, `command`, `builtin`: the shell's own ways to run something.
pub(super) fn shell_word(job: &mut Job<'_, '_>) {
    let grammar = Grammar::leading("a", &[]);
    let options = job.options(if job.name() == "exec" { grammar } else { Grammar::leading("", &[]) });
    if job.name() == "command" && options.has(&["-v", "-V"]) {
        job.is_pure();
        return;
    }
    if options.operands.is_empty() {
        job.is_pure();
        return;
    }
    if job.name() != "exec" && options.operands[0].literal().is_some_and(|name| IN_SHELL.contains(&name)) {
        // What changes the shell changes it for what follows.
        job.is_wrapper();
        job.printed = job.walker.run_builtin(&options.operands, job.scope, job.input);
        return;
    }
    job.run(&options.operands);
}

/// Builtins that change the shell that runs them.
const IN_SHELL: [&str; 22] = [
    "cd",
    "pushd",
    "popd",
    "set",
    "shift",
    "export",
    "declare",
    "typeset",
    "local",
    "readonly",
    "unset",
    "read",
    "mapfile",
    "readarray",
    "getopts",
    "let",
    "printf",
    "alias",
    "hash",
    "enable",
    "complete",
    "compgen",
];

/// `flock`, `watch`, `script`: a command as words or as one text.
pub(super) fn texted(job: &mut Job<'_, '_>) {
    let (grammar, skip) = match job.name() {
        "flock" => (Grammar::leading("wEc", &["timeout", "conflict-exit-code", "command"]), 1),
        "watch" => (Grammar::leading("n", &["interval"]), 0),
        "entr" => (Grammar::leading("", &[]), 0),
        _ => (
            Grammar::new(
                "cETBImoO",
                &["command", "echo", "log-out", "log-in", "log-io", "log-timing", "output-limit"],
            ),
            0,
        ),
    };
    let options = job.options(grammar);
    let mut operands = options.operands.clone();
    if let Some(text) = options.value(&["-c", "--command"]) {
        let text = text.clone();
        if job.name() == "script" || job.name() == "flock" {
            operands.truncate(1);
            job.write_all(&operands);
        }
        job.shell(&text);
        return;
    }
    let locked: Vec<Text> = operands.drain(..skip.min(operands.len())).collect();
    job.write_all(&locked);
    if job.name() == "script" {
        job.write_all(&operands);
        let input = job.input.cloned();
        job.fed_shell(input.as_ref());
        return;
    }
    // `flock FILE -c TEXT`
    if operands.first().and_then(Text::literal) == Some("-c") {
        if let Some(text) = operands.get(1).cloned() {
            job.shell(&text);
        }
        return;
    }
    if job.name() == "watch" && !options.has(&["-x", "--exec"]) {
        if !operands.is_empty() {
            job.shell(&sentence(&operands));
        }
        return;
    }
    job.run(&operands);
}

/// `xargs`: the command, with names from its input behind it or in the place of a mark.
pub(super) fn xargs(job: &mut Job<'_, '_>) {
    let grammar = Grammar::leading(
        "IniLPsdEa",
        &[
            "replace",
            "max-args",
            "max-lines",
            "max-procs",
            "max-chars",
            "delimiter",
            "arg-file",
            "process-slot-var",
            "eof",
        ],
    );
    // The values of `-i`, `-l` and `-e` only stand in the same word.
    let grammar = Grammar { short: "InLPsdEa", ..grammar };
    let options = job.options(grammar);
    for path in options.values(&["-a", "--arg-file"]) {
        job.read(path);
    }
    let mark = options.value(&["-I", "--replace"]).and_then(Text::literal).map(str::to_owned);
    let mark = mark.or_else(|| options.has(&["-i"]).then(|| "{}".to_owned()));
    let mut words = options.operands.clone();
    if words.is_empty() {
        job.is_pure();
        return;
    }
    let fed = fed_names(job, &options, mark.is_some());
    match &mark {
        Some(mark) => {
            // One run for each name, where they are known and few.
            if let Some((last, before)) = fed.split_last().filter(|_| fed.len() <= MOST_NAMES) {
                for name in before {
                    let words: Vec<Text> =
                        words.iter().map(|word| with_placeholder(word, mark, name)).collect();
                    job.run(&words);
                }
                words = words.iter().map(|word| with_placeholder(word, mark, last)).collect();
            } else {
                words = words.iter().map(|word| with_placeholder(word, mark, &found_names())).collect();
            }
        }
        None => words.extend(fed),
    }
    unsure(job, &options);
    if is_remover(&words) {
        job.class(Class::BulkDelete, "xargs removes what its input names");
    }
    job.run(&words);
}

/// The names on the input, where they are known: separated by NUL, by a character of choice, by lines, or as a shell does it.
fn fed_names(job: &Job<'_, '_>, options: &Options, by_line: bool) -> Vec<Text> {
    let file = options.value(&["-a", "--arg-file"]);
    let input = match file.map(|path| job.walker.content(path, job.scope)) {
        Some(content) => Some(content),
        None => job.input.cloned(),
    };
    let Some(text) = input.as_ref().and_then(Text::literal) else { return vec![found_names()] };
    let separator = match options.value(&["-d", "--delimiter"]).and_then(Text::literal) {
        Some("\\n") => Some('\n'),
        Some("\\t") => Some('\t'),
        Some(other) => other.chars().next(),
        None if options.has(&["-0", "--null"]) => Some('\0'),
        None => by_line.then_some('\n'),
    };
    match separator {
        Some(separator) => {
            let names = text.split(separator).map(str::trim_end);
            names.filter(|name| !name.is_empty()).map(Text::lit).collect()
        }
        None => split_string(text),
    }
}

const PARALLEL: Grammar = Grammar::leading(
    "jaINnLSPd",
    &[
        "jobs",
        "arg-file",
        "max-args",
        "sshlogin",
        "results",
        "joblog",
        "colsep",
        "delay",
        "retries",
        "timeout",
        "tempdir",
        "workdir",
        "halt",
        "memfree",
        "load",
        "tagstring",
        "arg-sep",
    ],
);

/// `parallel`: a command, then `:::` and names.
pub(super) fn parallel(job: &mut Job<'_, '_>) {
    let options = job.options(PARALLEL);
    let options_files: &[Text] = &options.values(&["-a", "--arg-file"]).cloned().collect::<Vec<_>>();
    let operands = options.operands;
    let end = operands.iter().position(|word| word.prefix().starts_with(":::")).unwrap_or(operands.len());
    let found = found_names();
    if end == 0 {
        // The lines of these files are commands.
        let named = operands.first().is_some_and(|word| word.prefix().starts_with("::::"));
        let files = operands.iter().skip(1).filter(|_| named).chain(options_files);
        for file in files {
            job.script(file);
        }
        if named {
            return;
        }
        for name in operands.iter().skip(1) {
            job.shell(name);
        }
        if job.input.is_some() && operands.is_empty() {
            let input = job.input.cloned().unwrap_or_default();
            job.shell(&input);
        }
        return;
    }
    let mut text = Text::default();
    let mut has_mark = false;
    for (at, word) in operands[..end].iter().enumerate() {
        if at > 0 {
            text.push_lit(" ");
        }
        has_mark |= word.prefix().contains('{');
        text.append(&with_placeholder(word, "{}", &found));
    }
    // The command is one text to a shell; known words behind `:::` are put in its place.
    let values: Vec<Text> = operands.get(end + 1..).unwrap_or_default().to_vec();
    if values.is_empty() || values.len() > 16 {
        let words: Vec<Text> =
            operands[..end].iter().map(|word| with_placeholder(word, "{}", &found)).collect();
        if is_remover(&words) {
            job.class(Class::BulkDelete, "parallel removes what its input names");
        }
        if operands.len() == 1 {
            job.shell(&text);
        } else {
            job.run(&[words, vec![found]].concat());
        }
        return;
    }
    for value in &values {
        let mut words: Vec<Text> =
            operands[..end].iter().map(|word| with_placeholder(word, "{}", value)).collect();
        if !has_mark {
            words.push(value.clone());
        }
        if end == 1 && words[0].prefix().contains(' ') {
            let mut text = words[0].clone();
            for word in &words[1..] {
                text.push_lit(" ");
                text.append(word);
            }
            job.shell(&text);
        } else {
            job.run(&words);
        }
    }
}

/// `busybox rm …`, `toybox rm …`
pub(super) fn applet(job: &mut Job<'_, '_>) {
    let options = job.options(Grammar::leading("", &[]));
    job.run(&options.operands);
}

/// `chroot`, `unshare`, `nsenter`, `systemd-run`: somewhere else on the same machine.
pub(super) fn elsewhere(job: &mut Job<'_, '_>) {
    let (grammar, skip) = match job.name() {
        "chroot" => (Grammar::leading("", &["groups", "userspec"]), 1),
        "unshare" => (
            Grammar::leading(
                "SGRwl",
                &["setuid", "setgid", "root", "wd", "map-user", "map-group", "propagation"],
            ),
            0,
        ),
        "nsenter" => (Grammar::leading("tSGW", &["target", "setuid", "setgid", "wdns"]), 0),
        "bwrap" => (
            Grammar::leading("", &["bind", "ro-bind", "dev-bind", "tmpfs", "proc", "dev", "chdir", "setenv"]),
            0,
        ),
        "setpriv" | "capsh" => {
            (Grammar::leading("", &["reuid", "regid", "groups", "inh-caps", "bounding-set"]), 0)
        }
        _ => (
            Grammar::leading(
                "pEutMHd",
                &[
                    "property",
                    "setenv",
                    "unit",
                    "slice",
                    "uid",
                    "gid",
                    "nice",
                    "working-directory",
                    "on-calendar",
                    "on-active",
                    "on-boot",
                    "machine",
                    "host",
                    "description",
                    "service-type",
                ],
            ),
            0,
        ),
    };
    let options = job.options(grammar);
    let mut scope = job.scope.clone();
    if job.name() == "chroot" {
        job.class(Class::Privilege, "chroot runs in another root");
        scope.cwd = Folders::unknown();
    }
    if let Some(folder) = options.value(&["--working-directory", "-w", "--wd", "--chdir"]) {
        scope.cwd = job.walker.enter(folder, &scope);
    }
    let mut words = options.operands.get(skip..).unwrap_or_default().to_vec();
    // bwrap's binds take two values.
    if job.name() == "bwrap" {
        while words.first().is_some_and(|word| word.prefix().starts_with('/')) && words.len() > 1 {
            words.remove(0);
        }
        while words.first().is_some_and(|word| word.prefix().starts_with("--")) {
            words.drain(..3.min(words.len()));
        }
    }
    job.run_in(&words, &mut scope);
}
